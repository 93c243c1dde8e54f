"""Rules about opens that no click has followed: weak signs, which decide nothing that other signs have decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence

from lib.tracking.facts import Fact
from lib.verdicts.answers import OF_READERS
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Findings, PatternRule, Scene, Source, between, source_of
from lib.verdicts.thresholds import DAY, Thresholds
from lib.verdicts.weights import UNKNOWABLE

WEEK = 7 * DAY
"""Milliseconds after an open by which people who mean to click have clicked."""

_IN_A_ROW = 3

_WEEK_PASSED = Finding("no-click-in-a-week", "A week has passed, and nobody followed a link.")
_ROW = Finding("opens-in-a-row", "The same place opened the mail several times in a row, and nobody followed a link.")


def is_undecided(probability: float, codes: Container[str], thresholds: Thresholds) -> bool:
    """Whether these rules may speak of an open: it is neither a machine's nor sure enough for a card, and can be known.

    `probability` is that of a person, `codes` are those of what was found.
    """
    low, high = thresholds.machine_until["open"], thresholds.alert_from["open"]
    return low < probability < high and UNKNOWABLE not in codes


def no_click_in_a_week(scene: Scene) -> Findings:
    """Match opens of long ago, of copies with links, that no click or answer has followed."""
    looked_at = scene.sending.looked_at
    if looked_at is None:
        return
    for opens in _without_clicks(scene):
        for fact in opens:
            if looked_at - fact.at >= WEEK and fact.key in scene.undecided:
                yield fact, _WEEK_PASSED


def opens_in_a_row(scene: Scene) -> Findings:
    """Match several opens by one source within minutes, of copies that no click or answer has followed."""
    span = scene.thresholds.comes_back
    for opens in _without_clicks(scene):
        by_source: dict[Source, list[Fact]] = defaultdict(list)
        for fact in opens:
            by_source[source_of(fact)].append(fact)
        for some in by_source.values():
            for fact in some if len(some) >= _IN_A_ROW else ():
                is_in_a_row = len(between(some, fact.at - span, fact.at + span)) >= _IN_A_ROW
                if is_in_a_row and fact.key in scene.undecided and not scene.is_shared(fact):
                    yield fact, _ROW


def _without_clicks(scene: Scene) -> Iterator[Sequence[Fact]]:
    """Give the opens of each copy that nobody but suspects has clicked, and that no reader has answered."""
    answered = {each.recipient for each in scene.answers if each.kind in OF_READERS}
    for recipient, opens in scene.opens_by_recipient.items():
        clicks = scene.clicks_by_recipient.get(recipient, ())
        if recipient not in answered and all(click.key in scene.suspects for click in clicks):
            yield opens


RULES = (PatternRule(no_click_in_a_week, "a-later-look"), PatternRule(opens_in_a_row, "several-opens"))
