"""Subjects sort as a reader expects, by keys that hold nothing as it was typed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.storage.collation import COLLATED_BYTES, ascending, collation_key, descending

IN_ORDER = ["", "a", "A b", "Äb", "ábc", "ABD", "b", "Straße", "strassen", "z", "ø", "Ωμέγα", "я", "中文", "😀"]


def test_case_and_accents_make_no_difference() -> None:
    assert collation_key("  ÉLAN\u00a0 Vital ") == collation_key("e\u0301lan vital")
    assert collation_key("STRASSE") == collation_key("straße")
    assert collation_key("ﬁne") == collation_key("fine")


def test_texts_sort_as_they_are_read() -> None:
    assert sorted(set(IN_ORDER), key=lambda text: ascending(collation_key(text))) == IN_ORDER


@given(st.lists(st.text(max_size=30)))
def test_down_is_up_turned_round(texts: list[str]) -> None:
    keys = {collation_key(text) for text in texts}

    assert sorted(keys, key=descending) == sorted(keys, key=ascending, reverse=True)


@given(st.text(), st.text(max_size=3))
def test_a_text_stands_before_a_longer_one_that_begins_with_it_and_after_it_downwards(text: str, more: str) -> None:
    short, long = sorted([collation_key(text), collation_key(text + more)], key=len)

    if long.startswith(short) and long != short:
        assert ascending(short) < ascending(long)
        assert descending(short) > descending(long)


@given(st.text())
def test_keys_are_short_and_safe_whatever_was_typed(text: str) -> None:
    for key in (ascending(collation_key(text)), descending(collation_key(text))):
        assert re.fullmatch(r"[0-9a-f]*[!~]", key)
        assert len(key) <= 2 * COLLATED_BYTES + 1


@pytest.mark.parametrize("text", ["/\\#?%'", "\ud800", "a" * 998])
def test_nothing_that_was_typed_is_too_odd(text: str) -> None:
    assert collation_key(text)
