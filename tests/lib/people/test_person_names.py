"""Names of people: turned round where they are written "Last, First", and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.people.person_names import read_person_name


@pytest.mark.parametrize(
    ("written", "full", "first", "last"),
    [
        ("Lovelace, Ada", "Ada Lovelace", "Ada", "Lovelace"),
        ("Lovelace,Ada", "Ada Lovelace", "Ada", "Lovelace"),
        (" LOVELACE ,  ADA ", "ADA LOVELACE", "ADA", "LOVELACE"),
        ("lovelace, ada", "ada lovelace", "ada", "lovelace"),
        ('"Hopper, Grace"', "Grace Hopper", "Grace", "Hopper"),
        ("Hopper, Grace (EXT)", "Grace Hopper (EXT)", "Grace", "Hopper"),
        ("Miller, Jr., Bob", "Bob Miller, Jr.", "Bob", "Miller"),
        ("Miller, Bob, Jr.", "Bob Miller, Jr.", "Bob", "Miller"),
        ("Miller Jr., Bob", "Bob Miller, Jr.", "Bob", "Miller"),
        ("Huber, Eva, MBA", "Eva Huber, MBA", "Eva", "Huber"),
        ("Mag. Huber, Eva", "Mag. Eva Huber", "Eva", "Huber"),
        ("Huber, Ing. Eva", "Ing. Eva Huber", "Eva", "Huber"),
        ("Huber, Eva, MSc", "Eva Huber, MSc", "Eva", "Huber"),
        ("Smith, JoAnn", "JoAnn Smith", "JoAnn", "Smith"),
        ("Huber, Dr. Eva Maria", "Dr. Eva Maria Huber", "Eva", "Huber"),
        ("van der Berg, Jan", "Jan van der Berg", "Jan", "van der Berg"),
        ("Berg, Jan van der", "Jan van der Berg", "Jan", "van der Berg"),
        ("O'Brien, Conan", "Conan O'Brien", "Conan", "O'Brien"),
        ("d’Arc, Jeanne", "Jeanne d’Arc", "Jeanne", "d’Arc"),
        ("Ortega y Gasset, José", "José Ortega y Gasset", "José", "Ortega y Gasset"),
        ("Smith, J. R.", "J. R. Smith", "J. R.", "Smith"),
        ("Ma, Jack", "Jack Ma", "Jack", "Ma"),
        ("Иванов, Иван", "Иван Иванов", "Иван", "Иванов"),
        ("山田, 太郎", "山田 太郎", "太郎", "山田"),
        ("山田，太郎", "山田 太郎", "太郎", "山田"),
    ],
)
def test_a_name_written_with_the_last_name_in_front_is_turned_round(
    written: str, full: str, first: str, last: str
) -> None:
    name = read_person_name(written)
    assert (name.full, name.first, name.last) == (full, first, last)


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("Ada", "Ada", ""),
        ("Dr. Lovelace", "", "Lovelace"),
        ("Ada Lovelace, PhD", "Ada", "Lovelace"),
        ("Martin Luther King, Jr.", "Martin", "King"),
        ("Smith, Jr.", "", "Smith"),
        ("Mag. Eva Huber, MSc", "Eva", "Huber"),
        ("Eva Huber, MSc MBA", "Eva", "Huber"),
        ("Eva Huber, CEO", "Eva", "Huber"),
        ("Eva Huber BSc", "Eva", "Huber"),
        ("Ing. Jan Novák, CSc.", "Jan", "Novák"),
        ("MUDr. Jan Novák", "Jan", "Novák"),
        ("mgr inż. Jan Kowalski", "Jan", "Kowalski"),
        ("Dott.ssa Anna Rossi", "Anna", "Rossi"),
        ("Dr.in Anna Huber", "Anna", "Huber"),
        ("DI Hans Huber", "Hans", "Huber"),
        ("Monsieur Jean Dupont", "Jean", "Dupont"),
        ("J.-P. Sartre", "J.-P.", "Sartre"),
        ("EVA HUBER", "EVA", "HUBER"),
        ("Eva HUBER", "Eva", "HUBER"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("van Beethoven", "", "van Beethoven"),
        ("Juan de la Cruz", "Juan", "de la Cruz"),
        ("山田 太郎", "太郎", "山田"),
        ("山田太郎", "", ""),
        ("", "", ""),
        (",", "", ""),
    ],
)
def test_a_name_in_order_stays_as_it_is(written: str, first: str, last: str) -> None:
    name = read_person_name(written)
    assert (name.full, name.first, name.last) == (written, first, last)


@pytest.mark.parametrize(
    "written",
    [
        "Acme, Inc.",
        "Acme Inc., Sales",
        "Landesamt fuer X, Abteilung Y",
        "Landesamt Umwelt, Abteilung Wasser",
        "Landesamt fuer Beispielwesen, Abteilung fuer Grundsatzfragen und Oeffentlichkeitsarbeit",
        "Müller GmbH, Berlin",
        "Meier, Vertrieb",
        "Smith, Brown & Co",
        "Smith, Brown and Partners",
        "Smith, Jones, Brown",
        "Lager 4, Halle 2",
        "ada@example.com",
    ],
)
def test_a_name_that_is_no_persons_stays_as_it_is_and_has_no_first_name(written: str) -> None:
    name = read_person_name(written)
    assert (name.full, name.first) == (written, "")


@pytest.mark.parametrize(
    "written",
    ["HUBER Eva", "Huber, EVA", "Eva Huber, CISA", "Huber Eva, Dr.", "Müller, Chr.", "Chr. Müller", "AJ van der Berg"],
)
def test_a_word_that_may_be_no_first_name_is_not_greeted(written: str) -> None:
    name = read_person_name(written)
    assert (name.full, name.first) == (written, "")


capitalized = st.from_regex(r"[A-ZÄÖÜÉŁ][a-zäöüéł]{2,8}(-[A-Z][a-z]{2,6})?", fullmatch=True)


@given(capitalized, capitalized)
def test_turning_a_name_round_loses_no_word_and_turns_it_once(first: str, last: str) -> None:
    name = read_person_name(f"{last}, {first}")

    assert sorted(name.full.replace(",", "").split()) == sorted([first, last])
    assert read_person_name(name.full).full == name.full


@given(st.text(max_size=60))
def test_any_text_is_read_and_keeps_its_words(text: str) -> None:
    name = read_person_name(text)
    kept, written = ("".join(sorted(sign for sign in each if sign.isalnum())) for each in (name.full, text))
    assert kept == written
