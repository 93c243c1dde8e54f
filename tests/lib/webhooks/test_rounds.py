"""When deliveries are tried: pauses grow, and messages keep their order without waiting for each other."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from lib.webhooks.models import EventDelivery
from lib.webhooks.rounds import GIVEN_UP_AFTER, may_go_at, next_round, pause_after, queues_of
from tests.support.heed import START


def waiting(number: int, message: str | None = "m", next_in: int = 0) -> EventDelivery:
    next_at = START + timedelta(seconds=next_in)
    return EventDelivery(
        page=0,
        number=number,
        event=f"e{number}",
        type="message.opened",
        message=message,
        made_at=START,
        next_at=next_at,
    )


def test_pauses_grow_and_leave_some_tries_within_a_day() -> None:
    pauses = [pause_after(attempts) for attempts in range(1, 15)]

    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=5)
    assert sum(pauses[:8], timedelta(0)) < GIVEN_UP_AFTER < sum(pauses, timedelta(0))


def test_a_receiver_that_asks_for_a_pause_gets_it_within_bounds() -> None:
    assert pause_after(1, "120") == timedelta(minutes=2)
    assert pause_after(1, "999999") == timedelta(hours=1)
    assert pause_after(4, "1") == timedelta(minutes=5)
    for strange in ("", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "9" * 400):
        assert pause_after(1, strange) == timedelta(seconds=5)


def test_an_event_waits_for_an_earlier_one_of_its_message_for_five_minutes() -> None:
    assert may_go_at(waiting(1), is_held=False) == START
    assert may_go_at(waiting(1), is_held=True) == START + timedelta(minutes=5)
    assert may_go_at(waiting(1, next_in=900), is_held=True) == START + timedelta(minutes=15)


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=12))
def test_each_message_has_its_events_in_order_and_what_is_of_no_message_stands_alone(
    messages: list[str | None],
) -> None:
    groups = queues_of([waiting(number, message) for number, message in enumerate(messages)])

    assert sorted(each.number for group in groups for each in group) == list(range(len(messages)))
    for group in groups:
        assert [each.number for each in group] == sorted(each.number for each in group)
        assert len({each.message for each in group}) == 1
        assert len(group) == 1 or group[0].message is not None


def test_the_next_round_comes_when_the_first_delivery_may_go() -> None:
    assert next_round([]) is None
    first, second, other = waiting(1, next_in=1_800), waiting(2), waiting(3, "o", next_in=600)
    assert next_round([first, other]) == START + timedelta(minutes=10)
    assert next_round([first, second, other]) == START + timedelta(minutes=5)
