"""Places at which users work: what is remembered, for how long, and who cannot be told from it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from lib.assessment.evidence_rows import LASTS
from lib.assessment.session_places import MOST_PLACES, PARTITIONS, SessionPlaces
from lib.assessment.visit_rows import PARTITIONS as PARTITIONS_OF_VISITS
from lib.assessment.visit_rows import read_visit
from lib.clock import SetClock, milliseconds
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.store import USERS, People
from lib.people.users import StoredUser
from lib.stops.organization_stops import NOTHING_STOPPED, AddressTimes, OrganizationStops
from lib.storage import Range, Row, Storage, Unavailable, Upsert
from lib.storage.layout import EVIDENCE, table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from lib.verdicts.memory import Memory, Worked
from tests.support.failing import Failure, failing_storage
from tests.support.heed import CHROME, START
from tests.support.passing_storage import PassingTables
from tests.support.visits_suite import ADA, CATALOGUES, HOME, Office, hit

RITA, SAM = "rita@acme.example", "sam@acme.example"
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15"
)
DAY = timedelta(days=1)


class HangingTables(PassingTables):
    """Tables that never answer a query while they hang."""

    hangs = False

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        if self.hangs:
            await asyncio.Event().wait()
        async for row in super().query(table, partition, keys, limit):
            yield row


@dataclass
class Console:
    """An organization whose users work in the console."""

    storage: Storage = field(default_factory=memory_storage)
    clock: SetClock = field(default_factory=lambda: SetClock(START))
    failure: Failure = field(default_factory=Failure)
    hanging: HangingTables = field(init=False)
    places: SessionPlaces = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.storage.tables)
        self.hashes = AddressHashes(self.storage, self.clock)
        self.hanging = HangingTables(failing_storage(self.storage, self.failure).tables)
        self.places = self.process()

    def process(self) -> SessionPlaces:
        """Another process, which remembers nothing."""
        return SessionPlaces(self.hanging, self.people, self.hashes, CATALOGUES, self.clock)

    async def open(self) -> Console:
        await Organizations(self.storage, self.clock).save_organization("acme", OrganizationSpec(name="Acme"), None)
        for name, email in (("rita", RITA), ("sam", SAM)):
            await self.people.users.save("acme", USERS, name, StoredUser(id=name, email=email), None)
        return self

    def request(self, network: str | None = HOME, agent: str | None = CHROME) -> Fact:
        return hit(0, network, agent, at=milliseconds(self.clock.now()))

    async def work(
        self,
        network: str | None = HOME,
        agent: str | None = CHROME,
        user: str = "rita",
        process: SessionPlaces | None = None,
    ) -> None:
        """A page is answered to the user."""
        places = process or self.places
        places.note_session("acme", user, self.request(network, agent))
        await places.settle()

    async def rows(self) -> list[Row]:
        return [row async for row in self.storage.tables.query(table("acme", EVIDENCE), EVERYTHING)]

    async def worked(
        self,
        network: str = HOME,
        agent: str = OUTLOOK,
        sender: str = "rita",
        stops: OrganizationStops = NOTHING_STOPPED,
        process: SessionPlaces | None = None,
    ) -> Worked | None:
        """Recall what is known of the place of an open, in a process that has read nothing yet."""
        memory, opened = await self.memory(hit(0, network, agent))
        found = await (process or self.process()).recall("acme", sender, memory, [opened], stops)
        return next(iter(found.values()), None)

    async def memory(self, opened: Fact) -> tuple[Memory, Fact]:
        office = Office(self.storage, "acme", self.clock)
        return await office.recall("a1", [ADA], [opened]), opened

    async def sweep(self, until: int, stops: OrganizationStops = NOTHING_STOPPED) -> int:
        return sum([await self.places.delete_old("acme", each, until, stops) for each in PARTITIONS])


@pytest.fixture
async def console() -> Console:
    return await Console().open()


async def test_a_day_of_work_at_a_place_is_one_row_and_further_days_count(console: Console) -> None:
    for _ in range(3):
        await console.work()
        await console.work(process=console.process())
    assert len(await console.rows()) == 1
    assert await console.worked() == Worked(1, 1)

    for days in (2, 3, 3):
        console.clock.move(days=1)
        await console.work()
        assert await console.worked() == Worked(days, days)
    assert len(await console.rows()) == 1


async def test_users_places_and_kinds_of_devices_are_told_apart(console: Console) -> None:
    await console.work()
    await console.work(agent=SAFARI)
    await console.work("89.160.20.0/24", SAFARI)
    await console.work("89.160.20.0/24", user="sam")

    assert len(await console.rows()) == 4
    assert await console.worked() == Worked(1, 1)
    assert await console.worked("89.160.20.0/24") == Worked(1, 0)
    assert await console.worked("89.160.20.0/24", sender="sam") == Worked(1, 1)
    assert await console.worked("89.160.21.0/24") is None
    assert await console.worked(sender="nobody") is None
    assert await console.worked(sender="") is None


async def test_no_address_network_or_agent_can_be_read(console: Console) -> None:
    await console.work()
    [row] = await console.rows()
    text = f"{row.partition} {row.key} {dict(row.values)}".lower()

    assert not [word for word in ("rita", "acme", "81.2", "chrome", "windows", "desktop") if word in text]


@pytest.mark.parametrize(
    ("network", "agent"),
    [
        (None, CHROME),
        ("104.28.28.0/24", CHROME),
        ("165.225.1.0/24", CHROME),
        ("89.187.161.0/24", CHROME),
        ("88.198.1.0/24", CHROME),
        ("172.32.1.0/24", CHROME),
        (HOME, IPHONE),
        (HOME, None),
        (HOME, "curl/8.0"),
    ],
    ids=["no address", "relay", "web gateway", "VPN", "hoster", "carrier", "telephone", "no agent", "robot"],
)
async def test_networks_of_many_and_programs_without_a_device_are_not_remembered(
    console: Console, network: str | None, agent: str | None
) -> None:
    await console.work(network, agent)

    assert await console.rows() == []


async def test_the_oldest_place_makes_room_for_a_new_one(console: Console) -> None:
    for number in range(MOST_PLACES + 3):
        await console.work(f"81.2.{number}.0/24")
        console.clock.move(minutes=1)

    assert len(await console.rows()) == MOST_PLACES
    assert await console.worked("81.2.2.0/24") is None
    assert await console.worked("81.2.3.0/24") == Worked(1, 1)


async def test_nothing_is_asked_of_storage_for_places_that_are_known_already_or_shared(console: Console) -> None:
    await console.work()
    memory, opened = await console.memory(hit(0, HOME, OUTLOOK))
    [key] = memory.keys.values()
    process = console.process()
    console.failure.fail_always()

    assert await process.recall("acme", "rita", memory, [replace(opened, kind="click")]) == {}
    for unasked in (Memory(), replace(memory, keys={opened.key: key._replace(is_shared=True)})):
        assert await process.recall("acme", "rita", unasked, [opened]) == {}
    with pytest.raises(Unavailable):
        await process.recall("acme", "rita", memory, [opened])


async def test_a_process_asks_once_in_five_minutes(console: Console) -> None:
    process = console.process()
    assert await console.worked(process=process) is None
    await console.work()
    assert await console.worked(process=process) is None

    console.clock.move(minutes=6)

    assert await console.worked(process=process) == Worked(1, 1)


# What goes


async def test_places_are_known_until_ninety_days_after_the_last_session(console: Console) -> None:
    await console.work()
    console.clock.move(days=60)
    await console.work()
    console.clock.move(days=89)
    assert await console.worked() == Worked(2, 2)
    assert await console.sweep(milliseconds(console.clock.now() - LASTS)) == 0

    console.clock.move(days=2)

    assert await console.worked() is None
    assert await console.sweep(milliseconds(console.clock.now() - LASTS)) == 1
    assert await console.rows() == []


async def test_a_user_is_forgotten_whole_and_others_stay(console: Console) -> None:
    await console.work()
    await console.work("89.160.20.0/24")
    await console.work(user="sam")
    process = console.process()
    assert await console.worked(process=process) == Worked(1, 1)

    await process.forget_user("acme", "rita")

    assert await console.worked(process=process) is None
    assert await console.worked(sender="sam") == Worked(1, 1)
    assert len(await console.rows()) == 1


@pytest.mark.parametrize("kind", ["stopped", "erased"])
async def test_places_of_a_stopped_address_and_of_before_an_erasure_tell_nothing_and_go(
    console: Console, kind: str
) -> None:
    """As after the restoring of a backup."""
    await console.work()
    hashed = short_hash(await console.hashes.hash_address("acme", RITA))
    times = AddressTimes({hashed: milliseconds(console.clock.now() + DAY)})
    stops = OrganizationStops(stopped=times) if kind == "stopped" else OrganizationStops(erased=times)

    assert await console.worked(stops=stops) is None
    assert await console.sweep(-1, stops) == 1


async def test_a_user_with_another_address_is_the_same_and_one_who_is_gone_leaves_no_place(console: Console) -> None:
    await console.work()
    found = await console.people.users.load("acme", USERS, "rita")
    assert found
    await console.people.users.save("acme", USERS, "rita", found[0].model_copy(update={"email": SAM}), None)
    await console.work("89.160.20.0/24")
    assert await console.worked() == await console.worked("89.160.20.0/24") == Worked(1, 1)

    await console.places.forget_user("acme", "rita")
    await console.work("89.160.20.0/24", user="nobody")

    assert await console.rows() == []


@pytest.mark.parametrize("email", ["rita@new.example", "r@acme.example", "rita.rep@acme.example", SAM])
async def test_days_of_before_another_address_count(console: Console, email: str) -> None:
    await console.work()
    console.clock.move(days=1)
    await console.work()
    found = await console.people.users.load("acme", USERS, "rita")
    assert found
    await console.people.users.save("acme", USERS, "rita", found[0].model_copy(update={"email": email}), None)
    console.clock.move(days=1)
    await console.work()

    assert len(await console.rows()) == 2
    assert await console.worked() == Worked(2, 2)


# Faults


async def test_a_user_who_cannot_be_read_leaves_no_place_and_no_error_behind(
    console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    people = table("acme", "people")
    [row] = [row async for row in console.storage.tables.query(people, USERS) if row.key == "rita"]
    await console.storage.tables.write_rows(people, [Upsert(Row(row.partition, row.key, {"v": 1, "d0": "{"}))])

    await console.work()

    assert "could not be noted: UnreadableRow" in caplog.text
    assert await console.rows() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2])
async def test_a_place_that_could_not_be_noted_is_noted_with_the_next_page(
    console: Console, number: int, when: Any, caplog: pytest.LogCaptureFixture
) -> None:
    console.failure.arm(number, when)
    with caplog.at_level(logging.WARNING):
        await console.work()
    assert "could not be noted: Unavailable" in caplog.text
    assert not [word for word in (RITA, "81.2", "rita") if word in caplog.text]

    await console.work()

    assert await console.worked() == Worked(1, 1)


async def test_storage_that_hangs_is_given_up_and_keeps_a_bounded_number_waiting(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.assessment.session_places._PATIENCE", 0.05)
    console.hanging.hangs = True
    for number in range(200):
        console.places.note_session("acme", "rita", console.request(f"81.2.{number}.0/24"))
    assert len(asyncio.all_tasks()) < 50

    await console.places.settle()
    console.hanging.hangs = False
    await console.work()

    assert len(await console.rows()) == 1


async def test_two_processes_that_note_the_same_session_leave_one_row(console: Console) -> None:
    processes = [console.process() for _ in range(4)]
    for each in processes:
        each.note_session("acme", "rita", console.request())
    await asyncio.gather(*(each.settle() for each in processes))

    assert await console.worked() == Worked(1, 1)


async def test_an_organization_that_is_gone_gets_no_table(console: Console) -> None:
    await Organizations(console.storage, console.clock).delete_organization("acme")

    await console.places.save_session("acme", "rita", RITA, console.request())

    assert await console.rows() == []


@pytest.mark.parametrize(
    "values", [{}, {"v": 2}, {"v": 1, "first": "x", "last": 1, "days": 1}, {"v": 1, "first": 1, "days": 1}], ids=str
)
async def test_a_row_that_cannot_be_read_is_passed_over_and_goes(
    console: Console, values: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    await console.work()
    [row] = await console.rows()
    await console.storage.tables.write_rows(table("acme", EVIDENCE), [Upsert(Row(row.partition, row.key, values))])

    with caplog.at_level(logging.ERROR):
        assert await console.worked() is None
    assert "1 rows of sessions cannot be read" in caplog.text
    await console.work("89.160.20.0/24")
    assert await console.worked("89.160.20.0/24") == Worked(1, 1)
    assert await console.sweep(-1) == 1


async def test_what_reads_visits_neither_finds_nor_knows_rows_of_sessions(console: Console) -> None:
    """Code of an earlier release among it, which works on the same storage during an upgrade."""
    await console.work()
    [row] = await console.rows()

    assert row.partition in PARTITIONS
    assert not set(PARTITIONS) & set(PARTITIONS_OF_VISITS)
    assert read_visit(row) is None
