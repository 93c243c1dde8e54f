"""Instances tell of themselves and of their token keys, and are forgotten when they are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from functions.start import start
from lib.clock import SetClock
from lib.ids import new_id
from lib.operations.instances import Instance, Instances, Presence, find_split, lacking, sealing
from lib.storage import Row, Storage, Tables, Upsert
from lib.storage.layout import ORGANIZATIONS
from lib.storage.memory import memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import SETTINGS, START


class Machine:
    """A storage account with the table of organizations, and a clock."""

    def __init__(self) -> None:
        self.storage = memory_storage()
        self.clock = SetClock(START)
        self.instances = Instances(self.storage.tables, self.clock)

    async def start(self) -> Machine:
        await self.storage.tables.create(ORGANIZATIONS)
        return self

    def presence(self, *keys: str, clock: SetClock | None = None, storage: Storage | None = None) -> Presence:
        async def tables() -> Tables:
            return (storage or self.storage).tables

        return Presence(tables, keys, "all", clock or self.clock, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.clock.move(seconds=seconds)
        await asyncio.sleep(0)

    async def seen(self) -> list[list[str]]:
        return [each.token_keys for each in await self.instances.list_seen()]

    async def rows(self) -> int:
        return len([row async for row in self.storage.tables.query(ORGANIZATIONS, "token-keys")])


@pytest.fixture
async def machine() -> Machine:
    return await Machine().start()


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_an_instance_is_seen_while_it_lives_and_for_a_while_afterwards(machine: Machine) -> None:
    await machine.presence("k2", "k1").tell_once()
    machine.clock.move(minutes=19, seconds=59)
    assert await machine.seen() == [["k2", "k1"]]
    machine.clock.move(seconds=1)
    assert await machine.seen() == []


async def test_an_instance_tells_again_and_again_also_after_an_outage_of_storage(machine: Machine) -> None:
    failure = Failure()
    presence = machine.presence("k1", storage=failing_storage(machine.storage, failure))
    presence.begin()
    presence.begin()
    await turns()
    failure.fail_always()
    await turns(200)
    assert await machine.seen() == []
    failure.arm(0, "before")
    await turns()

    assert await machine.seen() == [["k1"]]
    await presence.close()
    assert await machine.rows() == 0


async def test_an_instance_whose_clock_is_ahead_or_a_little_behind_is_seen(machine: Machine) -> None:
    for minutes in (-10, 300):
        clock = SetClock(START)
        clock.move(minutes=minutes)
        await machine.presence("k1", clock=clock).tell_once()
    assert await machine.seen() == [["k1"], ["k1"]]


async def test_rows_of_instances_that_are_gone_are_deleted_by_one_that_starts(machine: Machine) -> None:
    for _ in range(150):
        await machine.presence("k1").tell_once()
    await machine.storage.tables.write_rows(
        ORGANIZATIONS, [Upsert(Row("token-keys", new_id(), {"v": 9, "d0": '{"later": 1}'}))]
    )
    machine.clock.move(hours=25)
    assert await machine.seen() == []
    await machine.presence("k2").tell_once()

    assert await machine.seen() == [["k2"]]
    assert await machine.rows() == 2  # what a later release has written stays


async def test_nothing_fails_before_the_first_organization_is_made() -> None:
    machine = Machine()
    presence = machine.presence("k1")
    await presence.tell_once()
    assert await machine.seen() == []
    await machine.start()
    await presence.tell_once()
    assert await machine.seen() == [["k1"]]


def instances(*rings: str) -> list[Instance]:
    return [
        Instance(name=f"i{number}", part="all", token_keys=ring.split(), started_at=START, seen_at=START)
        for number, ring in enumerate(rings)
    ]


@pytest.mark.parametrize(
    ("rings", "split"),
    [
        ((), None),
        (("k1", "k1"), None),
        (("k1", "k1 k2"), None),
        (("k1 k2", "k2 k1"), None),
        (("k1", "k2 k1", "k1"), "2 of 3 instances cannot open what the key k2 seals"),
        (("k1 k2", "k2"), "1 of 2 instances cannot open what the key k1 seals"),
    ],
)
def test_instances_of_which_one_cannot_open_what_another_seals_are_told(rings: Sequence[str], split: str) -> None:
    assert find_split(instances(*rings)) == split


def test_who_lacks_a_key_and_who_seals_with_it() -> None:
    seen = instances("k1", "k2 k1", "k1 k2")
    assert [each.name for each in lacking(seen, "k2")] == ["i0"]
    assert [each.name for each in sealing(seen, "k2")] == ["i1"]


async def test_a_hosted_app_begins_to_tell_at_the_first_call_of_any_function(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    begun = list[object]()
    monkeypatch.setattr(Presence, "begin", lambda presence: begun.append(presence))
    app = start()
    functions = {each.get_function_name(): each.get_user_function() for each in app.get_functions()}
    assert all(asyncio.iscoroutinefunction(each) for each in functions.values())
    assert begun == []

    await functions["recipients_health"](req=None)

    assert len(begun) == 1
    await app.close()
