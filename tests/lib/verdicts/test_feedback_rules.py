"""The word of users is evidence: it turns what is open to doubt, and nothing that no person does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lib.messages.feedback import Was
from lib.tracking.facts import SESSION, Fact, HitKind
from lib.verdicts import Verdict, judge
from lib.verdicts.kpis import count
from tests.lib.verdicts.test_rules import CATALOGUES, HOUR, SECOND, SENDING, click, fact


def told(was: Was, *facts: Fact, **fields: Any) -> Verdict:
    """The verdict on the first of the facts, of which a user says this."""
    sending = replace(SENDING, feedback={facts[0].key: was}, **fields)
    return judge(facts, sending, CATALOGUES)[facts[0].key]


@pytest.mark.parametrize("kind", ["open", "click"])
def test_a_doubtful_hit_becomes_a_persons_when_a_user_says_so(kind: HitKind) -> None:
    soon = fact(8 * SECOND, kind, owner="microsoft-cloud")
    assert judge([soon], SENDING, CATALOGUES)[soon.key].kind != "human"

    verdict = told("person", soon)

    assert (verdict.kind, verdict.reasons[0].code) == ("human", "user-said-person")


@pytest.mark.parametrize("kind", ["open", "click"])
def test_a_persons_hit_is_no_persons_when_a_user_says_so(kind: HitKind) -> None:
    late = fact(HOUR, kind)
    assert judge([late], SENDING, CATALOGUES)[late.key].kind == "human"

    verdict = told("machine", late)

    assert verdict.kind != "human"
    assert verdict.reasons[0].text == "A user of your organization said that it was a machine."


def test_the_word_me_makes_an_open_the_own_sides() -> None:
    late = fact(HOUR)

    verdict = told("me", late)

    kpis = count([late], {late.key: verdict})
    assert (verdict.kind, kpis.opens, kpis.own.opens) == ("machine", 0, 1)


@pytest.mark.parametrize(
    ("hit", "fields"),
    [
        (click(HOUR, method="HEAD"), {}),
        (fact(HOUR, method="HEAD"), {}),
        (fact(HOUR, headers={"accept-language": "en", SESSION: "1"}), {}),
        (click(HOUR), {"own_networks": ("81.2.69.0/24",)}),
        (click(HOUR, agent="Googlebot/2.1 (+http://www.google.com/bot.html)"), {}),
    ],
    ids=["a HEAD request", "an open by HEAD", "a session", "the own network", "a declared robot"],
)
def test_what_no_recipient_does_is_none_whatever_a_user_says(hit: Fact, fields: Any) -> None:
    verdict = told("person", hit, **fields)

    assert verdict.kind == "machine"
    [word] = [reason for reason in verdict.reasons if reason.code == "user-said-person"]
    assert word.weight == 0
    assert "outweighs" in word.text


def test_a_hidden_link_outweighs_a_users_word() -> None:
    hidden, seen = click(HOUR, 4), click(HOUR + SECOND, 1)

    assert told("person", hidden, seen, honeypots=frozenset({4})).kind == "machine"
    assert told("person", seen, hidden, honeypots=frozenset({4})).kind == "machine"


@pytest.mark.parametrize(("shift", "word"), [(-0.7, "less often"), (0.7, "more often")])
def test_the_organizations_experience_is_a_reason_of_its_own(shift: float, word: str) -> None:
    late = fact(HOUR)
    before = judge([late], SENDING, CATALOGUES)[late.key]

    verdict = judge([late], replace(SENDING, prior_shift={"open": shift}), CATALOGUES)[late.key]

    [reason] = [each for each in verdict.reasons if each.code == "organization-s-experience"]
    assert reason.weight == shift
    assert word in reason.text
    assert (verdict.probability > before.probability) == (shift > 0)


def test_the_experience_with_opens_says_nothing_of_clicks() -> None:
    late = click(HOUR)
    sending = replace(SENDING, prior_shift={"open": -0.7})

    assert judge([late], sending, CATALOGUES) == judge([late], SENDING, CATALOGUES)
