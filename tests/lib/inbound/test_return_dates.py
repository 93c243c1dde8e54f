"""The day on which somebody is back is found in several languages, and not guessed."""

from datetime import UTC, date, datetime

import pytest

from lib.inbound.return_dates import return_date
from lib.mime.received import read_received

SENT = "Mon, 4 May 2026 09:30:00 +0000"


def back(text: str, subject: str = "Automatic reply", sent: str = SENT) -> date | None:
    raw = f"From: a@example.com\nDate: {sent}\nSubject: {subject}\n\n"
    found = return_date(read_received(raw.encode()), text)
    assert found is None or found == datetime(found.year, found.month, found.day, tzinfo=UTC)
    return found.date() if found else None


@pytest.mark.parametrize(
    "text",
    [
        "I will be back on 2026-05-12.",
        "I am out of the office until May 12.",
        "I'm away until Tuesday, May 12th, 2026.",
        "I am away from May 4 to May 11 and will return on 12 May 2026.",
        "Out until 12/05/2026, 25/12/2025 was the last time.".replace("12/05/2026", "12.05.2026"),
        "I am out through May 11.",
        "Ich bin vom 4. bis 11. Mai im Urlaub und ab dem 12. Mai wieder erreichbar.",
        "Ich bin bis zum 12.05.2026 nicht im Büro.",
        "Ab 12.5. bin ich wieder da.",
        "Ich bin bis einschließlich 11. Mai abwesend.",
        "Ich bin am 12. Mai wieder im Büro.",
        "Ich bin am 12.05. wieder im Büro.",
        "I am away from May 4 through May 11, returning May 12.",
        "Jag är tillbaka tisdag den 12 maj.",
        "Vender tilbage d. 12. maj.",
        "Jeg er borte til og med 11. mai.",
        "Je suis absente jusqu'au 12 mai 2026.",
        "Je serai de retour le 12 mai.",
        "Estaré fuera de la oficina hasta el 12 de mayo.",
        "Vuelvo el 12 de mayo de 2026.",
        "Sarò assente fino al 12 maggio.",
        "Ik ben op 12 mei weer aanwezig.",
        "Volto no dia 12 de maio.",
    ],
)
def test_the_day_is_read(text: str) -> None:
    assert back(text) == date(2026, 5, 12)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I will be traveling on May 10-31.", date(2026, 5, 31)),
        ("Urlaub: 4.5. - 15.5.", date(2026, 5, 15)),
        ("I'll be back on Monday.", date(2026, 5, 11)),
        ("Ab Mittwoch bin ich wieder da.", date(2026, 5, 6)),
        ("Back on 5/25/2026.", date(2026, 5, 25)),
    ],
)
def test_the_end_of_a_stretch_and_a_weekday_count_too(text: str, day: date) -> None:
    assert back(text) == day


def test_the_subject_counts_too() -> None:
    assert back("Thank you for your mail.", "Out of office until May 12") == date(2026, 5, 12)


def test_at_the_turn_of_the_year_the_next_one_is_meant() -> None:
    assert back("Back on January 7.", sent="Mon, 21 Dec 2026 09:30:00 +0000") == date(2027, 1, 7)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for your mail.",
        "I was away until May 2.",
        "I am back on 2028-05-12.",
        "I am back on 06/07/2026.",
        "Our fair is on May 12.",
        "I am back on 45.13.2026 or 2026-99-99.",
        "Until further notice, call +49 30 12.05.",
        "Established 1912. Winner of May 1999.",
    ],
)
def test_what_is_no_such_day_is_not_taken_for_one(text: str) -> None:
    assert back(text) is None


def test_a_mail_without_a_date_has_none() -> None:
    assert back("Back on May 12.", sent="yesterday") is None
