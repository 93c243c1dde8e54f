"""What tests of engagement need: facts with verdicts, and an organization whose messages are assessed by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lib.clock import SetClock, milliseconds
from lib.errors import Stale
from lib.fields import RecordRef
from lib.messages.models import StoredMessage
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.organizations.settings import Score
from lib.people.records import StoredRecord
from lib.people.store import People, record_partition
from lib.records import Contribution, Engagement, Engagements, RecordsFollower, Rollup
from lib.storage import Change, Range, Row, Storage, Tables
from lib.storage.layout import INTERACTIONS, table
from lib.storage.memory import MemoryQueues, memory_storage
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.kpis import Kpis
from lib.verdicts.tallies import Tallies, tally
from tests.support.failing import Failure, failing_storage
from tests.support.heed import START
from tests.support.passing_storage import PassingTables

WEIGHTS = Score()
AT = milliseconds(START)
MINUTE = 60_000


def fact(kind: Any, at: int, recipient: int | None = 0, number: int = 0, message: str = "0" * 32) -> Fact:
    """`at` in milliseconds; `number` tells facts of the same moment apart."""
    return Fact(f"{at:013d}-{number:012x}", message, kind, at, "GET", recipient)


def verdict(kind: Any) -> Verdict:
    return Verdict(kind, 0.9, (), "1", 0.9)


def judged(facts: Iterable[Fact], kind: str = "human") -> Tallies:
    """Their tallies, with the same verdict on all of them."""
    facts = list(facts)
    return tally(facts, {each.key: verdict(kind) for each in facts})


def opens(number: int, recipient: int | None = 0, start: int = AT) -> list[Fact]:
    """So many, a minute apart, from `start` on."""
    return [fact("open", start + place * MINUTE, recipient, place) for place in range(number)]


def ref(name: str) -> RecordRef:
    """`contact/c1`."""
    record_type, _, record_id = name.partition("/")
    return RecordRef(type=record_type, id=record_id)


class SlowTables(PassingTables):
    """Lets others go first at every operation, and counts them."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.calls = 0

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        await self._others_first()
        return await super().read_row(table, partition, key)

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        await self._others_first()
        async for row in super().query(table, partition, keys, limit):
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        await self._others_first()
        return await super().write_rows(table, changes)

    async def _others_first(self) -> None:
        self.calls += 1
        await asyncio.sleep(0)


