"""Ways to recommend a template: Heed's, and rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random

from lib.clock import month_of
from lib.templates.contest import Candidate
from lib.templates.evidence import find_evidence
from lib.templates.learned import learn
from lib.templates.listing import RECENT
from lib.templates.recommend import PickTerms, Recommendation, RecommendBy, recommend
from lib.templates.shares import TemplateCounts

RIVALS = ("highest raw rate", "30/90", "random")

_FIRST_MAILS = 30
_BEST_SHARE = 0.9


def candidates(counts: Mapping[int, TemplateCounts], templates: int, series: int, now: datetime) -> list[Candidate]:
    """Return what Heed knows of each template at `now`."""
    named = {str(template): each for template, each in counts.items()}
    learned = learn(named, now)
    return [
        Candidate(str(each), str(each), find_evidence(named.get(str(each), TemplateCounts()), series, learned, now))
        for each in range(templates)
    ]


def heed(
    some: Sequence[Candidate],
    chance: Random | None,
    now: datetime,
    by: RecommendBy = "opens",
    *,
    replies_seen: bool = False,
    trials: float = 0.1,
) -> dict[str, Recommendation]:
    """Ask Heed."""
    recent = month_of(now - RECENT)
    return recommend(some, chance, PickTerms(by=by, trials=trials, replies_seen=replies_seen, recent_since=recent))


def rival(name: str, rates: Sequence[tuple[int, float]], chance: Random) -> int:
    """Pick by a rival; `rates` are (mails, share of opens) of each template.

    30/90: thirty mails of each first, then the highest rate, and one time in ten any.
    """
    everyone = range(len(rates))
    if name == "random" or (name == "30/90" and chance.random() >= _BEST_SHARE):
        return chance.choice(everyone)
    if name == "30/90":
        few = [each for each in everyone if rates[each][0] < _FIRST_MAILS]
        if few:
            return chance.choice(few)
    return max(everyone, key=lambda each: (rates[each][1], chance.random()))
