"""Plan of a round: which deliveries are tried now, and when the next round is worth while. Pure functions.

Of one message, a later event waits while an earlier one has not arrived, for 5 minutes at most. Messages do not wait
for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from lib.webhooks.models import EventDelivery

WAITS_FOR_EARLIER = timedelta(minutes=5)
"""Time for which an event waits for an earlier one of its message."""

GIVEN_UP_AFTER = timedelta(days=1)
"""Time from the making of a delivery to its end, whatever the receiver says."""

_PAUSES = (5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600)
"""Seconds from each try to the next; the last number repeats."""

_LONGEST_RETRY_AFTER = timedelta(hours=1)
_LONGEST_PAUSE = timedelta(seconds=_PAUSES[-1])


def pause_after(attempts: int, retry_after: str | None = None) -> timedelta:
    """Return the pause after so many tries; longer where the receiver asks for that, by an hour at most."""
    pause = timedelta(seconds=_PAUSES[min(attempts, len(_PAUSES)) - 1])
    if retry_after is not None and retry_after.isdecimal() and len(retry_after) < 9:
        pause = max(pause, min(timedelta(seconds=int(retry_after)), _LONGEST_RETRY_AFTER))
    return pause


def is_ahead(until: datetime, now: datetime, longest: timedelta) -> bool:
    """Whether a time that was set `longest` ahead at most is still to come: one further ahead is of a clock since set
    back."""
    return now < until <= now + longest


def as_of(delivery: EventDelivery, now: datetime) -> EventDelivery:
    """Return a delivery that waits, without the times of a clock that was ahead."""
    next_at = delivery.next_at or delivery.made_at
    if delivery.made_at <= now and next_at <= now + _LONGEST_PAUSE:
        return delivery
    next_at = next_at if is_ahead(next_at, now, _LONGEST_PAUSE) else now
    return delivery.model_copy(update={"made_at": min(delivery.made_at, now), "next_at": next_at})


def queues_of(waiting: Iterable[EventDelivery]) -> list[list[EventDelivery]]:
    """Group deliveries by message, each group in the order of the feed; what is of no message stands alone."""
    groups: dict[str, list[EventDelivery]] = {}
    for delivery in waiting:
        groups.setdefault(delivery.message or delivery.id, []).append(delivery)
    return list(groups.values())


def may_go_at(delivery: EventDelivery, is_held: bool) -> datetime:
    """Return when a delivery may be tried; `is_held`: an earlier one of its message has not arrived."""
    next_at = delivery.next_at or delivery.made_at
    return max(next_at, delivery.made_at + WAITS_FOR_EARLIER) if is_held else next_at


def next_round(waiting: Sequence[EventDelivery]) -> datetime | None:
    """Return when the next delivery may be tried; None where none waits."""
    times = [
        may_go_at(delivery, is_held=place > 0) for group in queues_of(waiting) for place, delivery in enumerate(group)
    ]
    return min(times, default=None)
