"""The fit of corrections to what came true."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench.advice.hours.tuning import fitted, uncorrected
from lib.chances import Correction


def answers(true: Mapping[float, float], each: int = 400) -> list[tuple[float, bool]]:
    """So many answers of each computed probability, of which these shares came true."""
    return [(sure, place < share * each) for sure, share in true.items() for place in range(each)]


def test_what_comes_true_as_computed_is_not_corrected() -> None:
    correction = fitted(answers({sure: sure for sure in (0.01, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)}))

    for probability in (0.02, 0.15, 0.3, 0.5, 0.7, 0.9):
        assert correction.apply(probability) == pytest.approx(probability, abs=0.03)


def test_each_part_of_the_scale_is_corrected_by_itself() -> None:
    true = {0.05: 0.05, 0.3: 0.1, 0.5: 0.2, 0.7: 0.8, 0.95: 0.97}

    correction = fitted(answers(true))

    for computed, share in true.items():
        assert correction.apply(computed) == pytest.approx(share, abs=0.03)


def test_shares_that_fall_are_taken_together_and_the_order_stays() -> None:
    correction = fitted(answers({0.05: 0.02, 0.3: 0.5, 0.5: 0.4, 0.7: 0.3, 0.95: 0.98}))

    corrected = [correction.apply(place / 100) for place in range(1, 100)]
    assert corrected == sorted(set(corrected))
    assert [correction.apply(sure) for sure in (0.3, 0.5, 0.7)] == pytest.approx([0.4, 0.4, 0.4], abs=0.06)


def test_a_few_answers_change_little() -> None:
    correction = fitted([(0.5, True)])

    assert 0.5 < correction.apply(0.5) < 0.7


def test_answers_that_all_came_true_leave_room_for_doubt() -> None:
    correction = fitted(answers({0.9: 1.0, 1.0: 1.0, 0.0: 0.0}))

    assert all(0 < corrected < 1 for corrected in correction.corrected)


def test_a_correction_can_be_taken_back() -> None:
    correction = Correction((0.1, 0.9), (0.3, 0.97))

    assert uncorrected(correction).apply(correction.apply(0.42)) == pytest.approx(0.42)
