"""Recommend a template among those of a language, with a reason; or say that there is not enough data, and try one.

The organization chooses what a template has to be best at: replies, opens, or sales won, which are shares of the closed
sales that its mails were about. Where that cannot tell templates apart, or too few sales were closed, the next measure
decides (`ORDERS`). Opens decide in the place of replies only where replies so far do not contradict them; an
organization that goes by opens is told of the contradiction. How two templates are compared stands
in `lib.templates.comparison`, how sure the best one is in `lib.templates.contest`.

While none is sure, each pick is a trial: of all that may be the best one is drawn by Thompson sampling (Thompson, 1933,
Biometrika 25, 285-294): a rate is drawn from what is believed of each, and the highest wins. When one is sure, a share
of the picks that the organization sets tries those that are close or were hardly sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from lib.templates import reasons
from lib.templates.contest import ENOUGH, Candidate, Contest, beliefs, find_contradiction, hold_contest
from lib.templates.evidence import Measure

Pick = Literal["recommendation", "trial"]
RecommendBy = Literal["replies", "opens", "won"]

ORDERS: Mapping[RecommendBy, tuple[Measure, ...]] = {
    "replies": ("replied", "opened"),
    "opens": ("opened", "replied"),
    "won": ("won", "replied", "opened"),
}
"""The measures in the order in which they are asked."""

TRIALS = 0.1
"""The share of picks that try another template than the recommended one, by default."""

AGAINST = 0.5
"""The probability above which replies contradict opens."""

SURE_FOR_REPLIES = 0.99
"""The probability of being the best by opens that it takes where these decide in the place of replies."""

_NEAR = 0.01
"""The probability of being better from which on a template is close to the best."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The pick of one template, and the reason."""

    pick: Pick | None
    """Whether it is recommended, or to be tried; None for all others."""
    because: str

    @property
    def recommended(self) -> bool:
        return self.pick is not None


@dataclass(frozen=True, slots=True)
class PickTerms:
    """Terms of a pick, besides the templates."""

    by: RecommendBy = "replies"
    trials: float = TRIALS
    """The share of picks that are trials where one template is recommended, 0 to 1; at 0 nothing is ever tried."""
    replies_seen: bool = True
    """Whether replies to the organization's mail can be seen at all."""
    recent_since: str = ""
    """The month, `2026-05`, since when a template is one in use. Others do not stand in the way of a recommendation."""

    @property
    def order(self) -> tuple[Measure, ...]:
        return tuple(each for each in ORDERS[self.by] if each != "replied" or self.replies_seen)


def recommend(
    candidates: Sequence[Candidate], chance: Random | None, terms: PickTerms | None = None
) -> dict[str, Recommendation]:
    """Pick at most one of the candidates, all of one language; return what is said of each, by id.

    Without `chance` no template is tried. The same chance gives the same result.
    """
    terms = terms or PickTerms()
    everyone = sorted(candidates, key=lambda each: each.id)
    known = [each for each in everyone if each.evidence.total("clicked").number >= ENOUGH]
    advice = {each.id: Recommendation(None, reasons.too_few(each)) for each in everyone if each not in known}
    compared, first = _compared(known, terms)
    advice |= compared
    if chance is not None and terms.trials > 0 and len(everyone) > 1:
        _try(advice, everyone, known, first, chance, terms)
    return advice


def _compared(known: Sequence[Candidate], terms: PickTerms) -> tuple[dict[str, Recommendation], Contest | None]:
    """Compare templates that were sent often enough by one measure after the other, until one of them can tell.

    Return what is said of them, and the first contest.
    """
    advice = {each.id: Recommendation(None, reasons.NO_OTHER) for each in known}
    first: Contest | None = None
    close, skipped = list(known), list[Measure]()
    for measure in terms.order:
        comparable = [each for each in close if each.evidence.total(measure).number >= ENOUGH]
        if len(comparable) < 2:
            skipped.append(measure)
            continue
        contest = hold_contest(comparable, measure, terms.recent_since)
        contradiction = None
        is_sure = contest.is_sure
        if is_sure and measure == "opened" and terms.replies_seen and terms.by != "opens":
            contradiction = find_contradiction(contest, AGAINST)
            is_sure = contradiction is None and contest.probability >= SURE_FOR_REPLIES
        if is_sure or contradiction or first is None:
            advice |= {each.id: Recommendation(None, reasons.few(each, measure)) for each in close}
            advice |= _said(comparable, contest, contradiction, terms, is_sure=is_sure)
        first = first or contest
        if is_sure:
            break
        close = contest.close
    if skipped and len(known) > 1:
        note = reasons.skipped(skipped)
        return {name: replace(each, because=f"{each.because} {note}") for name, each in advice.items()}, first
    return advice, first


def _said(
    some: Sequence[Candidate],
    contest: Contest,
    contradiction: Candidate | None,
    terms: PickTerms,
    *,
    is_sure: bool,
) -> dict[str, Recommendation]:
    close = {each.id for each in contest.close}
    found: dict[str, Recommendation] = {}
    for each in some:
        if is_sure and each is contest.leader:
            against = find_contradiction(contest, AGAINST) if contest.measure == "opened" else None
            because = reasons.of_the_best(contest, against, replies_seen=terms.replies_seen)
            found[each.id] = Recommendation("recommendation", because)
        elif is_sure or (each.id not in close and not contest.apart and contradiction is None):
            found[each.id] = Recommendation(None, reasons.of_another(each, contest))
        elif contest.apart:
            found[each.id] = Recommendation(None, reasons.apart(each, contest))
        elif contradiction is not None:
            found[each.id] = Recommendation(None, reasons.contradicted(contest.leader, contradiction))
        else:
            found[each.id] = Recommendation(None, reasons.CLOSE)
    return found


def _try(
    advice: dict[str, Recommendation],
    everyone: Sequence[Candidate],
    known: Sequence[Candidate],
    first: Contest | None,
    chance: Random,
    terms: PickTerms,
) -> None:
    """Pick one to be tried in place of the recommendation, if there is one, with the organization's share."""
    best = next((each for each in everyone if advice[each.id].pick == "recommendation"), None)
    if best is not None and chance.random() >= terms.trials:
        return
    measure = first.measure if first else next(each for each in terms.order if each != "won")
    pool = [each for each in everyone if each not in known]
    if first is None:
        pool = list(everyone)
    elif best is None:
        pool += first.close
    else:
        near = {each.candidate.id for each in first.rivals if each.doubt >= _NEAR} | {each.id for each in first.close}
        pool += [each for each in known if each is best or each.id in near]
    drawn = {each.id: chance.betavariate(*shape) for each, shape in beliefs(everyone, measure)}
    tried = max(pool, key=lambda each: drawn[each.id])
    if tried is best or len(pool) < 2:
        return
    if best is not None:
        because = f"{advice[best.id].because} {reasons.trials(terms.trials)}"
        advice[best.id] = Recommendation(None, because)
    advice[tried.id] = Recommendation("trial", reasons.trial(tried, advice[tried.id].because))
