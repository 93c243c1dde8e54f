"""Looks at a message without a new fact: when the next one is worth while, and asking the queue for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from lib.assessment.sources_seen import WITHIN
from lib.clock import Clock, milliseconds, moment
from lib.messages.store import Loaded
from lib.storage import Queues
from lib.storage.layout import INTERACTIONS
from lib.storage.sort_keys import LARGEST
from lib.tracking.facts import Fact
from lib.tracking.queue_messages import refresh_body
from lib.verdicts import Verdict
from lib.verdicts.rules.without_clicks import WEEK, is_undecided
from lib.verdicts.thresholds import DEFAULT, MINUTE, SETTLING

BUSY = 300
"""Facts of a message that are looked at with every new one; with more of them, new ones wait for others to come."""

_ROUNDING = timedelta(seconds=1)
"""Queues count in whole seconds."""

_LONGEST_PAUSE = 60.0
_SHORTEST_PAUSE = 6.0
"""Seconds."""

_FACTS_A_SECOND = 250.0
"""Number of facts that is worth one second of waiting."""


_LATE = 24 * 60 * MINUTE
"""Milliseconds from a message's last hit until what sources did with other mails has come in."""

_LATE_ROUNDING = 6 * 60 * MINUTE
"""Milliseconds between the hours of UTC at which late looks begin, so that a run of hits asks for few of them."""

_ABOUT_NOW = timedelta(minutes=1)
"""Time by which clocks may differ."""


class Looks:
    """Asks the queue `interactions` for a look at a message."""

    def __init__(self, queues: Queues, clock: Clock) -> None:
        self._queues = queues
        self._clock = clock

    async def ask_look(self, organization: str, message: str, at: datetime) -> None:
        """Ask for a look at that time. Assessors that find the same time get one look between them."""
        once = f"refresh|{organization}|{message}|{milliseconds(at)}"
        await self._send(refresh_body(organization, message), at, once)

    async def ask_last_look(self, organization: str, message: str, at: datetime) -> None:
        """Ask for one more look: the one before came too early, as its sender's clock runs ahead of ours."""
        await self._send(refresh_body(organization, message, last=True), at)

    async def ask_recount(self, organization: str, message: str, pause: timedelta) -> None:
        """Ask for a look at a busy message after a pause."""
        await self._queues.send(INTERACTIONS, refresh_body(organization, message, last=True), pause)

    async def _send(self, body: str, at: datetime, once: str | None = None) -> None:
        await self._queues.send(INTERACTIONS, body, at - self._clock.now() + _ROUNDING, once)


def pause_for(facts: int) -> timedelta:
    """Pause before a busy message is judged again: its cost grows with its facts, and so does the pause."""
    return timedelta(seconds=min(_LONGEST_PAUSE, _SHORTEST_PAUSE + facts / _FACTS_A_SECOND))


def settling_time(
    loaded: Loaded,
    live: Iterable[Fact],
    verdicts: Mapping[str, Verdict],
    looked_at: int,
    asked: datetime | None,
    now: datetime,
) -> datetime | None:
    """Time at which rules about other mails of that moment will have seen all; None without hits soon after dispatch.

    `live` are the facts that may still change, and `looked_at` is their number with those that belong to others.
    `asked` is the look that was asked for already. Where it comes first, it is the answer, and asks for the next one
    then: so a burst of hits brings one look in ten seconds, not one a hit.
    """
    sent_at = max((copy.tried_at for copy in loaded.copies if copy.tried_at), default=loaded.message.sent_at)
    if sent_at is None:
        return None
    end = milliseconds(sent_at) + WITHIN
    early = [fact.at for fact in live if fact.at <= end and verdicts[fact.key].kind != "machine"]
    settles_at = moment(max(early)) + SETTLING if early else None
    if settles_at is None or settles_at <= now:
        return None
    if looked_at >= BUSY:
        settles_at = max(settles_at, now + pause_for(looked_at))
    return asked if asked and now < asked < settles_at else settles_at


def late_look_time(
    hits: Collection[int], asked: datetime | None, now: datetime, *, is_busy: bool, undecided: Collection[int] = ()
) -> datetime | None:
    """Time of the last look that is asked for about a day after the last of the hits; None without hits.

    After that, there is one about a week after the last of the `undecided` opens. Times of both are in milliseconds
    since 1970; `asked` is the look that was asked for last. While that is to come, and comes first, it is the answer,
    and asks for the next one then. A busy message gets one. Once the times are over, nothing more is asked for unless
    new hits come.
    """
    current = milliseconds(now)
    times = [_rounded_up(min(max(some), current) + wait) for some, wait in ((hits, _LATE), (undecided, WEEK)) if some]
    wanted = min((time for time in times if current < time <= LARGEST), default=None)
    if wanted is None or (asked is not None and is_busy):
        return asked
    is_to_come = asked is not None and asked - now > _ABOUT_NOW and milliseconds(asked) <= wanted
    return asked if is_to_come else moment(wanted)


def undecided_opens(live: Iterable[Fact], verdicts: Mapping[str, Verdict]) -> list[int]:
    """Times of opens that a week without a click would say something of, in milliseconds since 1970."""
    every = list(live)
    clicked = {fact.recipient for fact in every if fact.kind == "click" and verdicts[fact.key].kind == "human"}
    opens = (fact for fact in every if fact.kind == "open" and fact.recipient not in clicked)
    return [fact.at for fact in opens if _is_undecided(verdicts[fact.key])]


def _is_undecided(verdict: Verdict) -> bool:
    return is_undecided(verdict.probability, {each.code for each in verdict.reasons}, DEFAULT)


def _rounded_up(time: int) -> int:
    return -(-time // _LATE_ROUNDING) * _LATE_ROUNDING
