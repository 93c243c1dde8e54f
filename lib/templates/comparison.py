"""Comparison of two templates within groups of mails that are alike in all else. Pure.

The rates are standardized with the weights of Mantel and Haenszel: in a group with n mails of the one and m of the
other, w = n m / (n + m), and the difference of the rates is sum(w (x/n - y/m)) / sum(w) (Greenland and Robins,
"Estimation of a Common Effect Parameter from Sparse Follow-Up Data", Biometrics 41, 1985). A group that only one of
them was sent to weighs nothing. Groups of one mail each still tell.

What the standardized rate is worth is told by an effective number of mails: those that, taken from one group, would
give a rate of the same variance. In the variance stands the rate that both have together in a group, drawn a little
toward the mean, so that groups of few mails do not seem certain.
"""

from __future__ import annotations

from typing import NamedTuple

from lib.chances import Shape
from lib.templates.evidence import Sample
from lib.templates.people import DesignEffect

PRIOR = 40.0
"""Mails that it takes to weigh as much as what is believed before: that templates differ by some 8 points of 50."""

_SMOOTHING = 2.0
"""Mails with the mean rate that are added to a group for its variance."""


class StandardizedRate(NamedTuple):
    """One of two templates, in the groups that both were sent to."""

    rate: float
    """The standardized rate, 0 to 1."""
    size: float
    """The effective number of mails."""


class Comparison(NamedTuple):
    """Two templates side by side."""

    one: StandardizedRate
    other: StandardizedRate
    mean: float
    """The rate of both together, in the same groups."""
    groups: int
    """The groups that both were sent to."""

    @property
    def least(self) -> float:
        """The smaller effective number of mails."""
        return min(self.one.size, self.other.size)

    def shapes(self) -> tuple[Shape, Shape]:
        """Return what is believed of both rates: each is drawn toward the mean (the beta-binomial model; Gelman et
        al., "Bayesian Data Analysis", 3rd ed., 2.4 and 5.3)."""
        size = self.one.size + self.other.size
        mean = (self.mean * size + 1) / (size + 2)
        return _shape(self.one, mean), _shape(self.other, mean)


def _shape(side: StandardizedRate, mean: float) -> Shape:
    return mean * PRIOR + side.rate * side.size, (1 - mean) * PRIOR + (1 - side.rate) * side.size


def compare(
    one: Sample,
    other: Sample,
    one_effect: DesignEffect = DesignEffect(),  # noqa: B008 - a tuple
    other_effect: DesignEffect = DesignEffect(),  # noqa: B008
) -> Comparison | None:
    """Compare two samples in the groups that they have in common; None where there are none."""
    common = [(one[stratum], other[stratum]) for stratum in sorted(one.keys() & other.keys())]
    common = [(a, b) for a, b in common if a.number and b.number]
    if not common:
        return None
    weights = [a.number * b.number / (a.number + b.number) for a, b in common]
    weight = sum(weights)
    both = [(a.hits + b.hits) / (a.number + b.number) for a, b in common]
    mean = sum(w * rate for w, rate in zip(weights, both, strict=True)) / weight
    one_rate = one_variance = other_rate = other_variance = 0.0
    for w, rate, (a, b) in zip(weights, both, common, strict=True):
        one_rate += w * a.hits / a.number
        other_rate += w * b.hits / b.number
        size = a.number + b.number
        smooth = (rate * size + mean * _SMOOTHING) / (size + _SMOOTHING)
        spread = w * w * smooth * (1 - smooth)
        one_variance += spread / a.number
        other_variance += spread / b.number
    if one_variance == 0:  # all had the result, or none
        one_variance = sum(w * w / a.number for w, (a, _) in zip(weights, common, strict=True))
        other_variance = sum(w * w / b.number for w, (_, b) in zip(weights, common, strict=True))
        spread = 1.0
    else:
        spread = mean * (1 - mean)
    return Comparison(
        StandardizedRate(one_rate / weight, weight**2 * spread / one_variance / one_effect.factor),
        StandardizedRate(other_rate / weight, weight**2 * spread / other_variance / other_effect.factor),
        mean,
        len(common),
    )
