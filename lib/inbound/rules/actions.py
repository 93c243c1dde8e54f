"""Tasks, cases and records that rules make of a mail, each once for a mail and a rule.

Ids follow from the mail and the rule. So a mail that is taken in again makes nothing new, and nothing that was closed
or changed since is touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import ValidationError

from lib.fields import STORED, RecordRef
from lib.ids import short_hash
from lib.inbound.rules.models import RuleMail, StoredRule, TaskFields, matches
from lib.inbound.rules.store import RuleStore
from lib.people.address_index import AddressIndex
from lib.people.calls import Activities
from lib.people.records import RecordSpec, StoredRecord
from lib.people.store import People
from lib.people.tasks import Task, Tasks
from lib.people.user_addresses import UserAddresses

RecordChanged = Callable[[str, RecordRef, Iterable[str]], Awaitable[None]]
"""Has messages looked at whose follow state may be another one, of (organization, record, addresses)."""


@dataclass(frozen=True, slots=True)
class Made:
    """A thing that a rule makes of a mail, or would make."""

    rule: str
    type: str
    id: str
    title: str
    """The title of a task or a case, or the record's name."""


class RuleActions:
    """Carries the rules out."""

    def __init__(
        self,
        rules: RuleStore,
        tasks: Tasks,
        activities: Activities,
        people: People,
        address_index: AddressIndex,
        record_changed: RecordChanged,
        users: UserAddresses,
    ) -> None:
        self._rules = rules
        self._tasks = tasks
        self._activities = activities
        self._people = people
        self._address_index = address_index
        self._record_changed = record_changed
        self._users = users

    async def carry_out(self, organization: str, mail: RuleMail, others: Sequence[StoredRule] = ()) -> list[Made]:
        """Make what the stored rules and some others want of a mail; return all of it, also what was made before.

        Raises StorageError, Stale.
        """
        made = []
        for rule in [*others, *[each async for each in self._rules.list_rules(organization)]]:
            if found := await self.find_wanted(organization, rule, mail):
                await self._make(organization, rule, mail, found)
                made.append(found)
        return made

    async def find_wanted(self, organization: str, rule: StoredRule, mail: RuleMail) -> Made | None:
        """Return what the rule makes of the mail: None where the mail is none for it, or its writer needs no record.

        Users need none, nor do writers that have one.
        """
        if not matches(rule.when, mail):
            return None
        made = short_hash("rule", rule.id, mail.id)
        if rule.create.type in ("task", "case"):
            return Made(rule.id, rule.create.type, made, _task(rule, mail, made).title)
        try:
            name = _record(rule, mail, made).name
        except ValidationError:  # the writer's address is missing, or is none that a record can have
            return None
        is_colleague = await self._users.find_user(organization, [mail.email]) is not None
        if is_colleague or await self._is_known(organization, rule.create.type, mail.email, made):
            return None
        return Made(rule.id, rule.create.type, made, name)

    async def _is_known(self, organization: str, record_type: str, email: str, made: str) -> bool:
        """Tell whether another record of the type has the address."""
        page = await self._address_index.page(organization, email, record_type, None, 2)
        return any(record.id != made for record, _ in page.records)

    async def _make(self, organization: str, rule: StoredRule, mail: RuleMail, wanted: Made) -> None:
        if wanted.type in ("task", "case"):
            await self._tasks.enter_task(organization, _task(rule, mail, wanted.id))
            found = await self._tasks.load_task(organization, wanted.id)
            if found is not None:
                await self._activities.show_task(organization, found[0])
            return
        record = _record(rule, mail, wanted.id)
        there = await self._people.record(organization, record.ref())
        if there is None:
            await self._address_index.save_record(organization, record, None)
        else:
            # A process that died after the record's row has left no row of the index.
            await self._address_index.enter_record(organization, there)
        await self._record_changed(organization, record.ref(), record.emails)


def _task(rule: StoredRule, mail: RuleMail, made: str) -> Task:
    fields = TaskFields.model_validate(rule.create.fields, context=STORED)
    due_at = None if fields.due_in_hours is None else mail.at + timedelta(hours=fields.due_in_hours)
    kind: Literal["task", "case"] = "case" if rule.create.type == "case" else "task"
    return Task(
        id=made,
        type=kind,
        title=fields.title or mail.subject or "No subject",
        text=fields.text,
        record=mail.record,
        user=fields.user or mail.user,
        at=mail.at,
        due_at=due_at,
        message=mail.id,
        rule=rule.id,
    )


def _record(rule: StoredRule, mail: RuleMail, made: str) -> StoredRecord:
    fields = RecordSpec.model_validate(rule.create.fields, context=STORED)
    name = fields.name or " ".join(mail.name.split())[:200] or mail.email
    owner, emails = fields.owner or mail.user, [*fields.emails, mail.email]
    given = {**dict(fields), "name": name, "owner": owner, "emails": emails}
    return StoredRecord(**given, type=rule.create.type, id=made)
