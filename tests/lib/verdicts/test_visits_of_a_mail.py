"""Pairs of clicks, the quoted mail, and what is to be remembered of a mail's sources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lib.messages.feedback import Was
from lib.tracking.facts import SESSION, Fact
from lib.verdicts import Sending, judge
from lib.verdicts.judge import judge_and_remember
from lib.verdicts.memory import Memory, SourceKey, Visit
from tests.lib.verdicts.test_memory_rules import ELSEWHERE, HERE, SENDER, World, by, visit
from tests.lib.verdicts.test_rules import CATALOGUES, HOME, HOUR, IPHONE, MINUTE, OFFICE, SECOND, SENT, click, fact

PAIR = {
    "clicked-where-read",
    "click-repeated-near",
    "click-repeated-late",
    "followed-again-from-elsewhere",
}


def clicks(first: Fact, second: Fact, *others: Fact, memory: Memory | None = None) -> list[set[str]]:
    """Codes of two clicks on one link."""
    sending = Sending(sent_at=SENT, links=1, memory=memory or Memory())
    verdicts = judge([first, second, *others], sending, CATALOGUES)
    return [{reason.code for reason in verdicts[each.key].reasons} for each in (first, second)]


def test_of_two_clicks_the_one_at_the_recipients_known_place_is_the_persons() -> None:
    here, there = click(HOUR, agent=IPHONE), click(HOUR + 20 * SECOND, network=OFFICE)
    recalled = World([visit(sure="person"), visit("m2", ELSEWHERE)]).recalled(HERE, ELSEWHERE)
    memory = replace(recalled, keys={here.key: HERE, there.key: ELSEWHERE})

    assert [codes & PAIR for codes in clicks(here, there)] == [set(), set()]
    assert [codes & PAIR for codes in clicks(here, there, memory=memory)] == [
        {"clicked-where-read"},
        {"click-repeated-near"},
    ]


def test_of_two_clicks_the_one_where_a_mail_program_read_the_mail_is_the_persons() -> None:
    read = fact(40 * MINUTE, agent="Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)")
    here, near = click(HOUR, agent=IPHONE), click(HOUR + 20 * SECOND, network=OFFICE)
    late, too_late = replace(near, at=here.at + 3 * MINUTE), replace(near, at=here.at + 5 * MINUTE)

    assert [codes & PAIR for codes in clicks(here, near, read)] == [{"clicked-where-read"}, {"click-repeated-near"}]
    assert [codes & PAIR for codes in clicks(here, late, read)] == [{"clicked-where-read"}, {"click-repeated-late"}]
    assert [codes & PAIR for codes in clicks(here, too_late, read)] == [set(), set()]


def test_two_clicks_at_one_place_or_by_two_recipients_are_no_pair() -> None:
    read = fact(40 * MINUTE, agent="Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)")
    here = click(HOUR, agent=IPHONE)

    for other in (click(HOUR + 20 * SECOND), click(HOUR + 20 * SECOND, network=OFFICE, recipient=1)):
        assert [codes & PAIR for codes in clicks(here, other, read)] == [set(), set()]


def test_two_clicks_minutes_apart_where_the_mail_was_not_read_say_that_the_first_was_no_check() -> None:
    here, there = click(HOUR), click(HOUR + 2 * MINUTE, network=OFFICE)

    assert [codes & PAIR for codes in clicks(here, there)] == [{"followed-again-from-elsewhere"}, set()]


def answer(after: int, kind: Any = "reply", recipient: int | None = 0) -> Fact:
    return fact(after, kind, method="MAIL", recipient=recipient, mail="a" * 32)


@pytest.mark.parametrize(
    ("hit", "reply", "is_found"),
    [
        (fact(3 * HOUR, network=OFFICE), answer(2 * HOUR), True),
        (fact(3 * HOUR), answer(2 * HOUR), False),
        (fact(90 * MINUTE, network=OFFICE), answer(2 * HOUR), False),
        (fact(3 * HOUR, network=OFFICE), answer(2 * HOUR, "auto_reply"), False),
        (fact(3 * HOUR, network=OFFICE), answer(2 * HOUR, recipient=None), False),
        (fact(3 * HOUR, network=OFFICE, recipient=1), answer(2 * HOUR), False),
        (click(3 * HOUR, network=OFFICE), answer(2 * HOUR), False),
    ],
    ids=["after it", "where it was read", "before it", "an auto-reply", "by no recipient", "another's", "a click"],
)
def test_an_open_elsewhere_after_the_answer_is_the_senders(hit: Fact, reply: Fact, is_found: bool) -> None:
    read = fact(HOUR)

    verdict = judge([read, hit, reply], Sending(sent_at=SENT, links=1), CATALOGUES)[hit.key]

    assert ("after-the-answer" in {reason.code for reason in verdict.reasons}) == is_found


def visits_of(*facts: Fact, memory: Memory | None = None, **sending: Any) -> dict[SourceKey, Visit]:
    """Visits at a mail, whose hits from home are by the source `HERE` and all others by `ELSEWHERE`."""
    keys = {each.key: HERE if each.network == HOME else ELSEWHERE for each in facts if each.is_hit}
    there = replace(memory or Memory(sender=SENDER), keys=keys)
    judged = judge_and_remember(facts, Sending(sent_at=SENT, links=4, memory=there, **sending), CATALOGUES)
    return {each.key: each for each in judged.visits}


def test_a_visit_tells_what_a_source_did_with_a_mail() -> None:
    found = visits_of(
        fact(HOUR), click(2 * HOUR, 1), click(3 * HOUR, 1), click(4 * HOUR, 2), fact(HOUR, network=OFFICE)
    )

    here = found[HERE]
    assert (here.first, here.since, here.opens, here.targets, here.links) == (SENT + HOUR, HOUR, 1, 2, 4)
    assert (here.message, here.sender, set(found)) == ("0" * 32, SENDER, {HERE, ELSEWHERE})


def test_who_answers_after_a_look_was_surely_a_person() -> None:
    assert visits_of(fact(HOUR), answer(2 * HOUR))[HERE].sure == "person"
    assert visits_of(fact(HOUR))[HERE].sure == ""


def test_who_calls_itself_a_robot_was_surely_a_machine_and_so_is_all_that_it_did() -> None:
    robot = fact(HOUR, agent="Googlebot/2.1 (+http://www.google.com/bot.html)")

    assert visits_of(robot, fact(2 * HOUR), answer(3 * HOUR))[HERE].sure == "machine"


def test_who_opens_elsewhere_after_the_answer_was_the_senders_side() -> None:
    assert visits_of(fact(HOUR), answer(2 * HOUR), fact(3 * HOUR, network=OFFICE))[ELSEWHERE].sure == "own"


def test_a_look_from_the_senders_own_network_leaves_no_visit_but_a_colleagues_own_mail_does() -> None:
    """It would make the office a scanner's place, for colleagues who get mail there."""
    assert set(visits_of(fact(HOUR), fact(HOUR, network=OFFICE), own_networks=(HOME,))) == {ELSEWHERE}
    assert set(visits_of(fact(HOUR), own_networks=(HOME,), colleagues=frozenset((0,)))) == {HERE}