@dataclass(slots=True)
class Office:
    """An organization. `summaries` stands for the messages' summaries: (version, contributions).

    Storage fails as `failure` is armed.
    """

    storage: Storage = field(default_factory=memory_storage)
    organization: str = "acme"
    clock: SetClock = field(default_factory=lambda: SetClock(START))
    tables: SlowTables = field(init=False)
    queues: MemoryQueues = field(default_factory=MemoryQueues)
    failure: Failure = field(default_factory=Failure)
    people: People = field(init=False)
    organizations: Organizations = field(init=False)
    engagements: Engagements = field(init=False)
    follower: RecordsFollower = field(init=False)
    messages: dict[str, StoredMessage] = field(default_factory=dict)
    tallies: dict[str, Tallies] = field(default_factory=dict)
    summaries: dict[str, tuple[int, list[Contribution]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = SlowTables(self.storage.tables)
        self.storage = failing_storage(replace(self.storage, tables=self.tables, queues=self.queues), self.failure)
        self.people = People(self.storage.tables)
        self.organizations = Organizations(self.storage, self.clock)
        self.engagements = self._new_engagements()
        self.follower = RecordsFollower(self.engagements, self.people, self.storage.queues)

    def another_process(self) -> RecordsFollower:
        return RecordsFollower(self._new_engagements(), self.people, self.storage.queues)

    def _new_engagements(self) -> Engagements:
        return Engagements(self.storage.tables, self.people, self.organizations, self.storage.queues, self.clock)

    async def open(self, **settings: Any) -> Office:
        await self.organizations.save_organization(
            self.organization, OrganizationSpec(name="Acme", settings=settings), None
        )
        await self.organizations.settings(self.organization)
        return self

    @property
    def now(self) -> int:
        return milliseconds(self.clock.now())

    async def record(self, name: str, parent: str | None = None) -> None:
        """Put a record as the API does."""
        kind, _, record_id = name.partition("/")
        stored = StoredRecord(type=kind, id=record_id, name=name, parent=ref(parent) if parent else None)
        await self.people.records.save(self.organization, record_partition(kind), record_id, stored, None)
        await self.engagements.record_changed(self.organization, ref(name))

    def sent(self, *records: str, regarding: str | None = None, at: datetime | None = None) -> str:
        """A message that was sent to these records; its id."""
        message = StoredMessage.model_validate(
            {
                "id": f"{len(self.messages):032x}",
                "from": "rep1",
                "state": "sent",
                "created_at": START,
                "sent_at": at or self.clock.now(),
                "to": [{"email": f"r{number}@x.example", "record": ref(name)} for number, name in enumerate(records)],
                "regarding": ref(regarding).model_dump() if regarding else None,
            }
        )
        self.messages[message.id] = message
        self.tallies[message.id] = Tallies()
        return message.id

    def assessed(
        self, message: str, tallies: Tallies | None = None, about: StoredMessage | None = None
    ) -> AssessedMessage:
        """The message as it is, or `about`, with these tallies, or those of now."""
        counted = self.tallies[message] if tallies is None else tallies
        return AssessedMessage(self.organization, about or self.messages[message], "", [], [], {}, Kpis(), counted)

    async def plan(self, message: str, follower: RecordsFollower | None = None) -> list[Contribution]:
        """What the assessor does first: find what the message contributes, and put that into the summary."""
        version, before = self.summaries.get(message, (0, []))
        found = (await (follower or self.follower).plan(self.assessed(message), before)).part
        await asyncio.sleep(0)
        if self.summaries.get(message, (0, []))[0] != version:
            raise Stale
        # As it is after a round through storage.
        kept = [Contribution.model_validate_json(each.model_dump_json(exclude_none=True)) for each in found]
        self.summaries[message] = (version + 1, kept)
        return kept

    async def assess(
        self, message: str, tallies: Tallies | None = None, follower: RecordsFollower | None = None
    ) -> list[Contribution]:
        """All that the assessor does, with these tallies from now on."""
        if tallies is not None:
            self.tallies[message] = tallies
        while True:
            counted = self.tallies[message]
            try:
                found = await self.plan(message, follower)
            except Stale:
                continue
            await (follower or self.follower).apply(self.assessed(message, counted), found)
            return found

    async def work(self) -> int:
        """Look again at every message that the queue names; how many those were."""
        count = 0
        while sent := self.queues.take_message(INTERACTIONS):
            for message in json.loads(sent.body)["messages"]:
                await self.assess(message)
                count += 1
        return count

    async def of(self, name: str) -> Engagement:
        return (await self.rollup(name)).engagement(WEIGHTS, self.clock.now())

    async def rollup(self, name: str) -> Rollup:
        return await self.engagements.load_rollup(self.organization, ref(name))

    async def counts(self, name: str) -> tuple[int, int, int]:
        """(messages, opens, clicks)."""
        found = await self.of(name)
        return found.messages, found.opens, found.clicks

    async def engaged(self, **query: Any) -> list[str]:
        """The list of engaged records, read in pages of two."""
        found: list[str] = []
        after: str | None = None
        while True:
            page = await self.engagements.engaged.page(
                self.organization, after, query.get("limit", 2), query.get("type")
            )
            found += [f"{each.record.type}/{each.record.id}" for each in page.found if each.record]
            if page.after is None:
                return found
            after = page.after

    async def rows(self) -> dict[str, dict[str, Any]]:
        """All rows of engagement, without what tells one writing of the same from another."""
        found = {}
        async for row in self.tables.query(table(self.organization, "index"), "records|engaged"):
            if row.key != "family":
                text = json.loads("".join(str(row.values.get(f"d{n}", "")) for n in range(9)) or "{}")
                text.pop("generation", None)
                text.pop("etag", None)
                found[row.key] = text
        return found
