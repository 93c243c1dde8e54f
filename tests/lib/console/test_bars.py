"""Rates as bars, months in words, and verdicts' reliability as dots."""

import pytest

from lib.console.bars import WIDTH, bar_of, percent, scale_of
from lib.console.months import month_name, months_before
from lib.console.reliability import SIZE, side_shown
from lib.reliability.report import ReliabilityBin, ReliabilityOfSide
from lib.templates.rates import Rate

RATE = Rate(rate=0.24, low=0.18, high=0.31, count=1200)


def test_a_rate_is_told_with_what_is_likely() -> None:
    bar = bar_of(RATE)

    assert bar is not None
    assert (bar.text, bar.range_text) == ("24 %", "18 to 31 %")
    assert bar.title == "24 % of 1,200; the true rate is 18 to 31 % with 95 % confidence"
    assert 0 < bar.low < bar.middle < bar.high < WIDTH


def test_what_is_not_known_has_no_bar() -> None:
    assert bar_of(None) is None


def test_the_greatest_rate_of_a_column_reaches_its_end() -> None:
    scale = scale_of([None, RATE, Rate(rate=0.1, low=0.05, high=0.2, count=50)])
    high, whole = bar_of(RATE, scale), bar_of(Rate(rate=1, low=0.9, high=1, count=40), 1)

    assert high is not None
    assert whole is not None
    assert high.high == whole.high < WIDTH


def test_a_column_without_any_rate_has_a_scale() -> None:
    assert scale_of([None]) == 1
    assert scale_of([Rate(rate=0, low=0, high=0, count=9)]) == 1


@pytest.mark.parametrize(("share", "shown"), [(0, 0), (0.001, 1), (0.999, 99), (1, 100), (0.244, 24)])
def test_only_nothing_is_0_and_only_all_is_100_percent(share: float, shown: int) -> None:
    assert percent(share) == shown


def test_months_go_back_over_the_year() -> None:
    assert months_before("2026-02", 4) == ["2026-02", "2026-01", "2025-12", "2025-11"]
    assert months_before("0001-02", 6) == ["0001-02", "0001-01"]
    assert month_name("2026-12") == "December 2026"
    assert month_name("9999-01") == "January 9999"


def side(*bins: ReliabilityBin) -> ReliabilityOfSide:
    cases = sum(each.cases for each in bins)
    known = {"said": 0.9, "came_true": 0.8, "error": 0.1} if cases else {"said": None, "came_true": None, "error": None}
    evidence = {"reply": cases, "hidden_link": 0, "declared": 1, "feedback": 0}
    return ReliabilityOfSide.model_validate(
        {**known, "cases": cases, "by_evidence": evidence, "bins": list(bins), "prior_shift": 0.0}
    )


def test_verdicts_that_came_true_lie_on_the_line_from_corner_to_corner() -> None:
    shown = side_shown("Opens", side(ReliabilityBin(low=0.9, high=1.0, cases=20, said=0.95, came_true=0.95)))

    [dot] = shown.dots
    assert dot.x == pytest.approx(SIZE - dot.y)
    assert shown.rows == [("90 to 100 %", 20, "95 %", "95 %")]
    assert shown.evidence == ["20 replies that followed", "1 machine that named itself"]


def test_a_side_says_how_far_it_was_off() -> None:
    shown = side_shown("Opens", side(ReliabilityBin(low=0.9, high=1.0, cases=20, said=0.9, came_true=0.8)))

    assert shown.sentence == (
        "Of 20 certain cases, 90 % were said to be people's, and 80 % were. The mean error is 10 points."
    )
    assert not shown.is_good


def test_without_cases_it_says_what_makes_some() -> None:
    shown = side_shown("Clicks", side())

    assert shown.sentence.startswith("No certain cases yet")
    assert (shown.dots, shown.rows) == ([], [])