def test_a_device_that_is_signed_in_here_is_the_senders_side() -> None:
    signed_in = fact(HOUR, headers={SESSION: "1"})

    assert visits_of(signed_in, fact(2 * HOUR))[HERE].sure == "own"


@pytest.mark.parametrize("was", ["machine", "me"])
def test_a_users_word_alone_makes_no_source_certain(was: Was) -> None:
    look = fact(HOUR)

    found = visits_of(look, feedback={look.key: was})[HERE]

    assert (found.sure, found.odds < -4) == ("", True)


def test_a_users_word_makes_a_reader_doubtful_and_hides_no_machine() -> None:
    look, robot = fact(HOUR), fact(HOUR, method="HEAD")

    assert visits_of(look, answer(2 * HOUR), feedback={look.key: "machine"})[HERE].sure == ""
    assert visits_of(robot, feedback={robot.key: "person"})[HERE].sure == "machine"


@pytest.mark.parametrize(
    "memory",
    [
        World([visit("m1", sure="person"), visit("m2", sure="person"), visit("m3", ELSEWHERE)]),
        World([visit(f"m{n}", by(f"p{n}", f"c{n}"), "machine", odds=-9) for n in range(5)]),
    ],
    ids=["a known place", "a source of machines"],
)
def test_a_visit_is_the_same_whatever_is_remembered(memory: World) -> None:
    facts = fact(HOUR), click(HOUR + MINUTE), click(HOUR + MINUTE + 20 * SECOND, network=OFFICE)

    recalled = replace(memory.recalled(HERE, ELSEWHERE), sender=SENDER)

    assert visits_of(*facts, memory=recalled) == visits_of(*facts)


def test_a_visit_is_the_same_whatever_the_organizations_experience_is() -> None:
    hits = fact(30 * SECOND), click(40 * SECOND)

    assert visits_of(*hits, prior_shift={"open": -0.7, "click": 0.7}) == visits_of(*hits)
