"""The judge as a whole: pure, and never without a reason that a salesperson understands."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.catalogues.registry import load_catalogues
from lib.tracking.facts import Fact
from lib.verdicts import RULES_VERSION, Sending, judge
from lib.verdicts.weights import WEIGHTS
from tests.support.heed import CHROME

CATALOGUES = load_catalogues()
SENT = 1_790_000_000_000

AGENTS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            CHROME,
            "Mozilla/5.0",
            "curl/8.5.0",
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.19231; Pro)",
        ]
    ),
    st.text(max_size=300),
)
FACTS = st.lists(
    st.builds(
        lambda at, chance, **fields: Fact(key=f"{at:013d}-{chance:012x}", message="0" * 32, at=at, **fields),
        at=st.integers(SENT - 60_000, SENT + 90_000_000),
        chance=st.integers(0, 16**12 - 1),
        kind=st.sampled_from(["open", "click"]),
        method=st.sampled_from(["GET", "GET", "HEAD"]),
        recipient=st.one_of(st.none(), st.integers(0, 2)),
        item=st.integers(0, 4),
        agent=AGENTS,
        network=st.sampled_from([None, "81.2.69.0/24", "40.92.0.0/24", "2001:db8:1::/48"]),
        owner=st.sampled_from([None, "microsoft-365-protection", "proofpoint", "apple-relay", "nobody-knows"]),
        headers=st.dictionaries(
            st.sampled_from(["sec-purpose", "accept-language", "heed-session"]), st.text(max_size=20)
        ),
    ),
    max_size=25,
    unique_by=lambda fact: fact.key,
)
SENDINGS = st.builds(
    Sending,
    sent_at=st.one_of(st.none(), st.just(SENT)),
    links=st.integers(0, 5),
    honeypots=st.sampled_from([frozenset(), frozenset({4})]),
    gateways=st.sampled_from([(), ("proofpoint", None, "google-workspace"), ("gone",)]),
    own_networks=st.sampled_from([(), ("81.2.69.0/24",)]),
    colleagues=st.sampled_from([frozenset(), frozenset({0})]),
)


@settings(max_examples=150, deadline=None)
@given(FACTS, SENDINGS, st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_changes_nothing(
    facts: list[Fact], sending: Sending, chance: random.Random
) -> None:
    shuffled = [*facts, *facts]
    chance.shuffle(shuffled)

    assert judge({fact.key: fact for fact in shuffled}.values(), sending, CATALOGUES) == judge(
        facts, sending, CATALOGUES
    )


@settings(max_examples=150, deadline=None)
@given(FACTS, SENDINGS)
def test_every_verdict_is_explained_and_within_bounds(facts: list[Fact], sending: Sending) -> None:
    verdicts = judge(facts, sending, CATALOGUES)

    assert verdicts.keys() == {fact.key for fact in facts}
    for verdict in verdicts.values():
        assert 0 <= verdict.confidence <= 1
        assert 0 <= verdict.probability <= 1
        assert verdict.rules == RULES_VERSION
        assert verdict.reasons
        for reason in verdict.reasons:
            assert reason.text.endswith(".")
            assert reason.text[0].isupper()
            assert len(reason.text) < 150
            assert "-" not in reason.code.replace("-", "", 6)
        # What a person is told first is what counted most.
        speaking = [reason for reason in verdict.reasons if reason.code in WEIGHTS]
        assert speaking == sorted(speaking, key=lambda each: (-abs(each.weight), each.code))


@settings(max_examples=50, deadline=None)
@given(FACTS, SENDINGS)
def test_facts_of_another_copy_do_not_make_a_person_a_machine(facts: list[Fact], sending: Sending) -> None:
    """One recipient's scanner says nothing about another recipient at another place."""
    person = Fact(
        f"{SENT + 80_000_000:013d}-{'f' * 12}", "0" * 32, "click", SENT + 80_000_000, "GET", 9,
        agent=CHROME, network="84.20.30.0/24", headers={"accept-language": "de"},
    )  # fmt: skip
    others = [replace(fact, recipient=1) for fact in facts]

    verdicts = judge([*others, person], sending, CATALOGUES)

    assert verdicts[person.key].kind == "human"


@pytest.mark.parametrize("code", sorted(WEIGHTS))
def test_every_weight_has_a_source(code: str) -> None:
    assert WEIGHTS[code].source
