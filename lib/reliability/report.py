"""The report of a month: for each side, what was said of certain cases, and what came true. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, Field

from lib.reliability.shares import BINS, CaseKey, ReliabilityTally
from lib.verdicts.certainty import Evidence
from lib.verdicts.weights import Side

_EVIDENCE: tuple[Evidence, ...] = ("reply", "hidden_link", "declared", "feedback")


class ReliabilityBin(BaseModel):
    """Cases whose probability lies within a tenth."""

    low: float
    high: float
    cases: int
    said: float | None = Field(description="the mean probability of a person that was said; null without cases")
    came_true: float | None = Field(description="the share of cases that were a person's; null without cases")


class ReliabilityOfSide(BaseModel):
    """Certain cases of opens, or of clicks and views of attachments."""

    cases: int = Field(description="a recipient is one case for each message and outcome, however many hits")
    said: float | None = Field(description="the mean probability of a person that was said before; null without cases")
    came_true: float | None = Field(description="the share of cases that were a person's; null without cases")
    error: float | None = Field(
        description="the mean distance of what was said from what came true, over the bins, weighed by their cases"
    )
    by_evidence: dict[Evidence, int] = Field(
        description="cases by what makes them certain: a reply that followed, a hidden link that was followed, "
        "a machine that names itself, a user's feedback"
    )
    bins: list[ReliabilityBin]
    prior_shift: float = Field(
        description="by how many log-odds the certain cases of this month and the last move the judge's prior now"
    )


class Reliability(BaseModel):
    """Certain cases of the messages of a month: what was said of them, and what came true."""

    month: str
    opens: ReliabilityOfSide
    clicks: ReliabilityOfSide


def make_report(month: str, tally: ReliabilityTally, shift: Mapping[Side, float]) -> Reliability:
    """Make the report of a month; `shift` is that of the priors now, by side."""
    return Reliability(month=month, opens=_of_side("open", tally, shift), clicks=_of_side("click", tally, shift))


def _of_side(side: Side, tally: ReliabilityTally, shift: Mapping[Side, float]) -> ReliabilityOfSide:
    counts, said, people, evidence = Counter[int](), Counter[int](), Counter[int](), Counter[Evidence]()
    for text, number in tally.counts.items():
        key = CaseKey.read(text)
        if key.side == side:
            counts[key.bin] += number
            said[key.bin] += tally.said.get(text, 0)
            people[key.bin] += number if key.is_person else 0
            evidence[key.evidence] += number
    cases = counts.total()
    far = sum(abs(said[place] / 1000 - people[place]) for place in counts)
    return ReliabilityOfSide(
        cases=cases,
        said=_share(said.total() / 1000, cases),
        came_true=_share(people.total(), cases),
        error=_share(far, cases),
        by_evidence={each: evidence[each] for each in _EVIDENCE},
        bins=[
            ReliabilityBin(
                low=place / BINS,
                high=(place + 1) / BINS,
                cases=counts[place],
                said=_share(said[place] / 1000, counts[place]),
                came_true=_share(people[place], counts[place]),
            )
            for place in range(BINS)
        ],
        prior_shift=shift.get(side, 0.0),
    )


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
