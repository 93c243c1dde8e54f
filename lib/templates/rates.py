"""Rates with their uncertainty."""

from __future__ import annotations

from math import sqrt

from pydantic import BaseModel, Field

from lib.templates.shares import Tally

_Z = 1.959964
"""The normal distribution's quantile for 95 %, two-sided."""


class Rate(BaseModel):
    """The share of mails, or of sales, that had a result, from 0 to 1."""

    rate: float
    low: float = Field(description="the true rate is between low and high with 95 % confidence")
    high: float
    count: int = Field(
        description="what the rate is a share of: mails that were sent and followed; for won_rate, closed sales"
    )


def rate_of(hits: int, count: int) -> Rate | None:
    """The rate of `hits` among `count` mails or sales, with the score interval; None if `count` is 0.

    Wilson, E. B. (1927), "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 209-212:
    the centre is (p + z²/2n) / (1 + z²/n), and the half width z/(1 + z²/n) · sqrt(p(1 - p)/n + z²/4n²). Unlike the
    normal one it holds for few mails and for rates near 0 and 1, and never leaves that range.
    """
    if count == 0:
        return None
    share = hits / count
    shrink = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / shrink
    half = _Z / shrink * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == count else centre + half
    return Rate(rate=round(share, 4), low=round(low, 4), high=round(high, 4), count=count)


class TemplateCounted(BaseModel):
    """Counts and rates of a template. Only acts of people count. A mail to several people counts once; a mail that was
    clicked or answered counts as opened, too."""

    sent_count: int = Field(0, description="mails made of it that were sent, followed or not")
    open_rate: Rate | None = Field(None, description="null while no followed mail was sent")
    click_rate: Rate | None = None
    reply_rate: Rate | None = None
    won_count: int = Field(0, description="sales that were won after a mail about them was made of it")
    won_rate: Rate | None = Field(
        None,
        description="of the sales that were closed after a mail about them was made of it, those that were won; "
        "null while none was closed",
    )


def counted(tally: Tally) -> TemplateCounted:
    """Turn a tally into counts and rates."""
    return TemplateCounted(
        sent_count=tally.sent,
        open_rate=rate_of(tally.opened, tally.followed),
        click_rate=rate_of(tally.clicked, tally.followed),
        reply_rate=rate_of(tally.replied, tally.followed),
        won_count=tally.won,
        won_rate=rate_of(tally.won, tally.sales),
    )
