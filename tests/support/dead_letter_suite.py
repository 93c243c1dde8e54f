"""What every backend of queues promises of the messages that failed every time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from lib.storage import Queues

Bury = Callable[[str, bytes], Awaitable[None]]
"""Have a message of that body fail for good on that queue."""

Take = Callable[[str, int], Awaitable[list[bytes]]]
"""The bodies of that many messages that wait on the queue, which are then gone."""


class DeadLetterSuite:
    """Needs fixtures `queues`, `name` (of an empty queue), `bury` and `take`."""

    async def test_a_queue_without_any_has_none(self, queues: Queues, name: str) -> None:
        dead = queues.dead_letters

        found = await asyncio.gather(dead.count(name), dead.peek(name), dead.replay(name), dead.replay(name, ["7"]))

        assert list(found) == [0, [], 0, 0]

    async def test_they_are_shown_as_often_as_one_looks(self, queues: Queues, name: str, bury: Bury) -> None:
        await bury(name, b'{"bad": 1}')
        await bury(name, "grüße".encode())

        dead = queues.dead_letters
        first, again, count = await asyncio.gather(dead.peek(name), dead.peek(name), dead.count(name))

        assert first == again
        assert count == 2
        assert sorted(letter.body for letter in first) == sorted([b'{"bad": 1}', "grüße".encode()])
        assert len({letter.id for letter in first}) == 2
        assert all(letter.reason for letter in first)
        assert all(abs(datetime.now(UTC) - letter.since) < timedelta(minutes=1) for letter in first)

    async def test_a_replay_puts_all_of_them_back_on_their_queue(
        self, queues: Queues, name: str, bury: Bury, take: Take
    ) -> None:
        for number in range(3):
            await bury(name, b"%d" % number)

        assert await queues.dead_letters.replay(name) == 3

        bodies, count = await asyncio.gather(take(name, 3), queues.dead_letters.count(name))
        assert sorted(bodies) == [b"0", b"1", b"2"]
        assert count == 0

    async def test_a_replay_of_some_leaves_the_others(self, queues: Queues, name: str, bury: Bury, take: Take) -> None:
        for number in range(3):
            await bury(name, b"%d" % number)
        [chosen] = [letter.id for letter in await queues.dead_letters.peek(name) if letter.body == b"1"]

        assert await queues.dead_letters.replay(name, [chosen, "999999"]) == 1

        bodies, left = await asyncio.gather(take(name, 1), queues.dead_letters.peek(name))
        assert bodies == [b"1"]
        assert sorted(letter.body for letter in left) == [b"0", b"2"]
