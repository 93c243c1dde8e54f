"""Traces without end, the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.traces.draft import Draft
from bench.traces.scenarios import SCENARIOS
from bench.traces.trace import Trace

TUNING_SEEDS = (11, 12, 13)
"""What the judge's weights are tuned on."""

REPORTING_SEEDS = (701, 702, 703, 704, 705)
"""What is reported; nothing is tuned on them."""


def generate(seed: int, messages: int) -> Iterator[Trace]:
    """Generate so many traces of the mixture."""
    random = Random(seed)
    names = list(SCENARIOS)
    weights = [SCENARIOS[name][1] for name in names]
    for _ in range(messages):
        yield one(random, random.choices(names, weights)[0])


def one(random: Random, name: str) -> Trace:
    """A trace of this scenario."""
    draft = Draft.start(random, name)
    SCENARIOS[name][0](draft)
    return draft.finish()
