"""The list of templates: filter, order and recommendation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from lib.clock import month_of
from lib.storage.collation import ascending, collation_key, descending, folded
from lib.storage.sort_keys import ascending_number, descending_number
from lib.templates.contest import Candidate
from lib.templates.evidence import TemplateEvidence, find_evidence
from lib.templates.learned import Learned, learn
from lib.templates.models import StoredTemplate
from lib.templates.rates import Rate, TemplateCounted
from lib.templates.recommend import PickTerms, Recommendation, recommend
from lib.templates.shares import CountsByTemplate, TemplateCounts

TemplateSort = Literal[
    "name",
    "-name",
    "sent_count",
    "-sent_count",
    "open_rate",
    "-open_rate",
    "reply_rate",
    "-reply_rate",
    "click_rate",
    "-click_rate",
    "won_rate",
    "-won_rate",
]

_LARGEST = 10**12 - 1
_MILLION = 1_000_000


RECENT = timedelta(days=90)
"""A template that was not sent for so long does not stand in the way of a recommendation."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A template with what is known of it, and its recommendation."""

    template: StoredTemplate
    etag: str
    evidence: TemplateEvidence
    advice: Recommendation


def evidence_of(
    template: StoredTemplate, counts: CountsByTemplate, learned: Learned, now: datetime, regarding: str | None = None
) -> TemplateEvidence:
    """Find what is known of a template's newest content."""
    own = counts.get(template.id, TemplateCounts())
    return find_evidence(own, template.series_of(None), learned, now, regarding)


def shown(
    templates: Iterable[tuple[StoredTemplate, str]],
    counts: CountsByTemplate,
    regarding: str | None,
    seed: str,
    now: datetime,
    terms: PickTerms | None = None,
) -> list[Shown]:
    """Attach evidence and a recommendation to each template, for mails that regard one type of record, or for all.

    Templates compete within their own language. The same seed gives the same recommendation.
    """
    terms = replace(terms or PickTerms(), recent_since=month_of(now - RECENT))
    learned = learn(counts, now)
    by_language: dict[str, list[tuple[StoredTemplate, str, TemplateEvidence]]] = defaultdict(list)
    for template, etag in templates:
        found = evidence_of(template, counts, learned, now, regarding)
        by_language[template.language.lower()].append((template, etag, found))
    all_shown: list[Shown] = []
    for language, some in by_language.items():
        # This draw needs no secrecy: it has to be the same all day.
        chance = Random(f"{seed}|{language}")  # noqa: S311
        candidates = [Candidate(each.id, each.name, evidence) for each, _, evidence in some]
        advice = recommend(candidates, chance, terms)
        all_shown += [Shown(each, etag, evidence, advice[each.id]) for each, etag, evidence in some]
    return all_shown


def chosen(some: Iterable[Shown], language: str | None, words: str | None) -> list[Shown]:
    """Filter by language (RFC 4647, basic filtering: without a region, every region) and by words.

    Every word must occur in the name or the subject.
    """
    wanted = folded(words or "").split()
    tag = (language or "").lower()
    return [
        each
        for each in some
        if (not tag or f"{each.template.language.lower()}-".startswith(f"{tag}-"))
        and all(word in folded(f"{each.template.name} {each.template.subject}") for word in wanted)
    ]


def ordered(
    some: Sequence[tuple[Shown, TemplateCounted]], sort: TemplateSort
) -> list[tuple[str, Shown, TemplateCounted]]:
    """Sort; return (key, …), and keys can be cursors. Unknown rates come last."""
    keyed = [(f"{_key(each, counted, sort)}|{each.template.id}", each, counted) for each, counted in some]
    return sorted(keyed, key=lambda entry: entry[0])


def _key(each: Shown, counted: TemplateCounted, sort: TemplateSort) -> str:
    column, is_down = sort.removeprefix("-"), sort.startswith("-")
    if column == "name":
        name = collation_key(each.template.name)
        return descending(name) if is_down else ascending(name)
    value: Rate | int | None = getattr(counted, column)
    if value is None:
        return "~"
    number = round(value.rate * _MILLION) if isinstance(value, Rate) else value
    return descending_number(number, _LARGEST) if is_down else ascending_number(number, _LARGEST)
