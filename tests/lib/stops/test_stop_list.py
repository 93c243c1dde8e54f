"""The list of stops in memory: what it knows, and when."""

from __future__ import annotations

import asyncio

import pytest

from lib.clock import SetClock
from lib.stops.organization_stops import RECORDING, AddressTimes, RecordingState
from lib.stops.rows import address_key
from lib.stops.stop_list import MOST_ORGANIZATIONS
from lib.stops.stops import Stops
from lib.storage import Row, Storage
from lib.storage.layout import ORGANIZATION_ROW, ORGANIZATIONS
from lib.storage.memory import memory_storage
from lib.storage.protocols import Insert
from lib.tokens import Claim
from tests.support.failing import Failure, failing_storage
from tests.support.heed import START

MESSAGE = "0" * 32
ADA, BOB = "ada0" * 4, "b0b0" * 4


class World:
    """An organization in storage, and the stops of two processes over it."""

    def __init__(self) -> None:
        self.failure = Failure()
        self.memory = memory_storage()
        self.storage: Storage = failing_storage(self.memory, self.failure)
        self.clock = SetClock(START)
        self.state = RECORDING
        self.stops, self.other = self._process(), self._process()

    def _process(self) -> Stops:
        async def hash_address(_: str, email: str) -> str:
            return {"ada": ADA, "bob": BOB}[email] * 2

        async def read_state(_: str) -> RecordingState:
            return self.state

        return Stops(self.storage.tables, hash_address, read_state, self.clock)

    async def start(self) -> World:
        await self.memory.tables.create(ORGANIZATIONS)
        await self.memory.tables.write_rows(ORGANIZATIONS, [Insert(Row("acme", ORGANIZATION_ROW, {"v": 1}))])
        return self

    def is_stopped(self, address: str | None, organization: str = "acme") -> bool:
        return self.stops.is_stopped(organization, Claim(organization, MESSAGE, 0, address=address))

    async def loaded(self) -> World:
        """Asked for once, so that the list is loaded."""
        self.is_stopped(ADA)
        await self.stops.list.refresh()
        return self


@pytest.fixture
async def world() -> World:
    return await World().start()


async def test_an_address_that_another_process_has_stopped_is_stopped_after_a_refresh(world: World) -> None:
    await world.loaded()
    await world.other.stop_address("acme", "ada")
    assert not world.is_stopped(ADA)

    await world.stops.list.refresh()

    assert (world.is_stopped(ADA), world.is_stopped(BOB), world.is_stopped(None)) == (True, False, False)


async def test_an_organization_that_was_never_asked_for_is_loaded_beside_the_answer(world: World) -> None:
    await world.other.stop_address("acme", "ada")

    assert not world.is_stopped(ADA)
    for _ in range(20):
        await asyncio.sleep(0)

    assert world.is_stopped(ADA)


async def test_a_stop_is_taken_back(world: World) -> None:
    await world.stops.stop_address("acme", "ada")
    await world.stops.stop_address("acme", "ada")
    await world.stops.allow_address("acme", "ada")
    await world.loaded()

    assert not world.is_stopped(ADA)


async def test_a_stop_of_one_source_outlives_the_yes_of_another(world: World) -> None:
    [key] = await world.stops.record_keys("acme", "contact|c1", ["ada"])
    await world.stops.rows.enter_stops("acme", [key])
    await world.stops.stop_address("acme", "ada")
    await world.stops.allow_address("acme", "ada")
    await world.loaded()

    assert world.is_stopped(ADA)


async def test_the_first_time_of_a_stop_stays(world: World) -> None:
    await world.stops.stop_address("acme", "ada")
    first = (await world.stops.load_stops("acme")).stopped.time_of(ADA)
    world.clock.move(minutes=5)
    await world.stops.stop_address("acme", "ada")

    assert (await world.stops.load_stops("acme")).stopped.time_of(ADA) == first


async def test_with_storage_down_the_last_good_copy_stays(world: World) -> None:
    await world.stops.stop_address("acme", "ada")
    await world.loaded()
    world.failure.arm(1, "before")

    await world.stops.list.refresh()

    assert world.is_stopped(ADA)


@pytest.mark.parametrize(
    "state",
    [
        RecordingState(is_recording=False, is_following=True, names_recipients=True),
        RecordingState(is_recording=True, is_following=False, names_recipients=True),
    ],
    ids=["engagement is off", "tracking is off"],
)
async def test_an_organization_that_records_nothing_stops_everyone(world: World, state: RecordingState) -> None:
    await world.loaded()
    world.state = state
    await world.stops.list.refresh()

    assert world.is_stopped(None)


async def test_a_refresh_reads_the_stops_only_where_they_have_changed(world: World) -> None:
    await world.stops.stop_address("acme", "ada")
    await world.loaded()
    lists = 0
    list_stops = world.stops.rows.list_stops

    def counted(organization: str) -> object:
        nonlocal lists
        lists += 1
        return list_stops(organization)

    world.stops.rows.list_stops = counted  # type: ignore[method-assign, assignment]
    await world.stops.list.refresh()
    assert lists == 0
    await world.other.stop_address("acme", "bob")
    await world.stops.list.refresh()
    assert lists == 1
    assert world.is_stopped(BOB)


async def test_what_is_asked_of_storage_is_as_new_as_storage(world: World) -> None:
    assert (await world.stops.load_stops("acme")).stopped.time_of(ADA) is None
    await world.other.stop_address("acme", "ada")
    assert (await world.stops.load_stops("acme")).stopped.time_of(ADA) is not None


async def test_switches_turn_off_a_link_a_message_or_all(world: World) -> None:
    claim = Claim("acme", MESSAGE, 0, 3, "https://example.com/")
    await world.loaded()
    for switch in ((MESSAGE, 3), (MESSAGE, None), (None, None)):
        await world.stops.kill("acme", *switch)
        await world.stops.list.refresh()
        assert world.stops.find_stops("acme").is_switched_off(claim.message, claim.item), switch
        assert world.stops.find_stops("acme").is_switched_off(claim.message, 4) is (switch[1] is None)
        await world.stops.revive("acme", *switch)
        await world.stops.list.refresh()
        assert not world.stops.find_stops("acme").is_switched_off(claim.message, claim.item), switch


async def test_organizations_that_are_not_asked_for_any_more_make_room(world: World) -> None:
    await world.stops.stop_address("acme", "ada")
    await world.loaded()
    for number in range(MOST_ORGANIZATIONS):
        world.clock.move(seconds=1)
        world.is_stopped(ADA, f"other{number}")
    await world.stops.close()

    assert not world.is_stopped(ADA)
    await world.stops.list.refresh()
    assert world.is_stopped(ADA)


async def test_a_tombstone_is_known_by_the_short_hash(world: World) -> None:
    await world.stops.rows.enter_tombstone("acme", ADA * 2)

    assert (await world.stops.load_stops("acme")).erased.time_of(ADA) is not None
    await world.loaded()
    assert not world.is_stopped(ADA)


async def test_very_many_stops_are_all_found(world: World) -> None:
    keys = [address_key(f"{number * 7919:016x}", "consent") for number in range(1000)]
    await world.stops.rows.enter_stops("acme", keys)

    stops = await world.stops.load_stops("acme")

    assert len(stops.stopped) == 1000
    assert all(stops.stopped.time_of(f"{number * 7919:016x}") for number in range(1000))
    assert stops.stopped.time_of(f"{7918:016x}") is None


def test_no_times_have_no_address() -> None:
    assert AddressTimes().time_of(ADA) is None
