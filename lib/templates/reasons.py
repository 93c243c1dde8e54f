"""Words for recommendations: what was compared, how much mail, how sure, and what could mislead. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lib.templates.contest import ENOUGH, Candidate, Contest
from lib.templates.evidence import Measure

NO_OTHER = "Not enough data yet: no other template of its language was sent often enough to compare it with."
CLOSE = "Not enough data yet to tell it from others that do as well."

_FEW_SALES = "Too few of their sales were closed to go by these."
_UNKNOWN_OPENS = "Too few of their mails have opens that can be known to go by these."
_FEW_REPLIES = "Too few of their mails are old enough to go by replies."
_GROUP = "by the same sender, to contacts who are equally known, on the same mail platform, in the same month"

_MANY_UNKNOWN = 0.2
"""The share of mails with unknown opens from which on it is told."""
_MUCH_REPEATED = 1.2
"""The design effect from which on it is told."""
_DIFFERENT = 0.02
"""The difference of rates from which on the groups are told to matter."""


class _Words(NamedTuple):
    """Words in which a measure is told."""

    what: str
    of_it: str
    were: str


_WORDS: Mapping[Measure, _Words] = {
    "replied": _Words("mails", "that were made of it", "were answered"),
    "opened": _Words("mails", "that were made of it", "were opened"),
    "clicked": _Words("mails", "that were made of it", "were clicked"),
    "won": _Words("closed sales", "that mails made of it were about", "were won"),
}


def too_few(candidate: Candidate) -> str:
    """Say that a template was sent too seldom."""
    count = round(candidate.evidence.total("clicked").number)
    mails = "mail was" if count == 1 else "mails were"
    fresh = candidate.evidence.fresh
    waiting = f" {fresh} more are too fresh to count." if fresh else ""
    return f"Not enough data yet: {count} followed {mails} sent with it, and it takes {ENOUGH}.{waiting}"


def few(candidate: Candidate, measure: Measure) -> str:
    """Say that too little is known of one template by this measure."""
    count = round(candidate.evidence.total(measure).number)
    if measure == "won":
        return f"Not enough data yet: {count} of its sales were closed, and it takes {ENOUGH}."
    known = "have opens that can be known" if measure == "opened" else "are old enough to be answered"
    return f"Not enough data yet: {count} of its mails {known}, and it takes {ENOUGH}."


def skipped(measures: Sequence[Measure]) -> str:
    """Say by what templates could not be compared."""
    words = {"won": _FEW_SALES, "opened": _UNKNOWN_OPENS, "replied": _FEW_REPLIES}
    return " ".join(words[each] for each in measures if each in words)


def of_the_best(contest: Contest, against: Candidate | None, *, replies_seen: bool) -> str:
    """Say why the leader is recommended."""
    words, rival = _WORDS[contest.measure], contest.rivals[0]
    comparison = rival.comparison
    raw = (
        f"{_share(contest.leader, contest.measure)} {words.what} {words.of_it} {words.were}, "
        f"{_share(rival.candidate, contest.measure)} of the next best."
    )
    groups = "group" if comparison.groups == 1 else "groups"
    sizes = f"worth {round(comparison.one.size)} and {round(comparison.other.size)} {words.what}"
    within = (
        f"Compared {_GROUP}, it is {_percent(comparison.one.rate)} against {_percent(comparison.other.rate)} "
        f"in {comparison.groups} {groups}, {sizes}."
    )
    sure = f"It is the best of {len(contest.rivals) + 1} with a probability of {_certainty(contest.probability)}."
    return " ".join((raw, within, sure, *_misleading(contest, against, replies_seen=replies_seen)))


def _misleading(contest: Contest, against: Candidate | None, *, replies_seen: bool) -> list[str]:
    """Say what could mislead; `against` is a template that replies favor."""
    leader, rival = contest.leader, contest.rivals[0]
    found = []
    raw = [each.evidence.total(contest.measure) for each in (leader, rival.candidate)]
    gap = raw[0].hits / raw[0].number - raw[1].hits / raw[1].number
    if abs(gap - (rival.comparison.one.rate - rival.comparison.other.rate)) >= _DIFFERENT:
        found.append("They went to different mails: the rates of all are not to be compared.")
    if contest.measure == "opened":
        unknown = sum(each.evidence.unknown for each in (leader, rival.candidate))
        if unknown >= _MANY_UNKNOWN * (unknown + raw[0].number + raw[1].number):
            found.append(f"Opens of {unknown} more mails cannot be known, as with Apple Mail.")
        if not replies_seen:
            found.append("Replies cannot be seen, so that opens alone decide.")
    if against is not None and replies_seen:
        found.append(f"But “{against.name}” seems to be answered more often: {_share(against, 'replied')} mails.")
    factor = max(each.evidence.effect(contest.measure).factor for each in (leader, rival.candidate))
    if factor >= _MUCH_REPEATED:
        found.append("Many mails went to the same people, which tell less than as many people would.")
    return found


def of_another(candidate: Candidate, contest: Contest) -> str:
    """Say that the leader does better than this one."""
    words = _WORDS[contest.measure]
    text = f"“{contest.leader.name}” does better: {_share(contest.leader, contest.measure)} {words.what} {words.were}."
    beside = next((rival for rival in contest.rivals if rival.candidate is candidate), None)
    if beside is None:
        return text
    own = _share(candidate, contest.measure)
    return f"{text} Of this one it is {own}. It is worse with a probability of {_certainty(1 - beside.doubt)}."


def apart(candidate: Candidate, contest: Contest) -> str:
    """Say that templates cannot be compared."""
    others = [each.name for each in contest.apart if each is not candidate]
    if candidate is not contest.leader and candidate in contest.apart:
        others = [contest.leader.name]
    names = ", ".join(f"“{name}”" for name in others)
    return f"It cannot be compared with {names}: both were sent too seldom {_GROUP}. Send both there to tell."


def contradicted(leader: Candidate, other: Candidate) -> str:
    """Say that replies contradict opens."""
    return (
        f"Not enough data yet: “{leader.name}” is opened more often, but “{other.name}” seems to be answered more "
        f"often: {_share(other, 'replied')} mails against {_share(leader, 'replied')}."
    )


def trials(share: float) -> str:
    """Say that a share of the picks are trials."""
    return f"But {_percent(share)} of the picks are trials, to learn about others, and this is one of them."


def trial(candidate: Candidate, because: str) -> str:
    """Say that a template is to be tried, not recommended."""
    if candidate.evidence.total("clicked").number < ENOUGH:
        return "A trial, not a recommendation. Not sent often enough to know; try it."
    return f"A trial, not a recommendation: it may be as good as the best, and more mail will tell. {because}"


def _share(candidate: Candidate, measure: Measure) -> str:
    total = candidate.evidence.total(measure)
    return f"{100 * total.hits / total.number if total.number else 0:.1f} % of {round(total.number)}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _certainty(probability: float) -> str:
    return f"{min(99.9, int(1000 * probability) / 10):.1f} %"
