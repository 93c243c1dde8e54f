"""Certain cases: what is known for sure, beside what was said before; the same in whatever order facts come."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.tracking.facts import Fact
from lib.verdicts import Sending, judge
from lib.verdicts.certainty import find_case
from lib.verdicts.tallies import Tallies, tally
from tests.lib.verdicts.test_judge import FACTS, SENDINGS
from tests.lib.verdicts.test_rules import CATALOGUES, HOUR, MINUTE, SECOND, SENDING, SENT, click, fact
from tests.support.heed import GMAIL

ANSWER = Fact(
    f"{SENT + 2 * HOUR:013d}-{'a' * 32}", "0" * 32, "reply", SENT + 2 * HOUR, "MAIL", recipient=0, mail="a" * 32
)


def tallied(*facts: Fact, sending: Sending = SENDING) -> Tallies:
    return tally(facts, judge(facts, sending, CATALOGUES))


def test_the_look_before_an_answer_is_a_persons_and_the_answer_is_no_part_of_what_was_said() -> None:
    look = fact(HOUR)
    before = judge([look], SENDING, CATALOGUES)[look.key].probability

    [found] = tallied(look, ANSWER).cases[0].items()

    assert (found[0], found[1].evidence) == ("open_person", "reply")
    assert found[1].said == round(1000 * before)


def test_who_follows_a_hidden_link_is_a_machine_and_the_link_is_no_part_of_what_was_said() -> None:
    seen, hidden = click(HOUR, 1), click(HOUR + SECOND, 4)
    sending = replace(SENDING, honeypots=frozenset({4}))

    [(slot, case)] = tallied(seen, hidden, sending=sending).cases[0].items()

    assert (slot, case.evidence, case.key) == ("click_machine", "hidden_link", seen.key)
    assert case.said > 500


def test_a_declared_robot_and_a_listed_scanner_are_machines() -> None:
    robot = fact(HOUR, agent="Googlebot/2.1 (+http://www.google.com/bot.html)", recipient=0)
    scanner = click(HOUR, owner="microsoft-365-protection", recipient=1)

    cases = tallied(robot, scanner).cases

    assert cases[0]["open_machine"].evidence == cases[1]["click_machine"].evidence == "declared"


def test_a_users_word_makes_a_case_where_nothing_else_is_known() -> None:
    look = fact(HOUR)
    word = replace(SENDING, feedback={look.key: "person"})

    assert tallied(look, sending=word).cases[0]["open_person"].evidence == "feedback"
    assert tallied(look, ANSWER, sending=word).cases[0]["open_person"].evidence == "reply"


def test_what_speaks_both_ways_is_certain_of_nothing() -> None:
    look = fact(HOUR, agent=GMAIL)

    assert tallied(look, ANSWER, sending=replace(SENDING, feedback={look.key: "machine"})).cases == {}


def test_a_hit_without_a_recipient_is_no_case_so_that_nothing_is_counted_where_nobody_is_named() -> None:
    robot = fact(HOUR, agent="Googlebot/2.1 (+http://www.google.com/bot.html)", recipient=None)

    assert tallied(robot).cases == {}


def test_a_thousand_hits_of_one_scanner_are_one_case() -> None:
    hits = [click(HOUR + place * SECOND, place % 4, owner="microsoft-365-protection") for place in range(1_000)]

    [(slot, case)] = tallied(*hits).cases[0].items()

    assert (slot, case.key) == ("click_machine", hits[0].key)


def test_the_experience_of_the_organization_is_no_part_of_what_was_said() -> None:
    look = fact(HOUR)

    plain = tallied(look, ANSWER)
    shifted = tallied(look, ANSWER, sending=replace(SENDING, prior_shift={"open": -0.7}))

    assert plain.cases == shifted.cases


def test_of_an_image_that_belongs_to_an_open_no_case_is_made() -> None:
    look, image = fact(HOUR), fact(HOUR + SECOND, item=0x8000)
    verdicts = judge([look, image], replace(SENDING, feedback={look.key: "person"}), CATALOGUES)

    assert find_case(image, verdicts[image.key]) is None
    assert find_case(look, verdicts[look.key]) is not None


@settings(max_examples=100, deadline=None)
@given(FACTS, SENDINGS, st.randoms(use_true_random=False), st.integers(0, 30))
def test_order_repetition_and_parts_change_no_case(
    facts: list[Fact], sending: Sending, chance: random.Random, cut: int
) -> None:
    facts = [replace(each, recipient=each.recipient or 0) for each in facts]
    verdicts = judge(facts, sending, CATALOGUES)
    whole = tally(facts, verdicts).cases
    shuffled = list(facts)
    chance.shuffle(shuffled)

    assert tally([*shuffled, *facts], verdicts).cases == whole
    assert (tally(shuffled[:cut], verdicts) + tally(shuffled[cut:], verdicts)).cases == whole
    assert (tally(shuffled[cut:], verdicts) + tally(facts, verdicts)).cases == whole


def test_cases_of_a_recipient_who_is_forgotten_go() -> None:
    found = tallied(
        fact(HOUR, owner="microsoft-365-protection", recipient=0),
        fact(HOUR + MINUTE, owner="microsoft-365-protection", recipient=1),
    )

    assert found.recipients == {0, 1}
    assert found.without_recipients({0}).cases.keys() == {1}
    assert Tallies.model_validate_json(found.model_dump_json()) == found
