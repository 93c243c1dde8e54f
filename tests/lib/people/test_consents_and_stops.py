"""The stop of an address follows its newest consent, whoever dies or comes at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

import pytest

from lib.people.consents import RECIPIENT, ConsentSpec
from lib.storage import Unavailable
from lib.storage.memory import memory_storage
from tests.support.engaging import SlowTables
from tests.support.failing import Failure, failing_storage
from tests.support.heed import Heed

EMAIL = "ada@example.com"
NO, YES = ConsentSpec(follow="do_not_allow"), ConsentSpec(follow="allow")


async def is_stopped(heed: Heed) -> bool:
    stops = await heed.services.stops.load_stops("acme")
    hashed = await heed.services.address_hashes.hash_address("acme", EMAIL)
    return stops.stopped.time_of(hashed[:16]) is not None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("said", [NO, YES], ids=["no", "yes"])
async def test_a_consent_that_stands_has_its_effect_wherever_its_process_died(
    when: Literal["before", "after"], said: ConsentSpec
) -> None:
    number, has_failed = 0, True
    while has_failed:
        number += 1
        memory, failure = memory_storage(), Failure()
        heed = await Heed(storage=replace(failing_storage(memory, failure), queues=memory.queues)).start()
        consents = heed.services.consents
        await consents.append_consent("acme", EMAIL, YES if said is NO else NO, RECIPIENT)

        failure.arm(number, when)
        try:
            await consents.append_consent("acme", EMAIL, said, RECIPIENT)
            has_failed = False
        except Unavailable:
            pass
        failure.arm(0, when)

        if await consents.load_preference("acme", EMAIL) == "do_not_allow":
            assert await is_stopped(heed), number
        await consents.append_consent("acme", EMAIL, said, RECIPIENT)
        assert await is_stopped(heed) is (said is NO), number
    assert number > 3


async def test_a_no_and_a_yes_at_the_same_time_end_as_the_newest_says() -> None:
    for turn in range(12):
        memory = memory_storage()
        heed = await Heed(storage=replace(memory, tables=SlowTables(memory.tables))).start()
        other = Heed(storage=heed.storage)
        first, second = (NO, YES) if turn % 2 else (YES, NO)

        async def later(heed: Heed, said: ConsentSpec, turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            await heed.services.consents.append_consent("acme", EMAIL, said, RECIPIENT)

        await heed.services.consents.append_consent("acme", EMAIL, NO, RECIPIENT)
        await asyncio.gather(later(heed, first, 0), later(other, second, turn))

        says_no = await heed.services.consents.load_preference("acme", EMAIL) == "do_not_allow"
        assert await is_stopped(heed) is says_no, turn


async def test_a_no_of_before_there_were_stops_acts_once_the_command_has_run() -> None:
    heed = await Heed().start()
    await heed.services.consents.append_consent("acme", EMAIL, NO, RECIPIENT)
    await heed.services.consents.append_consent("acme", "bob@example.com", YES, RECIPIENT)
    await heed.put("/records/contact/c1", {"emails": ["cy@example.com"], "follow_email": "do_not_allow"})
    await heed.storage.tables.drop("heedacmeprivacy")
    assert not await is_stopped(heed)

    assert await heed.services.consents.enter_stops("acme") == 1
    assert [record.id async for record in heed.services.address_index.enter_all("acme")] == ["c1"]

    assert await is_stopped(heed)
    assert len((await heed.services.stops.load_stops("acme")).stopped) == 2
