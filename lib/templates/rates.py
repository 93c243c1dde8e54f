"""Rates with their uncertainty."""

from __future__ import annotations

from math import sqrt

from pydantic import BaseModel, Field

from lib.chances import student_quantile
from lib.templates.evidence import Measure, TemplateEvidence
from lib.templates.people import DesignEffect

_LEVEL = 0.975
"""Of the quantile for 95 %, two-sided."""


class Rate(BaseModel):
    """The share of mails, or of sales, that had a result, from 0 to 1."""

    rate: float
    low: float = Field(description="the true rate is between low and high with 95 % confidence")
    high: float
    count: int = Field(
        description="what the rate is a share of: followed mails old enough to count, for open_rate those whose opens "
        "can be known; for won_rate, closed sales"
    )


def rate_of(hits: float, count: float, effect: DesignEffect = DesignEffect()) -> Rate | None:  # noqa: B008 - a tuple
    """The rate of `hits` among `count` mails or sales, with the score interval; None if `count` is 0.

    Wilson, E. B. (1927), "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 209-212:
    the centre is (p + z²/2n) / (1 + z²/n), and the half width z/(1 + z²/n) · sqrt(p(1 - p)/n + z²/4n²). Unlike the
    normal one it holds for few mails and for rates near 0 and 1, and never leaves that range. Mails to the same people
    count for fewer, and z is Student's then, as in surveys of clusters (Korn and Graubard, "Analysis of Health
    Surveys", 1999, 3.2).
    """
    if count == 0:
        return None
    share, number, z = hits / count, count / effect.factor, student_quantile(_LEVEL, effect.degrees)
    shrink = 1 + z**2 / number
    centre = (share + z**2 / (2 * number)) / shrink
    half = z / shrink * sqrt(share * (1 - share) / number + z**2 / (4 * number**2))
    low = 0.0 if hits == 0 else centre - half
    high = 1.0 if hits == count else centre + half
    return Rate(rate=round(share, 4), low=round(low, 4), high=round(high, 4), count=round(count))


class TemplateCounted(BaseModel):
    """Counts and rates of a template's newest content. Only acts of people count. A mail to several people counts once;
    a mail that was clicked or answered counts as opened, too. Rates are shares of mails that have ripened: after at
    least a day for opens and clicks, three for replies, longer where the organization's readers take longer."""

    sent_count: int = Field(0, description="mails made of it that were sent, followed or not, fresh or not")
    rates_since_version: int = Field(
        1, description="the version that began the present content: small corrections keep rates, another text does not"
    )
    fresh_count: int = Field(0, description="followed mails that are too fresh for their opens to count")
    unknown_count: int = Field(
        0, description="mails whose opens cannot be known, as a mail program loads images by itself; not in open_rate"
    )
    open_rate: Rate | None = Field(None, description="null while no followed mail is old enough")
    click_rate: Rate | None = None
    reply_rate: Rate | None = Field(
        None,
        description="null while no followed mail is old enough, and until replies can be seen: there is neither a "
        "mailbox nor any received mail",
    )
    won_count: int = Field(0, description="sales that were won after a mail about them was made of it")
    won_rate: Rate | None = Field(
        None,
        description="of the sales that were closed after a mail about them was made of it, those that were won; "
        "null while none was closed",
    )


def counted(evidence: TemplateEvidence, series: int = 1, *, replies_seen: bool = True) -> TemplateCounted:
    """Turn evidence into counts and rates."""

    def rate(measure: Measure) -> Rate | None:
        total = evidence.total(measure)
        return rate_of(total.hits, total.number, evidence.effect(measure))

    return TemplateCounted(
        sent_count=evidence.sent,
        rates_since_version=series,
        fresh_count=evidence.fresh,
        unknown_count=evidence.unknown,
        open_rate=rate("opened"),
        click_rate=rate("clicked"),
        reply_rate=rate("replied") if replies_seen else None,
        won_count=evidence.won,
        won_rate=rate("won"),
    )
