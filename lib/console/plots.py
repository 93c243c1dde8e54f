"""Plots as numbers: where marks and words stand. Templates draw them as SVG, beside a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.console.happenings import Happening
from lib.console.times import Times, counted
from lib.languages import clock_time
from lib.verdicts.evidence import Class

WIDTH, HEIGHT = 720, 96
"""Units of the drawing."""

_LEFT, _RIGHT, _BASE = 14, 706, 70
_MARK = 13
"""Units that a mark takes, with the space around it."""

_MOST_STACKED = 5
_EARLY = timedelta(minutes=10)
_EARLY_SHARE = 0.18
"""Share of the width that the first ten minutes have: machines come then."""

_STEPS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24, 91 * 24, 365 * 24))
_MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class Mark:
    """A hit."""

    verdict: Class
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Words below the axis."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Hits along a time axis."""

    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    early: float
    """Where the first ten minutes end."""

    title: str
    description: str
    """What the drawing shows, in words."""


def timeline_plot(happenings: Sequence[Happening], sent: datetime, times: Times) -> Timeline | None:
    """Place the hits of a message; None where there are none. The first ten minutes are stretched."""
    hits = sorted((each for each in happenings if each.is_hit), key=lambda each: each.at)
    if not hits:
        return None
    scale = _Scale(sent, _end(sent, hits[-1].at, times.now))
    ticks = [Tick(_LEFT, "sent"), Tick(scale.place(sent + _EARLY), "10 min"), *_ticks(scale, times)]
    counts = [
        f"{counted(number, 'look')} by {word}"
        for verdict, word in (("human", "people"), ("machine", "machines"), ("uncertain", "unsure visitors"))
        if (number := sum(each.count for each in hits if each.verdict == verdict))
    ]
    return Timeline(
        marks=tuple(_marks(hits, scale)),
        ticks=tuple(_apart(ticks)),
        early=scale.place(sent + _EARLY),
        title="Looks since the mail was sent",
        description=f"{', '.join(counts)}, from {times.moment(hits[0].at)} to {times.moment(hits[-1].at)}. "
        "The table below says the same.",
    )


def _end(sent: datetime, last: datetime, now: datetime) -> datetime:
    """Return where the axis ends: now, or somewhat after the last hit, so that a long silence leaves the hits apart."""
    after = max((last - sent) / 3, timedelta(hours=1))
    return max(last, min(now, last + after), sent + 2 * _EARLY)


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """Return the place of a time on the axis."""
        early_width = (_RIGHT - _LEFT) * _EARLY_SHARE
        since = at - self.start
        if since <= _EARLY:
            return round(_LEFT + early_width * max(since / _EARLY, 0), 1)
        rest = (self.end - self.start) - _EARLY
        return round(_LEFT + early_width + (_RIGHT - _LEFT - early_width) * min((since - _EARLY) / rest, 1), 1)


def _marks(hits: Sequence[Happening], scale: _Scale) -> list[Mark]:
    """Stack hits that would cover each other; above five in a place, the rest is left to the table."""
    marks: list[Mark] = []
    columns: dict[int, int] = {}
    for each in hits:
        x = scale.place(each.at)
        column = round(x / _MARK)
        height = columns.get(column, 0)
        columns[column] = height + 1
        if height < _MOST_STACKED:
            marks.append(Mark(each.verdict, max(column * _MARK, _LEFT + 5), _BASE - 9 - height * (_MARK - 1)))
    return marks


def _ticks(scale: _Scale, times: Times) -> list[Tick]:
    """Name days, or hours where all happened within one day or two."""
    length = scale.end - scale.start
    step = next((each for each in _STEPS if length / each <= _MOST_TICKS), _STEPS[-1])
    local = times.local(scale.start).replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        local = local.replace(hour=0)
    found = []
    for number in range(1, _MOST_TICKS + 3):
        at = local + number * step
        if step < timedelta(days=1):
            at = at.replace(hour=at.hour - at.hour % max(1, step // timedelta(hours=1)))
        if not scale.start + _EARLY < at < scale.end:
            continue
        text = clock_time(at) if step < timedelta(days=1) and at.hour else f"{at:%a} {at.day} {at:%b}"
        found.append(Tick(scale.place(at), text))
    return found


def _apart(ticks: Sequence[Tick]) -> list[Tick]:
    """Leave out words that would stand in others."""
    kept: list[Tick] = []
    for each in ticks:
        if (not kept or each.x - kept[-1].x >= 60) and each.x <= _RIGHT - 40:
            kept.append(each)
    return kept
