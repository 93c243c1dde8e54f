"""Messages of the queue `interactions`."""

import json
from typing import Any

import pytest
from hypothesis import given

from lib.tracking.facts import Fact, NotAFact
from lib.tracking.queue_messages import Interactions, read_interactions
from tests.support.any_json import ANY_JSON

MESSAGE = "0123456789abcdef" * 2

SOUND = json.loads(Fact(f"{1:013d}-0123456789ab", MESSAGE, "open", 1, "GET", 0, 0, "a", "192.0.2.0/24").to_json())
COMMIT = "2026050409-1777887000000a1b2c3d4e5f6"
INTERACTIONS = {"v": 1, "org": "acme", "commits": [COMMIT], "facts": [SOUND], "messages": [MESSAGE]}


def test_a_queue_message_names_its_organization_and_commits_and_holds_facts() -> None:
    assert read_interactions(INTERACTIONS) == Interactions("acme", [Fact.from_object(SOUND)], [MESSAGE], [COMMIT])


def test_a_queue_message_needs_neither_commits_nor_messages() -> None:
    assert read_interactions({"v": 1, "org": "acme", "facts": []}) == Interactions("acme", [], [], [])


@given(ANY_JSON)
def test_no_other_json_is_a_queue_message(payload: Any) -> None:
    with pytest.raises(NotAFact):
        read_interactions(payload)


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": 2}, {"facts": {}}, {"facts": [{}]}, {"facts": [None]}, {"org": "../acme"}, {"org": None}, {"org": "Acme"},
        {"commits": ["seen"]}, {"commits": [COMMIT + "\n"]}, {"commits": [1]}, {"commits": COMMIT},
        {"messages": ["x"]}, {"messages": MESSAGE},
    ],
    ids=repr,
)  # fmt: skip
def test_a_queue_message_with_a_wrong_field_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotAFact):
        read_interactions({**INTERACTIONS, **wrong})
