"""Which template is recommended: clear evidence, honest doubt, and a share for new ones."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from lib.templates.rates import rate_of
from lib.templates.recommend import ENOUGH, EXPLORED, Candidate, Recommendation, probability_of_more, recommend
from lib.templates.shares import Tally


def template(name: str, sent: int, replied: int = 0, opened: int | None = None) -> Candidate:
    opened = replied if opened is None else opened
    return Candidate(name, name.upper(), Tally(sent=sent, followed=sent, replied=replied, opened=opened))


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
        "12.0 % of 300 mails that were made of it were answered, 5.0 % of 300 of the next best."
    )
    assert advice["b"].because == "“A” does better: 12.0 % of 300 mails were answered."


def test_opens_decide_where_replies_do_not() -> None:
    close = [template("a", 300, 25, 100), template("b", 300, 25, 180), template("c", 300, 1, 290)]

    advice = recommend(close, None)

    assert recommended(advice) == "b"
    assert "60.0 % of 300 mails that were made of it were opened, 33.3 % of 300" in advice["b"].because
    assert "does better" in advice["a"].because
    # The one that is opened most is not among those that may be answered most.
    assert "were answered" in advice["c"].because


def of_sales(name: str, won: int, closed: int, replied: int = 24) -> Candidate:
    return Candidate(
        name, name.upper(), Tally(sent=300, followed=300, replied=replied, opened=150, won=won, closed=closed)
    )


def test_sales_decide_where_the_organization_says_so() -> None:
    advice = recommend([of_sales("a", 10, 100, replied=90), of_sales("b", 60, 100)], None, "won")

    assert recommended(advice) == "b"
    assert advice["a"].because == "“B” does better: 60.0 % of 100 closed sales were won."


def test_replies_decide_where_too_few_sales_were_closed_and_the_reason_says_so() -> None:
    advice = recommend([of_sales("a", 1, 3, replied=90), of_sales("b", 60, 100)], None, "won")

    assert recommended(advice) == "a"
    assert advice["a"].because.endswith("of the next best. Too few of their sales were closed to go by these.")


def test_a_template_with_few_closed_sales_takes_no_part_among_those_with_many() -> None:
    some = [of_sales("a", 10, 100), of_sales("b", 60, 100), of_sales("c", 3, 3)]

    advice = recommend(some, None, "won")

    assert recommended(advice) == "b"
    assert advice["c"].because == "Not enough data yet: 3 of its sales were closed, and it takes 30."


def test_replies_decide_among_templates_that_win_as_often() -> None:
    assert recommended(recommend([of_sales("a", 50, 100, replied=90), of_sales("b", 50, 100)], None, "won")) == "a"


def test_opens_decide_first_where_the_organization_says_so() -> None:
    some = [template("a", 300, 90, 120), template("b", 300, 15, 250)]
    assert (recommended(recommend(some, None, "opens")), recommended(recommend(some, None, "replies"))) == ("b", "a")


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


def test_one_time_in_ten_a_new_template_is_tried() -> None:
    some = [template("old", 300, 36), template("other", 300, 15), template("new", 3), template("newer", 0)]

    advice = [recommend(some, Random(seed)) for seed in range(1000)]
    found = [recommended(each) for each in advice]

    assert {name: found.count(name) > 0 for name in ("old", "new", "newer", "other")} == {
        "old": True,
        "new": True,
        "newer": True,
        "other": False,
    }
    tried = [each for each, name in zip(advice, found, strict=True) if name in ("new", "newer")]
    assert len(tried) == pytest.approx(EXPLORED * 1000, rel=0.3)
    assert tried[0][recommended(tried[0]) or ""].because == "Not sent often enough to know; try it."
    assert tried[0]["old"].because.endswith("But one time in ten a template is recommended to learn about it.")


def test_a_new_template_that_has_failed_so_far_is_tried_less() -> None:
    some = [template("old", 3000, 360), template("other", 3000, 300), template("fresh", 0), template("failed", 29)]

    found = [recommended(recommend(some, Random(seed))) for seed in range(3000)]

    assert found.count("fresh") > 3 * found.count("failed") > 0


def test_the_same_chance_gives_the_same_advice() -> None:
    some = [template("old", 300, 36), template("other", 300, 15), template("new", 3), template("newer", 0)]

    for seed in range(50):
        assert recommend(some, Random(seed)) == recommend(some[::-1], Random(seed))


@pytest.mark.parametrize(
    ("one", "other"), [((5, 60), (3, 60)), ((36, 300), (15, 300)), ((30, 1), (20, 4)), ((2, 40), (30, 300))]
)
def test_the_probability_agrees_with_drawing(one: tuple[float, float], other: tuple[float, float]) -> None:
    chance, draws = Random(1), 20_000

    drawn = sum(chance.betavariate(*one) > chance.betavariate(*other) for _ in range(draws)) / draws

    assert probability_of_more(one, other) == pytest.approx(drawn, abs=0.03)
    assert probability_of_more(one, other) + probability_of_more(other, one) == pytest.approx(1)


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
