"""Probabilities that advice is made of: shares that are known in part (Beta distributions), Student's quantiles, and
the correction of probabilities by what came true.

Everything is computed, not drawn: the same counts give the same advice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, log1p, sqrt
from statistics import NormalDist

_TINY = 1e-300
_PRECISION = 1e-12
_MOST_STEPS = 500
_WIDTHS = 9.0
"""Standard deviations on each side that are integrated over: what lies outside has less than 10^-15."""
_LARGEST_STEP = 1.0
"""Beta densities have poles at a distance of pi from the real log-odds, which bounds the step."""
_TAIL = 21.0
"""The logarithm of what is left out of a long tail: e^-21 is less than 10^-9."""

Shape = tuple[float, float]
"""A Beta distribution (a, b): a share that was seen a times and not seen b times, the prior included."""


def probability_of_more(one: Shape, other: Shape) -> float:
    """Return P(X > Y) for independent X ~ Beta(one) and Y ~ Beta(other), right to 5 digits, for shapes near 0, too.

    It is the mean of Y's distribution function over X, by the trapezoidal rule over the log-odds of X. There a Beta
    density is smooth and falls off exponentially on both sides, and the rule converges exponentially (Trefethen and
    Weideman, "The Exponentially Convergent Trapezoidal Rule", SIAM Review 56, 2014). The narrower of the two is
    integrated over, so that the other is smooth on its scale.
    """
    if _width(one) > _width(other):
        return 1 - probability_of_more(other, one)
    a, b = one
    start, step, count = _grid(a, b)
    constant = lgamma(a + b) - lgamma(a) - lgamma(b)
    total = weights = 0.0
    for place in range(count):
        odds = start + place * step
        below, above = -_log1p_exp(-odds), -_log1p_exp(odds)
        weight = exp(constant + a * below + b * above)
        if weight > 0:
            total += weight * _below(odds, other)
            weights += weight
    return min(1.0, max(0.0, total / weights))


def _width(shape: Shape) -> float:
    a, b = shape
    return sqrt(1 / a + 1 / b)


def _grid(a: float, b: float) -> tuple[float, float, int]:
    """Return the start, the step and the number of points of a grid over the log-odds of Beta(a, b)."""
    width, center = _width((a, b)), log(a / b)
    left, right = max(_WIDTHS * width, _TAIL / a), max(_WIDTHS * width, _TAIL / b)
    step = min(width / 2, _LARGEST_STEP)
    return center - left, step, int((left + right) / step) + 1


def _log1p_exp(value: float) -> float:
    """Return log(1 + e^value) without overflow."""
    return value + log1p(exp(-value)) if value > 0 else log1p(exp(value))


def _below(odds: float, shape: Shape) -> float:
    """Return P(Y < share with these log-odds) for Y ~ Beta(shape)."""
    a, b = shape
    log_share, log_rest = -_log1p_exp(-odds), -_log1p_exp(odds)
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log_share + b * log_rest
    share = exp(log_share)
    if share < (a + 1) / (a + b + 2):
        return exp(front) * _continued_fraction(share, a, b) / a
    return 1 - exp(front) * _continued_fraction(exp(log_rest), b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function by Lentz's method.

    Press et al., "Numerical Recipes", 3rd ed., 6.4; DLMF 8.17.22.
    """
    c, d = 1.0, 1 / _nonzero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_STEPS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _nonzero(1 + numerator * d)
            c = _nonzero(1 + numerator / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def student_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's distribution; infinite degrees of freedom are the normal distribution.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5; from 3 degrees on right to 1 %.
    """
    z = NormalDist().inv_cdf(probability)
    if degrees == inf:
        return z
    n = max(degrees, 2.0)
    terms: Sequence[float] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / n**power for power, term in enumerate(terms, 1))


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction of computed probabilities by what came true: a line in the log-odds that bends at a few points.

    It can be right in each part of the scale, which one straight line (Platt's) cannot, and is smooth enough to rest on
    few answers, which isotonic regression is not (Zadrozny and Elkan, "Transforming Classifier Scores into Accurate
    Multiclass Probability Estimates", KDD 2002). Beyond its ends it shifts the log-odds as at its ends.
    """

    computed: tuple[float, ...]
    """Probabilities above 0 and below 1, which rise, at least one."""
    corrected: tuple[float, ...]
    """What each of them is corrected to; as `computed`."""

    def apply(self, probability: float) -> float:
        """Return the corrected probability, from 0 to 1."""
        if not 0 < probability < 1:
            return min(1.0, max(0.0, probability))
        odds, known = log_odds(probability), [log_odds(each) for each in self.computed]
        shifts = [log_odds(to) - at for to, at in zip(self.corrected, known, strict=True)]
        place = bisect_left(known, odds)
        if place in (0, len(known)):
            shift = shifts[0 if place == 0 else -1]
        else:
            passed = (odds - known[place - 1]) / (known[place] - known[place - 1])
            shift = shifts[place - 1] + passed * (shifts[place] - shifts[place - 1])
        return exp(-_log1p_exp(-(odds + shift)))


def log_odds(probability: float) -> float:
    """Return the logarithm of the odds of a probability above 0 and below 1."""
    return log(probability) - log1p(-probability)
