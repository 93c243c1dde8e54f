"""Intervals of rates: as wide as what mails to the same people tell, which is less than as many mails to many."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from lib.templates.evidence import find_evidence
from lib.templates.learned import learn
from lib.templates.people import person_place
from lib.templates.rates import Rate, rate_of
from lib.templates.shares import TemplateCounts, TemplateShare

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rate_of_mails(opened: list[list[bool]], others: list[list[bool]] | None = None) -> Rate:
    """The open rate of a template; by person, whether each mail was opened. `others` are another template's mails."""
    counts = {"a": counted(opened), "b": counted(others or [])}
    evidence = find_evidence(counts["a"], 1, learn(counts, NOW), NOW)
    number, hits = evidence.total("opened")
    rate = rate_of(hits, number, evidence.effect("opened"))
    assert rate is not None
    return rate


def counted(opened: list[list[bool]]) -> TemplateCounts:
    return TemplateCounts.total(
        TemplateShare.model_construct(
            series=1,
            regarding="",
            sender="s",
            contact="known",
            platform="",
            month="2026-05",
            bucket=0,
            person=person_place(f"person {person}"),
            numbers=[1, 1, int(each)],
        )
        for person, mails in enumerate(opened)
        for each in mails
    )


def like_people(people: int, mails: int, rate: float, likeness: float, chance: Random) -> list[list[bool]]:
    """Mails to people whose results correlate by `likeness`: a mail follows the person's mood, or is drawn anew."""
    found = []
    for _ in range(people):
        mood = chance.random() < rate
        found.append(
            [mood if chance.random() < likeness**0.5 else chance.random() < rate for _ in range(mails)],
        )
    return found


@pytest.mark.parametrize(("people", "mails"), [(10, 10), (30, 5)])
@pytest.mark.parametrize("rate", [0.5, 0.3, 0.1])
@pytest.mark.parametrize("likeness", [0.2, 0.5])
def test_intervals_hold_the_true_rate_where_people_get_many_mails(
    people: int, mails: int, rate: float, likeness: float
) -> None:
    chance = Random(f"{people} {mails} {rate} {likeness}")
    runs = 500

    found = [rate_of_mails(like_people(people, mails, rate, likeness, chance)) for _ in range(runs)]

    # 92 % are three standard errors below 95 %.
    assert sum(each.low <= rate <= each.high for each in found) >= 0.92 * runs


def test_mails_that_all_had_one_result_do_not_tell_that_people_are_alike() -> None:
    none_opened = rate_of_mails([[False] * 10] * 10)
    among_many = rate_of_mails([[False]] * 100)

    assert none_opened.high > 2 * among_many.high


@pytest.mark.parametrize("mails", [10, 100, 10_000])
def test_however_many_mails_one_person_gets_they_do_not_tell_what_people_do(mails: int) -> None:
    one = rate_of_mails([[number % 2 == 0 for number in range(mails)]])

    assert one.high - one.low > 0.5


def test_other_templates_tell_how_people_differ() -> None:
    """Ten people alone leave much open; two hundred with another template make it surer."""
    chance = Random(1)
    few = like_people(10, 10, 0.4, 0.3, chance)
    others = like_people(200, 10, 0.4, 0.3, chance)

    alone, beside = rate_of_mails(few), rate_of_mails(few, others)

    assert beside.rate == alone.rate
    assert beside.high - beside.low < alone.high - alone.low


def test_mails_to_many_people_have_wilsons_interval() -> None:
    ours, wilsons = rate_of_mails([[place % 4 == 0] for place in range(200)]), rate_of(50, 200)

    assert wilsons is not None
    assert (ours.low, ours.high) == pytest.approx((wilsons.low, wilsons.high), abs=0.005)
