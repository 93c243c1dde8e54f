"""Tallies of human events: what is counted in parts, in any order, is what is counted at once."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lib.clock import moment
from lib.organizations.settings import Score
from lib.records.score import rank, score
from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.decay import EPOCH, HALF_LIFE, LATEST, EventKind, worth
from lib.verdicts.tallies import KEPT_MINUTES, MANY_OPENS, Sums, Tallies, tally
from lib.verdicts.thresholds import MINUTE
from tests.support.engaging import WEIGHTS, fact, judged, verdict

HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOW = EPOCH + 500 * DAY


@st.composite
def judged_facts(draw: st.DrawFn) -> tuple[list[Fact], dict[str, Verdict]]:
    """Facts of some days, or of seventy years."""
    span = draw(st.sampled_from([10 * HOUR, 12 * DAY, LATEST - EPOCH]))
    times = draw(st.lists(st.integers(0, span), max_size=60))
    kinds = st.sampled_from(["open", "open", "open", "click", "attachment_view", "reply", "bounce"])
    facts = [
        fact(draw(kinds), EPOCH + at, draw(st.sampled_from([None, 0, 1, 7])), number) for number, at in enumerate(times)
    ]
    return facts, {
        each.key: verdict(draw(st.sampled_from(["human", "human", "machine", "uncertain"]))) for each in facts
    }


@given(judged_facts(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_the_sum_of_any_parts_in_any_order_is_the_whole(
    given_facts: tuple[list[Fact], dict[str, Verdict]], chance: random.Random, number: int
) -> None:
    facts, verdicts = given_facts
    whole = tally(facts, verdicts)

    chance.shuffle(facts)
    parts: list[list[Fact]] = [[] for _ in range(number)]
    for each in facts:
        chance.choice(parts).append(each)
    stored = [Tallies.model_validate_json(tally(part, verdicts).model_dump_json()) for part in parts]
    merged = sum(stored, Tallies())

    assert merged.model_dump_json() == whole.model_dump_json()


@given(judged_facts(), st.integers(0, 13 * 24 * 60), st.integers(0, 10))
def test_opens_since_any_minute_are_exact_until_they_are_many(
    given_facts: tuple[list[Fact], dict[str, Verdict]], back: int, cut: int
) -> None:
    facts, verdicts = given_facts
    opened = [each.at // MINUTE for each in facts if each.kind == "open" and verdicts[each.key].kind == "human"]
    since = max(opened, default=0) - min(back, KEPT_MINUTES - 1)

    minutes = (tally(facts[:cut], verdicts) + tally(facts[cut:], verdicts)).all().open_minutes

    exact = sum(minute >= since for minute in opened)
    told = sum(opens for minute, opens in minutes.items() if minute >= since)
    assert told == exact or (told >= MANY_OPENS and exact >= MANY_OPENS)


def test_what_is_kept_of_opens_by_the_minute_has_a_bound() -> None:
    minutes = judged(fact("open", NOW + hour * HOUR) for hour in range(10_000)).all().open_minutes

    assert len(minutes) == MANY_OPENS


def test_opens_that_an_earlier_release_has_stored_by_the_hour_are_read() -> None:
    stored = {"events": {}, "open_hours": {"100": 2, "101": 1}}

    assert Sums.model_validate(stored).open_minutes == {100 * 60 + 59: 2, 101 * 60 + 59: 1}


@given(st.integers(EPOCH, LATEST - HALF_LIFE))
def test_an_event_is_worth_exactly_twice_one_of_thirty_days_earlier(at: int) -> None:
    assert worth(at + HALF_LIFE) == 2 * worth(at)


@given(st.integers(EPOCH, LATEST - 1))
def test_a_millisecond_makes_a_difference(at: int) -> None:
    assert worth(at + 1) > worth(at)


def test_a_score_halves_every_thirty_days() -> None:
    worths: dict[EventKind, int] = {"open": worth(NOW), "click": 2 * worth(NOW)}

    scores = [score(worths, WEIGHTS, NOW + days * DAY) for days in (0, 30, 60)]

    assert scores == [11.0, 5.5, 2.75]


def test_a_score_is_a_number_as_long_as_the_century_lasts_and_beyond() -> None:
    many: dict[EventKind, int] = {"reply": 10**7 * worth(LATEST + 10**12)}

    assert 0 < score(many, Score(reply=1000), EPOCH) < float("inf")
    assert score({"open": worth(0)}, WEIGHTS, LATEST) == 0
    assert score({"open": worth(EPOCH)}, WEIGHTS, 0) > 0
    assert len(rank(many, Score(reply=1000))) == len(rank({}, WEIGHTS)) == 10


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["open", "click", "reply"]), st.integers(EPOCH, EPOCH + 900 * DAY), max_size=3),
        min_size=2,
        max_size=6,
    ),
    st.integers(0, 3000),
)
def test_ranks_sort_by_score_whenever_it_is_read(records: list[dict[EventKind, int]], days: int) -> None:
    worths = [{kind: worth(at) for kind, at in record.items()} for record in records]

    best_first = sorted(worths, key=lambda each: rank(each, WEIGHTS))

    scores = [score(each, WEIGHTS, EPOCH + days * DAY) for each in best_first]
    assert all(one >= other * 0.99999 - 0.001 for one, other in pairwise(scores))


def test_people_alone_are_counted() -> None:
    facts = [fact("open", NOW + number, 0, number) for number in range(3)]
    kinds = ["human", "machine", "uncertain"]

    found = tally(facts, {each.key: verdict(kind) for each, kind in zip(facts, kinds, strict=True)})

    assert found == judged(facts[:1])
    assert found.numbered[0].events["open"].count == 1
    assert moment(found.numbered[0].events["open"].last) == moment(NOW)
