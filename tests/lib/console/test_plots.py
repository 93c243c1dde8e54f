"""Hits along a time axis: each has its place, and none covers another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from lib.console.happenings import Happening
from lib.console.plots import HEIGHT, WIDTH, Timeline, timeline_plot
from lib.console.times import Times

SENT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


def hit(verdict: Any = "human", kind: Any = "open", **after: float) -> Happening:
    return Happening("e", kind, SENT + timedelta(**after), verdict, 0.99)


def plot(*happenings: Happening, **after: float) -> Timeline:
    found = timeline_plot(happenings, SENT, Times(SENT + timedelta(**after or {"days": 2}), "Europe/Vienna"))
    assert found is not None
    return found


def test_the_first_ten_minutes_are_stretched() -> None:
    early, late = plot(hit(minutes=5), hit(hours=24)).marks

    assert early.x > 0.05 * WIDTH  # on a plain axis it would stand within 0.2 %
    assert late.x > 0.5 * WIDTH


def test_hits_at_the_same_moment_are_stacked_up_to_five() -> None:
    marks = plot(*(hit("machine", seconds=number) for number in range(9))).marks

    assert len(marks) == len({(mark.x, mark.y) for mark in marks}) == 5


@pytest.mark.parametrize("days", [0.02, 0.5, 1, 3, 10, 40, 200, 1000])
def test_everything_stands_within_the_drawing_and_words_keep_apart(days: float) -> None:
    found = plot(hit("machine", seconds=1), hit(days=days), days=days * 1.2)

    assert all(0 < mark.x < WIDTH and 0 < mark.y < HEIGHT for mark in found.marks)
    places = [tick.x for tick in found.ticks]
    assert all(later - earlier >= 60 for earlier, later in pairwise(places))
    assert len(places) >= 2


def test_it_says_in_words_what_it_shows() -> None:
    found = plot(hit("machine", seconds=2), hit("machine", seconds=3), hit(hours=3))

    assert found.description == (
        "1 look by people, 2 looks by machines, from yesterday at 10:00 to Mon 4 May, 13:00. "
        "The table below says the same."
    ).replace("yesterday at 10:00", "Mon 4 May, 10:00")


def test_mail_that_came_back_is_no_hit() -> None:
    assert timeline_plot([hit(kind="reply", hours=1)], SENT, Times(SENT, "UTC")) is None


def test_a_long_silence_does_not_press_hits_together() -> None:
    soon, late = (plot(hit(hours=2), hit(hours=20), **after).marks[-1].x for after in ({"days": 1}, {"days": 300}))

    assert soon == pytest.approx(late, abs=0.1 * WIDTH)
