"""Compaction of a busy message's old facts: they are counted once, and not read with every new fact.

A message with thousands of facts would be read and judged whole whenever one comes. Facts whose verdict can no longer
change, because no rule looks that far, are folded: their counts stay in the message's summary, and only later ones are
read. The facts themselves stay where they are: judging the message anew, by new rules or because a fact turned up
late, starts from all of them, but for those that are retired.

Retired facts are folded for good, in the summary's `base`: they have lost what they were judged by, after the
organization's `raw_days`, and later are deleted (`lib.privacy.retention`). Their counts stay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pydantic import BaseModel

from lib.tracking.facts import Fact, HitKind, bare_fact
from lib.verdicts.answers import MOST_ANSWERS
from lib.verdicts.decay import EVENT_KINDS
from lib.verdicts.evidence import Class, Verdict
from lib.verdicts.forwards import Reader, readers
from lib.verdicts.kpis import LAST_TIMES, Kpis, added, count, sum_kpis, views
from lib.verdicts.tallies import Tallies, tally
from lib.verdicts.thresholds import MINUTE

AFTER = 60 * MINUTE
"""Age in milliseconds from which a fact is folded: no rule about facts together looks further than 30 minutes."""

CONTEXT = 30 * MINUTE
"""Milliseconds before the boundary that are read again, for the rules to look at."""

FROM = 500
"""Number of facts that are worth folding."""


class FirstOpen(BaseModel):
    """An open that came before all others: alerts tell of it."""

    fact: Fact
    kind: Class


class FirstHit(BaseModel):
    """A click or a view that came before all others of its recipient: alerts tell of it."""

    key: str
    kind: HitKind
    at: int
    """Milliseconds since 1970."""

    recipient: int | None = None
    item: int
    verdict: Class


class KeptAnswer(BaseModel):
    """A mail that came back: cards and delivery states tell of it, however old it is."""

    fact: Fact
    kind: Class


class FoldedFacts(BaseModel):
    """Facts up to `until` (milliseconds since 1970), counted. `first_opens`: of all, and of people; `first_hits`: the
    same of each recipient's clicks, and of each recipient's views; `answers`: the first `MOST_ANSWERS` mails."""

    until: int
    facts: int
    kpis: Kpis
    tallies: Tallies
    readers: list[Reader] = []
    first_opens: list[FirstOpen] = []
    first_hits: list[FirstHit] = []
    answers: list[KeptAnswer] = []
    attachment_views: dict[int, int] = {}


def fold(
    facts: Iterable[Fact], verdicts: Mapping[str, Verdict], before: FoldedFacts | None, now: int
) -> tuple[FoldedFacts | None, list[Fact]]:
    """Fold what is old enough: what is folded from now on, and the facts to look at with every new one.

    `facts` are those later than `before.until`; `now` is in milliseconds.
    """
    until = now - AFTER
    old = [fact for fact in facts if fact.at <= until]
    if len(old) < FROM:
        return before, list(facts)
    live = [fact for fact in facts if fact.at > until]
    return sum_folded(old, verdicts, before, until), live


def sum_folded(old: list[Fact], verdicts: Mapping[str, Verdict], before: FoldedFacts | None, until: int) -> FoldedFacts:
    """Add facts up to `until`, later than those that are folded, to these."""
    kpis, tallies = count(old, verdicts), tally(old, verdicts)
    return FoldedFacts(
        until=until,
        facts=len(old) + (before.facts if before else 0),
        kpis=sum_kpis(before.kpis, kpis) if before else kpis,
        tallies=before.tallies + tallies if before else tallies,
        readers=readers(old, verdicts, before.readers if before else ()),
        first_opens=_first_opens(old, verdicts, before.first_opens if before else []),
        first_hits=_first_hits(old, verdicts, before.first_hits if before else []),
        answers=_first_answers(old, verdicts, before.answers if before else []),
        attachment_views=added(views(old, verdicts), before.attachment_views if before else {}),
    )


def _first_opens(old: list[Fact], verdicts: Mapping[str, Verdict], before: list[FirstOpen]) -> list[FirstOpen]:
    opens = [
        *before,
        *(FirstOpen(fact=fact, kind=verdicts[fact.key].kind) for fact in old if fact.kind == "open"),
    ]
    opens.sort(key=lambda first: first.fact.key)
    human = next((first for first in opens if first.kind == "human"), None)
    return [first for first in opens[:1] if first is not human] + ([human] if human else [])


def _first_hits(old: list[Fact], verdicts: Mapping[str, Verdict], before: list[FirstHit]) -> list[FirstHit]:
    new = [
        FirstHit(
            key=fact.key,
            kind=fact.kind,
            at=fact.at,
            recipient=fact.recipient,
            item=fact.item,
            verdict=verdicts[fact.key].kind,
        )
        for fact in old
        if fact.is_hit and fact.kind != "open"
    ]
    first: dict[tuple[HitKind, int | None, bool], FirstHit] = {}
    for hit in sorted([*before, *new], key=lambda hit: hit.key):
        first.setdefault((hit.kind, hit.recipient, False), hit)
        if hit.verdict == "human":
            first.setdefault((hit.kind, hit.recipient, True), hit)
    return list({hit.key: hit for hit in first.values()}.values())


def _first_answers(old: list[Fact], verdicts: Mapping[str, Verdict], before: list[KeptAnswer]) -> list[KeptAnswer]:
    new = [KeptAnswer(fact=fact, kind=verdicts[fact.key].kind) for fact in old if not fact.is_hit]
    return sorted([*before, *new], key=lambda answer: answer.fact.key)[:MOST_ANSWERS]


def retired(folded: FoldedFacts) -> FoldedFacts:
    """Return folded facts without what they were judged by: agents, networks, devices and headers of hits."""
    opens = [FirstOpen(fact=bare_fact(first.fact), kind=first.kind) for first in folded.first_opens]
    return folded.model_copy(update={"readers": [], "first_opens": opens})


def without_recipients(folded: FoldedFacts, numbers: Collection[int]) -> FoldedFacts:
    """Return folded facts without what people with these numbers did.

    What machines did, or no one knows, was not counted by recipient, and stays.
    """
    gone = [sums for number, sums in folded.tallies.numbered.items() if number in numbers]
    counts = {kind: sum(each.events[kind].count for each in gone if kind in each.events) for kind in EVENT_KINDS}
    kpis, raw = folded.kpis, folded.kpis.raw
    hits = {
        "opens": counts["open"],
        "clicks": counts["click"],
        "attachment_views": counts["attachment_view"],
    }
    update = {name: max(0, getattr(kpis, name) - number) for name, number in hits.items()}
    update["replies"] = max(0, kpis.replies - counts["reply"])
    less = raw.model_copy(update={name: max(0, getattr(raw, name) - number) for name, number in hits.items()})
    last = {name: getattr(kpis, name) if update[column] else None for column, name in LAST_TIMES.items()}
    return folded.model_copy(
        update={
            "kpis": kpis.model_copy(update={**update, **last, "raw": less}),
            "tallies": folded.tallies.without_recipients(numbers),
            "readers": [each for each in folded.readers if each.recipient not in numbers],
            "first_opens": [each for each in folded.first_opens if each.fact.recipient not in numbers],
            "first_hits": [each for each in folded.first_hits if each.recipient not in numbers],
            "answers": [each for each in folded.answers if each.fact.recipient not in numbers],
            "attachment_views": folded.attachment_views if update["attachment_views"] else {},
        }
    )
