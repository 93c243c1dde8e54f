"""Facts as JSON: what is written comes back, and nothing else is a fact."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.tracking.facts import Fact, NotAFact
from tests.support.any_json import ANY_JSON

MESSAGE = "0123456789abcdef" * 2


SOUND = json.loads(Fact(f"{1:013d}-0123456789ab", MESSAGE, "open", 1, "GET", 0, 0, "a", "192.0.2.0/24").to_json())


@given(ANY_JSON)
@example({"v": 1})
@example({"v": 1, "self": 1})
def test_no_other_json_is_a_fact(raw: Any) -> None:
    with pytest.raises(NotAFact):
        Fact.from_object(raw)


@given(st.sampled_from(sorted(SOUND)), ANY_JSON)
def test_a_fact_with_a_field_of_any_other_kind_is_refused_or_can_be_written_and_read(name: str, value: Any) -> None:
    try:
        fact = Fact.from_object({**SOUND, name: value})
    except NotAFact:
        return
    assert Fact.from_json(fact.to_json().encode().decode()) == fact


@pytest.mark.parametrize("name", sorted({"v", "key", "message", "kind", "at", "method"}))
def test_a_fact_without_what_it_needs_is_refused(name: str) -> None:
    with pytest.raises(NotAFact):
        Fact.from_object({other: value for other, value in SOUND.items() if other != name})


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": 2}, {"more": 1}, {"key": "1-2"}, {"key": SOUND["key"] + "\n"}, {"message": "../../other"},
        {"kind": "bought"}, {"at": 1.5}, {"at": True}, {"at": -1}, {"at": 10**13}, {"recipient": "0"}, {"item": None},
        {"agent": ["a"]}, {"agent": "\ud800"}, {"headers": {"dnt": 1}}, {"headers": []}, {"headers": {"\udc00": ""}},
    ],
    ids=repr,
)  # fmt: skip
def test_a_fact_with_a_wrong_field_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotAFact):
        Fact.from_object({**SOUND, **wrong})


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "NaN", "[" * 100_000, '{"v":' * 100_000, "9" * 10_000])
def test_a_text_that_is_no_fact_is_refused(text: str) -> None:
    with pytest.raises(NotAFact):
        Fact.from_json(text)


def test_a_facts_json_has_no_room_for_line_breaks() -> None:
    assert not re.search(r"[\r\n]", Fact.from_object({**SOUND, "agent": "a\r\nb"}).to_json())


def test_a_long_key_is_stored_so_that_release_0_1_0_can_read_the_fact() -> None:
    key = f"{1:013d}-{'0123456789abcdef' * 2}"
    fact = Fact(key, MESSAGE, "open", 1, "GET", headers={"accept-language": "en"})
    stored = json.loads(fact.to_json())
    assert re.fullmatch(r"[0-9]{13}-[0-9a-f]{12}", stored["key"])
    assert stored["headers"].keys() == {"accept-language", "heed-key"}
    assert Fact.from_object(stored) == fact
