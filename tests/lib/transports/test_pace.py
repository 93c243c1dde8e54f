"""Pace: never more than a provider takes, nobody waits longer than needed, and nobody all at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.clock import SetClock
from lib.transports.pace import Mailboxes, NoSlot, Pace, spread
from tests.support.heed import START

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _times(pace: Pace, clock: SetClock, arrivals: list[timedelta]) -> list[datetime]:
    """When each went; they ask again when they were told to."""
    due = {f"key-{number}": START + arrival for number, arrival in enumerate(arrivals)}
    went = []
    while due:
        key = min(due, key=lambda each: due[each])
        clock.move(seconds=max((due[key] - clock.now()).total_seconds(), 0))
        wait = pace.take_turn(key)
        if wait is None:
            went.append(clock.now())
            del due[key]
        else:
            assert wait > timedelta(0)
            due[key] = clock.now() + wait
    return went


@given(
    st.lists(st.integers(0, 4000).map(lambda seconds: timedelta(seconds=seconds)), max_size=60),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_no_window_holds_more_than_its_number(arrivals: list[timedelta], a_minute: int, an_hour: int) -> None:
    clock = SetClock(START)
    went = _times(Pace([(a_minute, MINUTE), (an_hour, HOUR)], clock), clock, arrivals)

    assert len(went) == len(arrivals)
    for most, window in ((a_minute, MINUTE), (an_hour, HOUR)):
        assert all(later - earlier >= window for earlier, later in zip(went, went[most:], strict=False))


def test_a_crowd_asks_about_once_more_each_and_is_through_as_soon_as_it_can_be() -> None:
    clock, asked = SetClock(START), 0
    pace = Pace([(30, MINUTE), (100, HOUR)], clock)
    turn = pace.take_turn

    def counted(key: str) -> timedelta | None:
        nonlocal asked
        asked += 1
        return turn(key)

    pace.take_turn = counted  # type: ignore[method-assign]
    went = _times(pace, clock, [timedelta(0)] * 400)

    assert went[-1] - START <= timedelta(hours=3, minutes=4)
    assert asked < 400 * 5


def test_what_is_spread_stays_in_bounds_and_is_the_same_each_time() -> None:
    wait = timedelta(seconds=30)
    spreads = [spread(f"key-{number}", wait) for number in range(100)]

    assert spreads == [spread(f"key-{number}", wait) for number in range(100)]
    assert min(spreads) >= wait
    assert max(spreads) <= 2 * wait
    assert max(spreads) - min(spreads) > wait * 0.8


async def test_a_mailbox_without_a_free_slot_says_so_and_does_not_hold_up_another_one() -> None:
    mailboxes = Mailboxes(1, SetClock(START))
    async with mailboxes.slot("ada", 1):
        async with mailboxes.slot("bob", 1):
            pass
        with pytest.raises(NoSlot):
            async with mailboxes.slot("ada", 0.001):
                raise AssertionError("there is no slot")
    await asyncio.gather(*(_hold(mailboxes) for _ in range(10)))
    assert mailboxes._used == {}


async def _hold(mailboxes: Mailboxes) -> None:
    async with mailboxes.slot("ada", 1):
        await asyncio.sleep(0)


def test_a_mailbox_is_closed_until_the_time_that_was_named() -> None:
    clock = SetClock(START)
    mailboxes = Mailboxes(4, clock)
    mailboxes.close("ada", MINUTE)

    assert mailboxes.closed("bob") is None
    clock.move(seconds=20)
    assert mailboxes.closed("ada") == timedelta(seconds=40)
    clock.move(seconds=40)
    assert mailboxes.closed("ada") is None
