"""Which template is recommended: clear evidence, honest doubt, and a share for new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from lib.chances import probability_of_more
from lib.templates.contest import ENOUGH, Candidate
from lib.templates.evidence import Measure, Results, Sample, TemplateEvidence
from lib.templates.rates import rate_of
from lib.templates.recommend import TRIALS, PickTerms, Recommendation, recommend
from lib.templates.tallies import Stratum

BY_OPENS = PickTerms(by="opens")
BY_SALES = PickTerms(by="won")


def template(name: str, sent: int, replied: int = 0, opened: int | None = None, at: Stratum | None = None) -> Candidate:
    """A template whose mails are all of one group."""
    opened = replied if opened is None else opened
    return of_groups(name, {at or Stratum(): (sent, opened, replied)})


def of_groups(name: str, groups: dict[Stratum, tuple[int, int, int]], last_month: str = "") -> Candidate:
    """A template with mails, opens and replies in each group."""
    samples: dict[Measure, Sample] = {
        "opened": {at: Results(sent, opened) for at, (sent, opened, _) in groups.items()},
        "clicked": {at: Results(sent, 0) for at, (sent, _, _) in groups.items()},
        "replied": {at: Results(sent, replied) for at, (sent, _, replied) in groups.items()},
    }
    sent = sum(sent for sent, _, _ in groups.values())
    return Candidate(name, name.upper(), TemplateEvidence(samples=samples, sent=sent, last_month=last_month))


def sender(rates: Sequence[float], sent: int, chance: Random) -> list[Candidate]:
    """Templates `a`, `b` and so on with these true reply rates, each sent so often; four in ten mails are opened."""
    return [
        template(
            "abcdefgh"[place],
            sent,
            replied=sum(chance.random() < rate for _ in range(sent)),
            opened=sum(chance.random() < 0.4 for _ in range(sent)),
        )
        for place, rate in enumerate(rates)
    ]


def recommended(advice: dict[str, Recommendation]) -> str | None:
    """The id of the one that is, if any."""
    found = [name for name, each in advice.items() if each.recommended]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_better_template_is_found_after_300_mails_each() -> None:
    found = [recommended(recommend(sender((0.12, 0.05), 300, Random(seed)), None)) for seed in range(400)]

    assert found.count("a") >= 0.95 * 400
    assert found.count("b") <= 0.01 * 400


def test_after_five_mails_each_nobody_can_know() -> None:
    for seed in range(200):
        advice = recommend(sender((0.12, 0.05), 5, Random(seed)), None)

        assert recommended(advice) is None
        assert {each.because for each in advice.values()} == {
            "Not enough data yet: 5 followed mails were sent with it, and it takes 30."
        }


def test_templates_that_are_the_same_are_seldom_taken_for_different() -> None:
    found = [recommended(recommend(sender((0.08,) * 4, 300, Random(seed)), None)) for seed in range(200)]

    assert found.count(None) >= 0.9 * 200


def test_replies_decide_and_say_by_how_much() -> None:
    advice = recommend([template("a", 300, 36, 120), template("b", 300, 15, 200)], None)

    assert recommended(advice) == "a"
    assert advice["a"].because == (
        "12.0 % of 300 mails that were made of it were answered, 5.0 % of 300 of the next best. Compared by the same "
        "sender, to contacts who are equally known, on the same mail platform, in the same month, it is 12.0 % against "
        "5.0 % in 1 group, worth 300 and 300 mails. It is the best of 2 with a probability of 99.8 %."
    )
    assert advice["b"].because.startswith("“A” does better: 12.0 % of 300 mails were answered.")


def test_opens_decide_where_replies_do_not() -> None:
    close = [template("a", 300, 25, 100), template("b", 300, 25, 180), template("c", 300, 1, 290)]

    advice = recommend(close, None)

    assert recommended(advice) == "b"
    assert "60.0 % of 300 mails that were made of it were opened, 33.3 % of 300" in advice["b"].because
    assert "does better" in advice["a"].because
    # The one that is opened most is not among those that may be answered most.
    assert "were answered" in advice["c"].because


def of_sales(name: str, won: int, closed: int, replied: int = 24) -> Candidate:
    known = template(name, 300, replied, 150).evidence
    samples: dict[Measure, Sample] = {**known.samples, "won": {Stratum(): Results(closed, won)}}
    return Candidate(name, name.upper(), replace(known, samples=samples))


def test_sales_decide_where_the_organization_says_so() -> None:
    advice = recommend([of_sales("a", 10, 100, replied=90), of_sales("b", 60, 100)], None, BY_SALES)

    assert recommended(advice) == "b"
    assert advice["a"].because.startswith("“B” does better: 60.0 % of 100 closed sales were won.")


def test_replies_decide_where_too_few_sales_were_closed_and_the_reason_says_so() -> None:
    advice = recommend([of_sales("a", 1, 3, replied=90), of_sales("b", 60, 100)], None, BY_SALES)

    assert recommended(advice) == "a"
    assert advice["a"].because.endswith("Too few of their sales were closed to go by these.")


def test_a_template_with_few_closed_sales_takes_no_part_among_those_with_many() -> None:
    some = [of_sales("a", 10, 100), of_sales("b", 60, 100), of_sales("c", 3, 3)]

    advice = recommend(some, None, BY_SALES)

    assert recommended(advice) == "b"
    assert advice["c"].because == "Not enough data yet: 3 of its sales were closed, and it takes 30."


def test_replies_decide_among_templates_that_win_as_often() -> None:
    assert recommended(recommend([of_sales("a", 50, 100, replied=90), of_sales("b", 50, 100)], None, BY_SALES)) == "a"


def test_opens_decide_first_where_the_organization_says_so() -> None:
    some = [template("a", 300, 90, 120), template("b", 300, 15, 250)]
    assert (recommended(recommend(some, None, BY_OPENS)), recommended(recommend(some, None))) == ("b", "a")


def test_too_close_to_tell_is_an_answer() -> None:
    advice = recommend([template("a", 300, 24, 120), template("b", 300, 25, 121)], None)

    assert recommended(advice) is None
    assert {each.because for each in advice.values()} == {"Not enough data yet to tell it from others that do as well."}


def test_a_lucky_start_is_not_enough() -> None:
    advice = recommend([template("a", ENOUGH - 1, 20), template("b", 500, 25)], None)

    assert recommended(advice) is None
    assert advice["b"].because.startswith("Not enough data yet: no other template of its language")


def test_rates_of_few_mails_are_drawn_toward_the_mean() -> None:
    # 13 % of 30 against 12 % of 2,000: the many know better, but are not sure to be the best.
    advice = recommend([template("few", 30, 4), template("many", 2000, 240), template("bad", 2000, 20)], None)

    assert recommended(advice) is None
    assert "do as well" in advice["few"].because
    assert "does better" in advice["bad"].because


def test_one_template_alone_is_not_recommended() -> None:
    assert recommended(recommend([template("a", 300, 100)], Random(1))) is None
    assert recommend([], Random(1)) == {}


def picks(some: Sequence[Candidate], number: int, terms: PickTerms | None = None) -> list[tuple[str, str]]:
    """What is picked so many times, and as what."""
    found: list[tuple[str, str]] = []
    for seed in range(number):
        advice = recommend(some, Random(seed), terms)
        found.append(next(((name, each.pick or "") for name, each in advice.items() if each.recommended), ("", "")))
    return found


def test_a_share_of_the_picks_tries_what_is_hardly_known_and_says_so() -> None:
    some = [template("old", 300, 36), template("other", 300, 5), template("new", 3), template("newer", 0)]

    found = picks(some, 2000)

    assert {name for name, pick in found if pick == "recommendation"} == {"old"}
    assert {name for name, pick in found if pick == "trial"} == {"new", "newer"}
    trials = sum(pick == "trial" for _, pick in found)
    assert 0.3 * TRIALS * 2000 < trials < TRIALS * 2000
    seed = next(seed for seed, (_, pick) in enumerate(found) if pick == "trial")
    advice = recommend(some, Random(seed))
    assert advice[found[seed][0]].because.startswith("A trial, not a recommendation. Not sent often enough to know")
    assert "10.0 % of the picks are trials" in advice["old"].because


def test_the_organization_sets_the_share_of_trials() -> None:
    some = [template("old", 300, 36), template("other", 300, 5), template("new", 3)]

    trials = {
        share: sum(pick == "trial" for _, pick in picks(some, 500, PickTerms(trials=share)))
        for share in (0.0, 0.1, 0.8)
    }

    assert trials[0.0] == 0 < trials[0.1] < trials[0.8] / 4


def test_while_none_is_sure_all_that_are_close_are_tried_and_the_better_ones_more() -> None:
    some = [template("a", 300, 24), template("b", 300, 25), template("c", 300, 14), template("bad", 300, 1)]

    found = [name for name, pick in picks(some, 1000) if pick == "trial"]

    assert len(found) == 1000
    assert found.count("b") > 3 * found.count("c")
    assert found.count("a") > 200
    assert found.count("bad") == 0
    assert picks(some, 5, PickTerms(trials=0)) == [("", "")] * 5


def test_a_new_template_that_has_failed_so_far_is_tried_less() -> None:
    some = [template("old", 3000, 360), template("other", 3000, 200), template("fresh", 0), template("failed", 29)]

    found = [name for name, _ in picks(some, 3000)]

    assert found.count("fresh") > 2 * found.count("failed")


COLD, WARM = Stratum(sender="s1", month="2026-05"), Stratum(sender="s2", month="2026-05")


def test_what_is_better_in_every_group_wins_though_it_was_used_where_reading_is_harder() -> None:
    # 45 and 40 % in the hard group, 85 and 75 % in the easy one: in all 55 and 66 %.
    a = of_groups("a", {COLD: (900, 405, 0), WARM: (300, 255, 0)})
    b = of_groups("b", {COLD: (300, 120, 0), WARM: (900, 675, 0)})

    advice = recommend([a, b], None, PickTerms(replies_seen=False))

    assert recommended(advice) == "a"
    assert "the rates of all are not to be compared" in advice["a"].because
    assert "Replies cannot be seen" in advice["a"].because


def test_templates_that_share_no_group_are_not_compared_and_the_reason_says_so() -> None:
    a = of_groups("a", {COLD: (900, 200, 0)}, "2026-05")
    b = of_groups("b", {WARM: (900, 700, 0)}, "2026-05")

    advice = recommend([a, b], None, PickTerms(by="opens", recent_since="2026-03"))

    assert recommended(advice) is None
    assert advice["a"].because.startswith(
        "It cannot be compared with “B”: both were sent too seldom by the same sender"
    )


def test_a_template_that_nobody_uses_any_more_does_not_stand_in_the_way() -> None:
    a = of_groups("a", {COLD: (900, 400, 0)}, "2026-05")
    b = of_groups("b", {COLD: (900, 300, 0)}, "2026-05")
    old = of_groups("old", {Stratum(sender="s1", month="2025-01"): (900, 700, 0)}, "2025-01")

    assert recommended(recommend([a, b, old], None, PickTerms(by="opens", recent_since="2026-03"))) == "a"
    assert recommended(recommend([a, b, old], None, PickTerms(by="opens", recent_since="2025-01"))) is None


def test_opens_do_not_overrule_what_replies_say_so_far() -> None:
    # Too few replies to be sure, and yet five times as many.
    some = [template("a", 60, 4, 15), template("b", 60, 1, 40)]

    advice = recommend(some, None)

    assert recommended(advice) is None
    assert advice["a"].because.startswith("Not enough data yet: “B” is opened more often, but “A” seems to be answered")
    assert recommended(recommend(some, None, PickTerms(replies_seen=False))) == "b"
    by_opens = recommend(some, None, BY_OPENS)
    assert recommended(by_opens) == "b"
    assert "But “A” seems to be answered more often" in by_opens["b"].because


def test_the_same_chance_gives_the_same_advice() -> None:
    some = [template("old", 300, 36), template("other", 300, 15), template("new", 3), template("newer", 0)]

    for seed in range(50):
        assert recommend(some, Random(seed)) == recommend(some[::-1], Random(seed))


@pytest.mark.parametrize(
    ("one", "other"),
    [((5, 60), (3, 60)), ((36, 300), (15, 300)), ((30, 1), (20, 4)), ((2, 40), (30, 300)), ((0.3, 8), (0.04, 2))],
)
def test_the_probability_agrees_with_drawing(one: tuple[float, float], other: tuple[float, float]) -> None:
    chance, draws = Random(1), 20_000

    drawn = sum(chance.betavariate(*one) > chance.betavariate(*other) for _ in range(draws)) / draws

    assert probability_of_more(one, other) == pytest.approx(drawn, abs=0.01)
    assert probability_of_more(one, other) + probability_of_more(other, one) == pytest.approx(1)


def test_the_probability_is_right_for_shares_near_nought() -> None:
    assert probability_of_more((5.04, 162.96), (0.04, 167.96)) == pytest.approx(0.9996, abs=1e-4)
    assert probability_of_more((0.04, 167.96), (0.04, 167.96)) == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # By R: binom::binom.wilson, and prop.test(correct = FALSE).
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (5, 10, 0.2366, 0.7634),
        (36, 300, 0.0879, 0.1617),
    ],
)
def test_the_interval_of_a_rate_is_wilsons(hits: int, count: int, low: float, high: float) -> None:
    rate = rate_of(hits, count)

    assert rate is not None
    assert [rate.low, rate.high, rate.rate] == pytest.approx([low, high, hits / count], abs=1e-4)
    assert rate.count == count


def test_there_is_no_rate_of_nothing() -> None:
    assert rate_of(0, 0) is None
