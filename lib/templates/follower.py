"""Follower of assessments: brings what a message gives to the counts of its template up to date, exactly once.

The part in the summary says what the message gives, and is a plan until the ledger (`lib.storage.ledger`) has entered
it: a use is `settled` once its share was seen in storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import TypeAdapter

from lib.clock import month_of
from lib.messages.models import StoredMessage
from lib.templates.contacts import Contacts
from lib.templates.counting import TemplateCounting
from lib.templates.shares import TemplateShare, TemplateUse, share_of
from lib.templates.store import Templates
from lib.verdicts.assessed import AssessedMessage, Plan


class TemplatesFollower:
    """Part of the summary: the use of a template; none where the message was made of none, or was not sent."""

    part_name = "template"
    part_type: TypeAdapter[TemplateUse | None] = TypeAdapter(TemplateUse | None)

    def __init__(self, counting: TemplateCounting, templates: Templates, contacts: Contacts) -> None:
        self._counting = counting
        self._templates = templates
        self._contacts = contacts

    async def plan(self, assessed: AssessedMessage, before: TemplateUse | None) -> Plan[TemplateUse | None]:
        """Find what the message gives to its template now. Writes nothing."""
        if before is None or not before.month:
            return Plan(await self._first_use(assessed, before))
        share = share_of(assessed, before)
        read_share = partial(
            self._counting.load_message_share,
            assessed.organization,
            before.template,
            before.month,
            assessed.message.id,
        )
        return Plan(await before.plan_again(share.digest() if share else "", read_share))

    async def _first_use(self, assessed: AssessedMessage, before: TemplateUse | None) -> TemplateUse | None:
        """Find out what stays: the account, the content's series, and who the contact is.

        A use that an earlier release has counted is counted anew, in the accounts of this one.
        """
        organization, message = assessed.organization, assessed.message
        if message.state != "sent" or message.template is None:
            return before
        contact, person = await self._contacts.find_contact(
            organization, message, names_recipients=assessed.names_recipients
        )
        use = TemplateUse(
            template=message.template,
            month=month_of(message.sort_time()),
            series=await self._templates.find_series(organization, message.template, message.template_version),
            contact=contact,
            person=person,
            generation=before.generation + 1 if before else 1,
        )
        share = share_of(assessed, use)
        return use.model_copy(update={"digest": share.digest() if share else ""})

    async def apply(self, assessed: AssessedMessage, part: TemplateUse | None) -> None:
        """Enter the share that is not settled. Raises Stale."""
        if part is None or part.settled or not part.month:
            return
        if assessed.names_recipients:
            await self._contacts.note_contact(assessed.organization, assessed.message)
        share = share_of(assessed, part) or TemplateShare()
        await self._enter(assessed.organization, assessed.message.id, part, share, part.generation)

    async def forget(
        self,
        organization: str,
        message: str,
        part: TemplateUse | None,
        planned_before: Sequence[StoredMessage] = (),  # noqa: ARG002
    ) -> None:
        """Take the message's share away: the template does not count it any more. Raises Stale."""
        if part is not None and part.month:
            await self._enter(organization, message, part, TemplateShare(), part.generation + 1)

    async def _enter(
        self, organization: str, message: str, use: TemplateUse, share: TemplateShare, generation: int
    ) -> None:
        share = share.model_copy(update={"generation": generation})
        await self._counting.enter_message_share(organization, use.template, use.month, message, share)
