"""The list of templates: filter, order and recommendation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from lib.storage.collation import ascending, collation_key, descending, folded
from lib.storage.sort_keys import ascending_number, descending_number
from lib.templates.models import StoredTemplate
from lib.templates.rates import Rate, TemplateCounted
from lib.templates.recommend import Candidate, Recommendation, RecommendBy, recommend
from lib.templates.shares import CountsByTemplate, Tally, TemplateCounts

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


@dataclass(frozen=True, slots=True)
class Shown:
    """A template with its counts and its recommendation."""

    template: StoredTemplate
    etag: str
    tally: Tally
    advice: Recommendation


def shown(
    templates: Iterable[tuple[StoredTemplate, str]],
    counts: CountsByTemplate,
    regarding: str | None,
    seed: str,
    by: RecommendBy = "replies",
) -> list[Shown]:
    """Attach counts and a recommendation to each template, for mails that regard one type of record, or for all.

    Templates compete within their own language. The same seed gives the same recommendation.
    """
    by_language: dict[str, list[tuple[StoredTemplate, str, Tally]]] = defaultdict(list)
    for template, etag in templates:
        tally = counts.get(template.id, TemplateCounts()).tally_of(regarding)
        by_language[template.language.lower()].append((template, etag, tally))
    found = []
    for language, some in by_language.items():
        # This draw needs no secrecy: it has to be the same all day.
        chance = Random(f"{seed}|{language}")  # noqa: S311
        advice = recommend([Candidate(each.id, each.name, tally) for each, _, tally in some], chance, by)
        found += [Shown(each, etag, tally, advice[each.id]) for each, etag, tally in some]
    return found


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
