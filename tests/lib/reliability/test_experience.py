"""The experience of an organization moves its priors only where it is significant, and by nobody alone."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.reliability.experience import LARGEST_SHIFT, bounded_cases, prior_shift
from lib.reliability.shares import CaseKey, ReliabilityTally, total
from lib.verdicts.certainty import CaseSlot, Evidence


def cases(
    slot: CaseSlot, said: float, number: int, evidence: Evidence = "reply", user: str = "", day: str = ""
) -> ReliabilityTally:
    """So many cases, each of another recipient, of which the same was said."""
    key = CaseKey(slot, min(int(said * 10), 9), evidence, user, day)
    recipients = {f"{key.side}|{place}": 1 for place in range(min(number, 64))}
    return ReliabilityTally(
        counts={key.text(): number}, said={key.text(): round(said * 1000) * number}, recipients=recipients
    )


def looks(people: int, machines: int) -> ReliabilityTally:
    found = {
        f"{side}|{who}": n for side in ("open", "click") for who, n in (("people", people), ("machines", machines))
    }
    return ReliabilityTally(looks=found)


def shift(*tallies: ReliabilityTally) -> dict[Any, float]:
    return dict(prior_shift(total(tallies)))


MIX = looks(300, 100)
BELIEVED = cases("click_machine", 0.9, 60, "hidden_link")
"""Machines that were taken for people."""


def test_machines_that_were_taken_for_people_move_the_prior_down_and_no_further_than_the_bound() -> None:
    assert shift(MIX, BELIEVED, cases("click_person", 0.97, 60)) == {"click": -LARGEST_SHIFT}


def test_people_who_were_taken_for_machines_move_the_prior_up() -> None:
    found = shift(MIX, cases("open_machine", 0.02, 60, "hidden_link"), cases("open_person", 0.4, 60))

    assert found == {"open": LARGEST_SHIFT}


@pytest.mark.parametrize("replies", [40, 400, 4_000])
def test_a_judge_that_is_right_stays_as_it_is_however_many_of_either_are_certain(replies: int) -> None:
    """Of a quarter of machines, a judge that is right believes each three times as much as it doubts a person."""
    tallies = (MIX, cases("click_machine", 0.12, 4_000, "hidden_link"), cases("click_person", 0.96, replies))

    assert shift(*tallies) == {}


def test_a_judge_that_is_only_less_sure_than_it_could_be_stays_as_it_is() -> None:
    assert shift(MIX, cases("click_machine", 0.01, 4_000, "hidden_link"), cases("click_person", 0.9, 4_000)) == {}


@pytest.mark.parametrize(
    "few",
    [
        (cases("click_machine", 0.9, 20, "hidden_link"), cases("click_person", 0.97, 9)),
        (cases("click_machine", 0.9, 60, "hidden_link"),),
        (cases("click_person", 0.2, 60),),
        (cases("click_machine", 0.9, 60, "hidden_link"), cases("click_person", 0.97, 4)),
    ],
    ids=["29 cases", "machines alone", "people alone", "4 people"],
)
def test_few_cases_move_nothing(few: tuple[ReliabilityTally, ...]) -> None:
    assert shift(MIX, *few) == {}


def test_many_cases_of_few_recipients_move_nothing() -> None:
    many = total([BELIEVED, cases("click_person", 0.97, 60)])
    of_nine = many.model_copy(update={"recipients": {f"click|{place}": 14 for place in range(9)}})

    assert shift(MIX, of_nine) == {}
    assert shift(MIX, of_nine, ReliabilityTally(recipients={"click|9": 1})) != {}


def test_without_sampled_messages_nothing_moves() -> None:
    assert shift(BELIEVED, cases("click_person", 0.97, 60)) == {}


def test_machines_that_name_themselves_move_nothing() -> None:
    assert shift(MIX, cases("click_machine", 0.9, 600, "declared"), cases("click_person", 0.97, 60)) == {}


def test_opens_and_clicks_move_apart() -> None:
    tallies = (MIX, BELIEVED, cases("click_person", 0.97, 60), cases("open_person", 0.97, 60))

    assert shift(*tallies).keys() == {"click"}


def test_the_word_of_a_user_counts_three_times_a_day() -> None:
    said = cases("click_machine", 0.9, 30, "feedback", "rep1", "2026-05-04")
    later = cases("click_machine", 0.9, 2, "feedback", "rep1", "2026-05-05")

    found = bounded_cases(total([said, later, cases("click_person", 0.9, 100)]), "click")

    assert sum(weight for key, weight in found.items() if key.user) == pytest.approx(5)


def test_words_on_opens_and_clicks_share_the_three_of_a_day() -> None:
    words = [cases(slot, 0.9, 6, "feedback", "rep1", "2026-05-04") for slot in ("open_machine", "click_machine")]

    both = total([*words, cases("click_person", 0.9, 100), cases("open_person", 0.9, 100)])

    by_word = [weight for side in ("open", "click") for key, weight in bounded_cases(both, side).items() if key.user]
    assert sum(by_word) == pytest.approx(3)


def test_one_user_alone_moves_nothing() -> None:
    words = [cases("click_machine", 0.95, 3, "feedback", "rep1", f"2026-05-{day:02d}") for day in range(1, 31)]

    assert shift(MIX, *words) == {}
    assert shift(MIX, *words, cases("click_person", 0.97, 10)) == {}


KEYS = st.builds(
    CaseKey,
    slot=st.sampled_from(["open_person", "click_machine", "click_person"]),
    bin=st.integers(0, 9),
    evidence=st.just("feedback"),
    user=st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]),
    day=st.sampled_from(["2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07"]),
)
WORDS = st.dictionaries(KEYS, st.integers(1, 50), max_size=30)


@given(WORDS, st.integers(0, 40))
def test_no_user_makes_more_than_a_fifth_of_all_cases(words: dict[CaseKey, int], evident: int) -> None:
    tally = ReliabilityTally(counts={key.text(): number for key, number in words.items()})
    if evident:
        tally = tally.plus(cases("click_person", 0.9, evident))

    found = bounded_cases(tally, "click")

    whole = sum(found.values())
    for user in "abcdefg":
        assert sum(weight for key, weight in found.items() if key.user == user) <= whole / 5 + 1e-9
    assert sum(weight for key, weight in found.items() if not key.user) == evident


TALLIES = st.lists(
    st.builds(
        cases,
        st.sampled_from(["open_person", "open_machine", "click_person", "click_machine"]),
        st.floats(0, 1),
        st.integers(1, 100),
        st.sampled_from(["reply", "hidden_link", "declared"]),
    ),
    max_size=12,
)


@given(TALLIES, st.integers(0, 500), st.integers(0, 500), st.randoms(use_true_random=False))
def test_the_order_of_messages_changes_nothing_and_what_is_taken_away_leaves_nothing(
    tallies: list[ReliabilityTally], people: int, machines: int, chance: random.Random
) -> None:
    every = [*tallies, looks(people, machines)]
    whole = total(every)
    chance.shuffle(every)

    assert total(every) == whole
    assert all(abs(each) <= LARGEST_SHIFT for each in prior_shift(whole).values())
    for each in every:
        whole = whole.minus(each)
    assert whole == ReliabilityTally()
