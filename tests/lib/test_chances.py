"""Probabilities that advice is made of."""

from __future__ import annotations

import pytest

from lib.chances import Correction


@pytest.mark.parametrize("probability", [0.0, 1e-12, 0.02, 0.5, 0.98, 1.0])
def test_without_shift_and_with_slope_one_a_probability_stays_as_it_is(probability: float) -> None:
    assert Correction(0.0, 1.0).apply(probability) == pytest.approx(probability)


def test_a_correction_keeps_the_order_and_the_range() -> None:
    corrected = [Correction(0.7, 1.15).apply(place / 100) for place in range(101)]

    assert corrected == sorted(set(corrected))
    assert (corrected[0], corrected[-1]) == (0.0, 1.0)


def test_probabilities_that_rounding_took_out_of_range_come_back() -> None:
    assert [Correction(0.7, 1.15).apply(each) for each in (-1e-16, 1 + 1e-15)] == [0.0, 1.0]
