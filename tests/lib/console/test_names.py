"""Names in few words, and ids made of names."""

from __future__ import annotations

import pytest

from lib.console.names import id_of_name, reader_among
from lib.ids import CHOSEN


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("First contact", "first-contact"),
        ("  Offer, 2nd try  ", "offer-2nd-try"),
        ("Preisliste März", "preisliste-marz"),
        ("Café Ängström", "cafe-angstrom"),
    ],
)
def test_a_name_becomes_a_readable_id(name: str, made: str) -> None:
    assert id_of_name(name, "template") == made


def test_names_that_no_id_can_hold_get_ids_of_their_own() -> None:
    names = [
        "Первый контакт",
        "Второй контакт",
        "最初の連絡",
        "عرض",
        "😀",
        "C++",
        "C#",
        "C",
        "!!!",
        "Offer Первый",
        "Offer Второй",
        "",
    ]
    names += ["a" * 80, "a" * 81, "Angebot €", "Angebot $"]

    made = [id_of_name(name, "template") for name in names]

    assert len(set(made)) == len(names), made
    assert all(CHOSEN.fullmatch(each) and len(each) <= 60 for each in made), made
    assert made[0].startswith("template-")


def test_a_name_gives_the_same_id_however_it_is_encoded() -> None:
    assert id_of_name("Ünlü ☕", "rule") == id_of_name("U\u0308nlu\u0308 ☕", "rule")


def test_of_several_recipients_none_is_named_as_the_reader() -> None:
    assert reader_among(["Ada"], 3) == "Ada"
    assert reader_among(["Ada", "Bob"], 1) == "One of 2 recipients"
    assert reader_among(["Ada", "Bob", "Eve"], 2) == "At least one of 3 recipients"
    assert reader_among([], 1) == "Somebody"
