"""Heed's judge, as the benchmark asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.traces.judges import Decision, Judge
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact
from lib.verdicts import judge
from lib.verdicts.context import Sending
from lib.verdicts.evidence import Verdict


def heed(catalogues: Catalogues) -> Judge:
    """The judge with these catalogues and the thresholds that an organization has from the start."""

    def decide(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
        return {key: as_decision(verdict) for key, verdict in judge(facts, sending, catalogues).items()}

    return decide


def as_decision(verdict: Verdict) -> Decision:
    """Give a verdict in the benchmark's form."""
    reasons = tuple(f"{reason.code} {reason.weight:+.1f}" for reason in verdict.reasons)
    return Decision(verdict.kind, verdict.probability, verdict.confidence, reasons)
