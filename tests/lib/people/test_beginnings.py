"""Records are found by how a word of their name, or an address, begins."""

from __future__ import annotations

import pytest

from lib.people.beginnings import begins_so, read_words
from lib.people.records import StoredRecord

ANNA = StoredRecord(
    type="contact", id="c1", name="Müller-Lüdenscheidt, Anna", company="Acme (Linz)", emails=["Anna.M@acme.example"]
)


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("ann", True),
        ("MULLER", True),
        ("Lüd, an", True),
        ("müller-lü", True),
        ("linz", True),
        ("anna.m@ac", True),
        ("nna", False),  # the end of a word is no beginning
        ("acme.example", False),
        ("anna bob", False),
        ("   ", True),  # nothing is asked
    ],
)
def test_each_word_begins_a_word(typed: str, is_found: bool) -> None:
    assert begins_so(ANNA, read_words(typed)) is is_found
