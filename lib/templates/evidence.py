"""Evidence about a template: what its mails that have ripened tell, by group. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from lib.templates.learned import COUNTED, Learned, repeats_of, ripe_cells
from lib.templates.people import DesignEffect, design_effect
from lib.templates.shares import TemplateCounts
from lib.templates.tallies import Cell, Numbers, Stratum, Tally, added_numbers

Measure = Literal["opened", "clicked", "replied", "won"]


class Results(NamedTuple):
    """Mails, or closed sales, and how many of them had the result."""

    number: float
    hits: float


Sample = Mapping[Stratum, Results]
"""By group."""


@dataclass(frozen=True, slots=True)
class TemplateEvidence:
    """Evidence about a template's newest content."""

    samples: Mapping[Measure, Sample] = field(default_factory=dict)
    effects: Mapping[Measure, DesignEffect] = field(default_factory=dict)
    """How much less the mails tell because they went to the same people."""
    sent: int = 0
    """Mails that were sent, followed or not, ripe or not."""
    fresh: int = 0
    """Followed mails that are too fresh for their opens to count."""
    unknown: int = 0
    """Ripe mails whose opens cannot be known."""
    won: int = 0
    last_month: str = ""
    """The newest month in which mails were sent, `2026-05`."""

    def sample(self, measure: Measure) -> Sample:
        return self.samples.get(measure, {})

    def effect(self, measure: Measure) -> DesignEffect:
        return self.effects.get(measure, DesignEffect())

    def total(self, measure: Measure) -> Results:
        """Return the sums over all groups."""
        some = self.sample(measure).values()
        return Results(sum(each.number for each in some), sum(each.hits for each in some))


def find_evidence(
    counts: TemplateCounts, series: int, learned: Learned, now: datetime, regarding: str | None = None
) -> TemplateEvidence:
    """Find what the mails with one content tell at `now`; of those that regard one type of record, or of all."""
    read_late = _by_stratum(counts, series, regarding, learned, now, "replied")
    ripe = _by_stratum(counts, series, regarding, learned, now, "opened")
    everything = Tally()
    last_month = ""
    for key, numbers in counts.cells.items():
        cell = Cell.read(key)
        if cell.series == series and regarding in (None, cell.regarding):
            tally = Tally.from_numbers(numbers)
            everything += tally
            last_month = max(last_month, cell.stratum.month if tally.sent else "")
    samples: dict[Measure, Sample] = {
        "opened": {at: Results(each.openable, each.opened) for at, each in ripe.items() if each.openable},
        "clicked": {at: Results(each.followed, each.clicked) for at, each in ripe.items() if each.followed},
        "replied": {at: Results(each.followed, each.replied) for at, each in read_late.items() if each.followed},
        "won": {at: Results(each.sales, each.won) for at, each in ripe.items() if each.sales},
    }
    effects: dict[Measure, DesignEffect] = {
        measure: design_effect(repeats_of(counts, series, measure), learned.correlations[measure])
        for measure in COUNTED
    }
    return TemplateEvidence(
        samples=samples,
        effects=effects,
        sent=everything.sent,
        fresh=everything.followed - sum(each.followed for each in ripe.values()),
        unknown=sum(each.unknown for each in ripe.values()),
        won=everything.won,
        last_month=last_month,
    )


def _by_stratum(
    counts: TemplateCounts,
    series: int,
    regarding: str | None,
    learned: Learned,
    now: datetime,
    measure: Literal["opened", "replied"],
) -> dict[Stratum, Tally]:
    age = learned.opens_ripe_after if measure == "opened" else learned.replies_ripe_after
    found: dict[Stratum, Numbers] = {}
    for key, numbers in ripe_cells(counts, now, age):
        cell = Cell.read(key)
        if cell.series == series and regarding in (None, cell.regarding):
            found[cell.stratum] = added_numbers(found.get(cell.stratum, ()), numbers)
    return {stratum: Tally.from_numbers(numbers) for stratum, numbers in found.items()}
