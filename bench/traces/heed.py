"""Heed's judge, as the benchmark asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.traces.judges import Decision, Judge
from lib.catalogues.registry import Catalogues
from lib.tracking.facts import Fact
from lib.verdicts import judge
from lib.verdicts.context import Sending


def heed(catalogues: Catalogues) -> Judge:
    """The judge with these catalogues and the thresholds that an organization has from the start."""

    def decide(facts: Sequence[Fact], sending: Sending) -> Mapping[str, Decision]:
        return {
            key: Decision(
                verdict.kind,
                verdict.probability,
                verdict.confidence,
                tuple(f"{reason.code} {reason.weight:+.1f}" for reason in verdict.reasons),
            )
            for key, verdict in judge(facts, sending, catalogues).items()
        }

    return decide
