"""What was said of an event before its verdict changed."""

from __future__ import annotations

import pytest

from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.earlier import with_earlier_classes
from lib.verdicts.evidence import Class
from lib.verdicts.thresholds import MINUTE

AT = 1_777_887_000_000
FACT = Fact(f"{AT}-0", "m", "open", AT, "GET", 0)


def verdict(kind: Class, was: Class | None = None) -> Verdict:
    return Verdict(kind, 0.9, (), "1", 0.5, was)


@pytest.mark.parametrize(
    ("before", "now", "after", "was"),
    [
        (verdict("uncertain"), "human", 2 * MINUTE, "uncertain"),
        (verdict("uncertain"), "human", MINUTE // 2, None),  # nobody was told of it yet
        (verdict("human", was="uncertain"), "human", 9 * MINUTE, "uncertain"),
        (verdict("human", was="uncertain"), "machine", 9 * MINUTE, "human"),
        (verdict("human"), "human", 9 * MINUTE, None),
    ],
)
def test_a_verdict_that_was_told_is_remembered(before: Verdict, now: Class, after: int, was: Class | None) -> None:
    found = with_earlier_classes({FACT.key: verdict(now)}, {FACT.key: (FACT, before)}, AT + after)

    assert found == {FACT.key: verdict(now, was)}


def test_a_new_event_was_nothing_before() -> None:
    assert with_earlier_classes({FACT.key: verdict("human")}, {}, AT + 9 * MINUTE)[FACT.key].was is None
