"""What the memory of sources costs: calls of storage that an assessment makes for it, as decision 32 tells them."""

from __future__ import annotations

import pytest

from lib.storage.memory import memory_storage
from tests.support.counting import Calls, counting_storage
from tests.support.heed import CHROME, GMAIL, Heed
from tests.support.other_mails import HOME, World

GOOGLE = {"x_forwarded_for": "66.249.84.7"}


class Counted(World):
    """Counts the calls of the table of visits."""

    def __init__(self, heed: Heed, calls: Calls) -> None:
        super().__init__(heed)
        self.calls = calls

    async def cost_of(self, kind: str, agent: str = CHROME, **headers: str) -> tuple[int, int]:
        """Reads and transactions of the assessment that follows a hit."""
        self.calls.reset()
        await self.heed.hit(self.heed.urls(kind)[0], agent, **(headers or HOME))
        await self.queue.work()
        cost = self.calls.reads["evidence"], self.calls.writes["evidence"]
        await self.pass_time(minutes=40)
        return cost

    async def cost_of_a_look(self, message: str) -> tuple[int, int]:
        self.calls.reset()
        await self.heed.services.assessor.look_again("acme", message, last=True)
        return self.calls.reads["evidence"], self.calls.writes["evidence"]


@pytest.fixture
async def world() -> Counted:
    calls = Calls()
    return Counted(await Heed(storage=counting_storage(memory_storage(), calls)).start(), calls)


async def test_hits_at_a_place_of_which_nothing_is_certain_cost_three_reads_and_two_writes(world: Counted) -> None:
    message = await world.send()
    await world.pass_time(seconds=5)

    assert await world.cost_of("o") == (3, 2)
    assert await world.cost_of("c") == (3, 2)
    assert await world.cost_of_a_look(message) == (3, 0)
    await world.send()
    await world.pass_time(hours=2)
    assert await world.cost_of("o") == (3, 2)


async def test_where_a_sender_works_is_read_once_in_five_minutes(world: Counted) -> None:
    """However many mails of the sender are looked at meanwhile."""
    messages = [await world.send(), await world.send()]
    await world.pass_time(minutes=20)
    assert await world.cost_of("o") == (3, 2)

    assert [await world.cost_of_a_look(each) for each in messages] == [(0, 0), (3, 0)]
    assert await world.cost_of_a_look(messages[1]) == (2, 0)


async def test_hits_at_a_known_place_cost_one_read_and_are_written_until_they_say_nothing_more(world: Counted) -> None:
    await world.read_and_answered()
    message = await world.send()
    await world.pass_time(hours=2)

    assert await world.cost_of("o") == (1, 2)
    assert await world.cost_of("o") == (1, 2)
    assert await world.cost_of("o") == (1, 0)
    assert await world.cost_of("c") == (1, 2)
    assert await world.cost_of_a_look(message) == (1, 0)


async def test_an_image_proxy_costs_one_read_and_one_write(world: Counted) -> None:
    await world.send()
    await world.pass_time(seconds=20)

    assert await world.cost_of("o", GMAIL, **GOOGLE) == (1, 1)


async def test_a_mail_that_no_one_looks_at_costs_nothing(world: Counted) -> None:
    world.calls.reset()
    message = await world.send()
    await world.answer(message)
    await world.pass_time(days=2)

    assert world.calls.reads["evidence"] == world.calls.writes["evidence"] == 0
