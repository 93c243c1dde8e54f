"""Render the measurements as tables in Markdown."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from bench.traces.score import BINS, Reliability, Result, Score, Tally, share
from lib.verdicts import RULES_VERSION

_COMPARED = (
    "| | people's clicks called human | machines' called machine | clicks called human that are "
    "| called machine that are | people's opens called human | machines' called machine | opens called human that are "
    "| called machine that are "
    "| no alert where only machines opened | at once | alert missed | too early | error of the probability "
    "| of the class |"
)
_SCENARIOS = (
    "| scenario | clicks: people's | called human | machines' | called machine | opens: people's | called human "
    "| machines' | called machine | Apple's: people's | called human | machines' | called machine "
    "| only machines opened | no alert |"
)


def render(scores: Mapping[str, Score], seeds: Sequence[int], messages: int) -> str:
    """The part of the report about single mails. The first score is Heed's."""
    heed = next(iter(scores.values()))
    parts = [_head(heed, seeds, messages), compared(scores), _remarks(), "### By scenario\n", by_scenario(heed)]
    parts += ["### Reliability\n", reliability(heed)]
    return "\n".join(parts)


def title() -> str:
    """The report's beginning."""
    return (
        f"# Who was it? The judge on labelled traces\n\nWritten by `python -m bench.traces` on "
        f"{datetime.now(UTC):%d %B %Y}; rules version {RULES_VERSION}; Python {platform.python_version()}, "
        f"crawler-user-agents {version('crawler-user-agents')}.\n\n"
        "The traces are generated: `bench/traces` says what they imitate, from which sources, and what is assumed. "
        "Figures of real mail will differ; these show which behavior is told apart, and which is not.\n"
    )


def _head(heed: Score, seeds: Sequence[int], messages: int) -> str:
    return (
        f"## Single mails\n\n{heed.messages:,} messages with {heed.facts:,} facts: {messages:,} of each of the seeds "
        f"{', '.join(map(str, seeds))}. Nothing was tuned on these seeds. "
        f"Machines made {_share(heed.all.clicks)} of the clicks, and {_share(heed.all.opens)} of the opens other than "
        f"Apple's.\n"
    )


def _share(tally: Tally) -> str:
    return percent(share(tally.of("machine"), tally.of("machine") + tally.of("person")))


def _remarks() -> str:
    return (
        "Opens that Apple's Mail Privacy Protection loads are in none of the columns about opens: unknowable. "
        "They count in the probability's error by whether a person read at that moment. “No alert where only machines "
        "opened” is of mails that were not read; “at once” asks the judge 10 s after each open, with what is known "
        "then. “Too early” are alerts that a machine's open raised before the person's. Rivals state no probability, "
        "so that theirs is 0 or 1.\n"
    )


def compared(scores: Mapping[str, Score]) -> str:
    """A line for each judge."""
    return table(_COMPARED, (f"| {name} | {' | '.join(_compared(score))} |" for name, score in scores.items()))


def _compared(score: Score) -> Iterator[str]:
    result = score.all
    for tally in (result.clicks, result.opens):
        yield percent(tally.person_recall)
        yield percent(tally.machine_recall)
        yield percent(tally.person_precision)
        yield percent(tally.machine_precision)
    yield percent(result.alerts.withheld)
    yield percent(result.alerts.withheld_at_once)
    yield percent(result.alerts.missing)
    yield percent(result.alerts.too_early)
    for reliability in (score.probability, score.confidence):
        error = reliability.expected_error
        yield "" if error is None else f"{error:.3f}"


def by_scenario(score: Score) -> str:
    """A line for each scenario of a request or a message."""
    rows = (f"| {name} | {' | '.join(_scenario(score.by_scenario[name]))} |" for name in sorted(score.by_scenario))
    return table(_SCENARIOS, rows)


def _scenario(result: Result) -> Iterator[str]:
    for tally in (result.clicks, result.opens, result.apple):
        yield count_of(tally.of("person"))
        yield percent(tally.person_recall)
        yield count_of(tally.of("machine"))
        yield percent(tally.machine_recall)
    yield count_of(result.alerts.only_machines)
    yield percent(result.alerts.withheld)


def reliability_table(reliability: Reliability) -> str:
    """Compare probabilities, by tenths, with the truth."""
    rows = (f"| {tenth / BINS:.1f} to {(tenth + 1) / BINS:.1f} | {_bin(reliability, tenth)} |" for tenth in range(BINS))
    return table("| said | facts | mean probability | people |", rows)


def reliability(score: Score) -> str:
    """Compare the judge's probabilities, by tenths, with the truth."""
    rows = (
        f"| {tenth / BINS:.1f} to {(tenth + 1) / BINS:.1f} | {_bin(score.probability, tenth)} "
        f"| {_bin(score.confidence, tenth)} |"
        for tenth in range(BINS)
    )
    head = "| said | facts | mean probability | people | facts | mean confidence | right |"
    return table(head, rows)


def _bin(reliability: Reliability, tenth: int) -> str:
    count, said, true = reliability.bins[tenth]
    return f"{count:,.0f} | {said / count:.3f} | {true / count:.3f}" if count else " | | "


def percent(value: float | None) -> str:
    """A share as text, with one decimal; empty where there is none."""
    return "" if value is None else f"{100 * value:.1f} %"


def count_of(value: int) -> str:
    """A count as text; empty for 0."""
    return f"{value:,}" if value else ""


def table(head: str, rows: Iterable[str]) -> str:
    """A table in Markdown, with all columns but the first aligned to the right."""
    columns = head.count("|") - 1
    return "\n".join([head, "|---|" + "---:|" * (columns - 1), *rows]) + "\n"
