"""Probabilities that advice is made of."""

from __future__ import annotations

import pytest

from lib.chances import Correction, log_odds
from lib.send_time.habits import HABITS_CORRECTION, OFFICE_CORRECTION

NONE = Correction((0.5,), (0.5,))
BENT = Correction((0.01, 0.4, 0.6, 0.95), (0.002, 0.1, 0.7, 0.99))
CORRECTIONS = pytest.mark.parametrize("correction", [NONE, BENT, HABITS_CORRECTION, OFFICE_CORRECTION])


@pytest.mark.parametrize("probability", [0.0, 1e-300, 1e-12, 0.02, 0.5, 0.98, 1.0])
def test_where_a_point_is_corrected_to_itself_a_probability_stays_as_it_is(probability: float) -> None:
    assert NONE.apply(probability) == pytest.approx(probability)


@CORRECTIONS
def test_a_correction_is_that_of_its_points(correction: Correction) -> None:
    assert [correction.apply(each) for each in correction.computed] == pytest.approx(correction.corrected)


def test_between_points_and_beyond_them_the_log_odds_are_straight() -> None:
    between, beyond = BENT.apply(0.5), BENT.apply(0.004)

    assert log_odds(between) == pytest.approx((log_odds(0.1) + log_odds(0.7)) / 2)
    assert log_odds(beyond) - log_odds(0.004) == pytest.approx(log_odds(0.002) - log_odds(0.01))


@CORRECTIONS
def test_a_correction_keeps_the_order_and_the_range(correction: Correction) -> None:
    corrected = [correction.apply(place / 1000) for place in range(1001)]

    assert corrected == sorted(set(corrected))
    assert (corrected[0], corrected[-1]) == (0.0, 1.0)


@CORRECTIONS
def test_probabilities_that_rounding_took_out_of_range_come_back(correction: Correction) -> None:
    assert [correction.apply(each) for each in (-1e-16, 1 + 1e-15)] == [0.0, 1.0]


@CORRECTIONS
def test_a_correction_with_its_points_turned_round_takes_it_back(correction: Correction) -> None:
    back = Correction(correction.corrected, correction.computed)

    for probability in (0.0, 1e-4, 0.02, 0.3, 0.5, 0.77, 0.9, 0.999, 1.0):
        assert back.apply(correction.apply(probability)) == pytest.approx(probability, abs=1e-9)
