"""Repeated mails to the same people: how much less they tell than as many mails to as many people. Pure.

Mails to one person are not independent. Of n mails to people with n_i mails each, h_i of them opened, a rate p has the
variance of n / deff independent mails, with the design effect (Kish, "Survey Sampling", 1965, 5.4 and 8.2)

    deff = 1 + rho * (sum(n_i^2) / n - 1),    rho = (sum((h_i - p n_i)^2) / (p (1 - p)) - n) / (sum(n_i^2) - n)

Nothing is kept of a person for that. Each person has one of 1,024 places and a sign, by the keyed hash of the address;
every mail adds its counts with that sign to that place. The sum of the squares over the places estimates the sum over
people without bias, with a standard error of 4 % at most (the count sketch: Charikar, Chen and Farach-Colton, "Finding
Frequent Items in Data Streams", ICALP 2002; Alon, Matias and Szegedy, STOC 1996). Sums of sketches are the sketches of
sums, and what is taken back leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import inf
from typing import Literal, NamedTuple

from lib.templates.tallies import Numbers, added_numbers

_PLACES = 1024

MailMeasure = Literal["opened", "clicked", "replied"]

_COLUMNS: Mapping[MailMeasure, tuple[int, int]] = {"opened": (1, 2), "clicked": (0, 3), "replied": (0, 4)}
"""Columns of the mails, and of those that had the result."""

_PRIOR_RHO = 0.3
_PRIOR_WEIGHT = 7.5
"""What is believed of the correlation before mails tell, and what that is worth: thirty pairs of mails with a rate of
50 %. People differ: some open every mail, some none."""

Sketch = Mapping[int, Numbers]
"""By place: mails followed, openable, opened, clicked and answered, each with its person's sign."""


def person_place(secret_hash: str) -> int:
    """Return the place of a person, 1 to 1,024, with its sign; `secret_hash` is a hash that only one person has."""
    digest = int.from_bytes(blake2b(secret_hash.encode(), digest_size=4).digest())
    return (digest % _PLACES + 1) * (1 if digest & 0x8000_0000 else -1)


def sketched(numbers: Numbers, place: int) -> tuple[int, Numbers]:
    """Return the place in the sketch and what a mail with these numbers of a tally adds there."""
    sign = 1 if place > 0 else -1
    _, followed, opened, clicked, replied, unknown = (*numbers[:6], *[0] * (6 - len(numbers)))
    return abs(place), [sign * each for each in (followed, followed - unknown, opened, clicked, replied)]


def add_sketches(sketches: Iterable[Sketch]) -> dict[int, Numbers]:
    """Return the sketch of all mails of these sketches."""
    found: dict[int, Numbers] = {}
    for sketch in sketches:
        for place, numbers in sketch.items():
            found[place] = added_numbers(found.get(place, ()), numbers)
    return {place: numbers for place, numbers in found.items() if numbers}


class Repeats(NamedTuple):
    """Mails of one template, and how they are spread over people."""

    mails: float
    pairs: float
    """The sum of n_i^2, less the number of mails: the ordered pairs of mails to the same person."""
    excess: float = 0.0
    """The variance of the hits over people, less that of as many independent mails."""
    weight: float = 0.0
    """The excess that there would be if all mails of a person had the same result."""

    @property
    def people(self) -> float:
        """The effective number of people."""
        return self.mails**2 / (self.mails + self.pairs) if self.mails else 0.0


def find_repeats(sketch: Sketch, measure: MailMeasure, mails: int, hits: int) -> Repeats:
    """Find how mails are spread over people: `hits` of the `mails` had the result."""
    if not mails or not sketch:
        return Repeats(mails, 0.0)
    base, hit = _COLUMNS[measure]
    rate = hits / mails
    squares = deviations = 0.0
    for numbers in sketch.values():
        n = numbers[base] if base < len(numbers) else 0
        h = numbers[hit] if hit < len(numbers) else 0
        squares += n * n
        deviations += (h - rate * n) ** 2
    pairs = max(0.0, squares - mails)
    if not 0 < hits < mails or not pairs:
        return Repeats(mails, pairs)
    # The rate was estimated from the same mails, which makes variances smaller than they are. One person shows none.
    people = mails**2 / squares
    variance = rate * (1 - rate) * max(0.0, people - 1) / people
    return Repeats(mails, pairs, deviations - mails * variance, pairs * variance)


class PersonCorrelation(NamedTuple):
    """Estimate of how alike the results of one person are."""

    rho: float = _PRIOR_RHO
    """From 0 to 1."""
    degrees: float = inf
    """Degrees of freedom of its estimate."""


def correlation(repeats: Iterable[Repeats]) -> PersonCorrelation:
    """Estimate the correlation that all templates of an organization show together.

    Where all mails had the result, or none, and where they went to one person, nothing is learnt. The variance over
    people is known by as many degrees of freedom as there are people, less one for each template whose rate was
    estimated; what is believed before adds to them.
    """
    excess = weight = people = 0.0
    for each in repeats:
        excess += each.excess
        weight += each.weight
        people += each.people - 1 if each.weight else 0.0
    rho = (excess + _PRIOR_RHO * _PRIOR_WEIGHT) / (weight + _PRIOR_WEIGHT)
    degrees = max(1.0, people) * ((weight + _PRIOR_WEIGHT) / weight) ** 2 if weight else inf
    return PersonCorrelation(min(1.0, max(0.0, rho)), degrees)


class DesignEffect(NamedTuple):
    """Loss of evidence where several mails went to the same people."""

    factor: float = 1.0
    """Mails divided by it are worth as many independent ones."""
    degrees: float = inf
    """Degrees of freedom: the fewer people, the less is known of how they differ."""


def design_effect(repeats: Repeats, correlation: PersonCorrelation) -> DesignEffect:
    """Return the design effect of these mails where results of one person correlate so."""
    factor = 1 + correlation.rho * repeats.pairs / repeats.mails if repeats.pairs else 1.0
    return DesignEffect(factor, correlation.degrees) if factor > 1 else DesignEffect()
