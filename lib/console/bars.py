"""Rates as bars: a line from the lower to the upper end of what is likely, and a dot at the rate itself."""

from __future__ import annotations

from dataclasses import dataclass

from lib.templates.rates import Rate

WIDTH, HEIGHT = 120, 14
"""Units of a bar's picture."""

_MARGIN = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A rate on a scale from 0 to the greatest rate of the column."""

    low: float
    middle: float
    high: float
    text: str
    """The rate in words: `24 %`."""

    range_text: str
    """What is likely, in words: `18 to 31 %`."""

    title: str
    """All of it in a sentence, for those who do not see the bar."""


def bar_of(rate: Rate | None, greatest: float = 1.0) -> Bar | None:
    """Draw a rate, where `greatest` is the right end of the scale, from 0 to 1; None where there is no rate."""
    if rate is None:
        return None
    low, high = percent(rate.low), percent(rate.high)
    text, likely = f"{percent(rate.rate)} %", f"{low} to {high} %" if low != high else f"{low} %"
    title = f"{text} of {rate.count:,}; the true rate is {likely} with 95 % confidence"
    left, middle, right = (_place(each, greatest) for each in (rate.low, rate.rate, rate.high))
    return Bar(left, middle, right, text, likely, title)


def scale_of(rates: list[Rate | None]) -> float:
    """Return the right end of a scale on which all rates find room."""
    return max((each.high for each in rates if each is not None), default=1.0) or 1.0


def percent(share: float) -> int:
    """Return a share from 0 to 1 in whole percent; what is neither nothing nor all is shown as neither."""
    rounded = round(share * 100)
    if rounded == 0 and share > 0:
        return 1
    return 99 if rounded == 100 and share < 1 else rounded


def _place(share: float, greatest: float) -> float:
    return round(_MARGIN + min(share / greatest, 1.0) * (WIDTH - 2 * _MARGIN), 1)
