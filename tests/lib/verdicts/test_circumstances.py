"""Circumstances of a hit: cut down, they say as much to the rules as the exact time does."""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.catalogues.gateways import Gateway
from lib.tracking.facts import HitKind
from lib.verdicts.circumstances import Circumstances, tell_apart
from lib.verdicts.evidence import Finding
from lib.verdicts.thresholds import DEFAULT, MINUTE

RULES = import_module("lib.verdicts.judge").RULES
SCANS = Gateway("scanner", "Scanner", "all")


def said(kind: HitKind, passed: int, seconds: int) -> list[Finding | None]:
    """What all rules about one fact say of a hit from a gateway's network, for a recipient behind a gateway."""
    circumstances = Circumstances(kind, "Scanner", passed, seconds, False, SCANS, False, None)
    return [rule(circumstances) for rule in RULES]


def is_told_alike(kind: HitKind, passed: int) -> bool:
    cut, seconds = tell_apart(passed)
    return said(kind, passed, seconds) == said(kind, cut, seconds)


@pytest.mark.parametrize("kind", ["open", "click", "attachment_view"])
@given(passed=st.integers(-10 * MINUTE, 30 * 60 * MINUTE))
@example(passed=0)
@example(passed=499)
def test_rules_say_of_a_time_that_is_cut_down_what_they_say_of_the_time(kind: HitKind, passed: int) -> None:
    assert is_told_alike(kind, passed)


@pytest.mark.parametrize("kind", ["open", "click", "attachment_view"])
@pytest.mark.parametrize("beside", [-1, 0, 1])
def test_they_do_at_every_threshold(kind: HitKind, beside: int) -> None:
    values = [getattr(DEFAULT, each.name) for each in fields(DEFAULT)]
    times = {time for each in values for time in (each.values() if isinstance(each, dict) else [each])}

    assert all(is_told_alike(kind, sign * int(time) + beside) for time in times for sign in (1, -1))


def test_seconds_are_told_for_a_minute_after_dispatch_alone() -> None:
    assert [tell_apart(passed)[1] for passed in (-2_001, -2_000, 0, 1_499, 59_600, 60_000, 60_001)] == [
        0,
        1,
        1,
        1,
        60,
        60,
        0,
    ]
