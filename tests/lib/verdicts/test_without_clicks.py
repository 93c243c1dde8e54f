"""Opens that no click has followed: weak signs about opens that are not decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lib.clock import moment
from lib.tracking.facts import AnswerKind, Fact, answer_fact
from lib.verdicts.rules.without_clicks import WEEK
from tests.lib.verdicts.test_rules import MINUTE, SECOND, SENDING, SENT, click, codes, fact, judged

OPEN = fact(20 * MINUTE)


def told(*facts: Fact, after: int = WEEK, code: str = "no-click-in-a-week", links: int = 4) -> bool:
    """Whether this is found of the first hit, in a look so long after it."""
    sending = replace(SENDING, looked_at=facts[0].at + after, links=links)
    return code in codes(judged(*facts, sending=sending)[0])


def answered(kind: AnswerKind) -> Fact:
    return answer_fact(kind, "0" * 32, moment(SENT + 40 * MINUTE), "a" * 32, 0)


def test_an_open_that_no_click_has_followed_for_a_week_is_told() -> None:
    assert told(OPEN)
    assert not told(OPEN, after=WEEK - 1)
    assert not told(OPEN, click(25 * MINUTE))
    assert not told(OPEN, links=0)


def test_a_machines_click_is_none_and_an_answer_is_as_good_as_one() -> None:
    assert told(OPEN, click(3 * SECOND, method="HEAD", network="198.51.100.0/24"))
    assert not told(OPEN, answered("reply"))
    assert told(OPEN, answered("auto_reply"))


@pytest.mark.parametrize(
    "decided",
    [fact(3 * SECOND, method="HEAD"), fact(20 * MINUTE, agent="GoogleImageProxy (via ggpht.com GoogleImageProxy)")],
    ids=["a machine's", "a person's"],
)
def test_what_is_decided_is_left_as_it_is(decided: Fact) -> None:
    assert not told(decided)


def test_several_opens_in_a_row_without_a_click_are_told() -> None:
    row = [OPEN, *(fact(20 * MINUTE + n * MINUTE) for n in (1, 2))]

    assert told(*row, code="opens-in-a-row", after=0)
    assert not told(*row[:2], code="opens-in-a-row", after=0)
    assert not told(*row, click(25 * MINUTE), code="opens-in-a-row", after=0)
    assert not told(*row[:2], replace(row[2], network="198.51.100.0/24"), code="opens-in-a-row", after=0)
