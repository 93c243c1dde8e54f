"""The judge keeps what it promises on labelled traces; `make traces` measures it on many more, and beside others."""

from __future__ import annotations

from bench.traces.generate import TUNING_SEEDS, generate
from bench.traces.heed import heed
from bench.traces.rivals import RIVALS
from bench.traces.score import Score, score
from lib.catalogues.registry import load_catalogues

CATALOGUES = load_catalogues()


def score_of(name: str | None = None, messages: int = 1200) -> Score:
    judge = heed(CATALOGUES) if name is None else RIVALS[name]
    return score(generate(TUNING_SEEDS[0], messages), judge, CATALOGUES.networks)


def test_people_and_machines_are_told_apart_and_the_doubt_is_honest() -> None:
    found = score_of()

    assert (found.all.clicks.person_recall or 0) >= 0.985
    assert (found.all.clicks.machine_recall or 0) >= 0.97
    assert (found.all.alerts.withheld or 0) >= 0.985
    assert (found.all.alerts.missing or 0) <= 0.13
    assert (found.probability.expected_error or 1) < 0.05


def test_the_published_rules_of_others_are_behind() -> None:
    ours = score_of(messages=400)
    for name in RIVALS:
        theirs = score_of(name, messages=400)
        assert (theirs.all.clicks.machine_recall or 0) < (ours.all.clicks.machine_recall or 0), name
        assert (theirs.all.alerts.withheld or 0) < (ours.all.alerts.withheld or 0), name
        assert (theirs.probability.expected_error or 1) > (ours.probability.expected_error or 0), name
