"""Follower of assessments: brings what a message gives to the counts of its template up to date, exactly once.

The part in the summary says what the message gives, and is a plan until the ledger (`lib.storage.ledger`) has entered
it: a use is `settled` once its share was seen in storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import TypeAdapter

from lib.messages.models import StoredMessage
from lib.templates.counting import TemplateCounting
from lib.templates.shares import TemplateShare, TemplateUse, share_of
from lib.verdicts.assessed import AssessedMessage, Plan


class TemplatesFollower:
    """Part of the summary: the use of a template; none where the message was made of none, or was not sent."""

    part_name = "template"
    part_type: TypeAdapter[TemplateUse | None] = TypeAdapter(TemplateUse | None)

    def __init__(self, counting: TemplateCounting) -> None:
        self._counting = counting

    async def plan(self, assessed: AssessedMessage, before: TemplateUse | None) -> Plan[TemplateUse | None]:
        """Find what the message gives to its template now. Writes nothing."""
        message = assessed.message
        share = share_of(message, assessed.kpis)
        if before is None:
            if share is None or message.template is None:
                return Plan(None)
            return Plan(TemplateUse(template=message.template, digest=share.digest(), generation=1))
        read_share = partial(
            self._counting.load_message_share, assessed.organization, before.template, assessed.message.id
        )
        return Plan(await before.plan_again(share.digest() if share else "", read_share))

    async def apply(self, assessed: AssessedMessage, part: TemplateUse | None) -> None:
        """Enter the share that is not settled. Raises Stale."""
        if part is None or part.settled:
            return
        share = share_of(assessed.message, assessed.kpis) or TemplateShare()
        await self._enter(assessed.organization, assessed.message.id, part, share, part.generation)

    async def forget(
        self,
        organization: str,
        message: str,
        part: TemplateUse | None,
        planned_before: Sequence[StoredMessage] = (),  # noqa: ARG002
    ) -> None:
        """Take the message's share away: the template does not count it any more. Raises Stale."""
        if part is not None:
            await self._enter(organization, message, part, TemplateShare(), part.generation + 1)

    async def _enter(
        self, organization: str, message: str, use: TemplateUse, share: TemplateShare, generation: int
    ) -> None:
        share = share.model_copy(update={"generation": generation})
        await self._counting.enter_message_share(organization, use.template, message, share)
