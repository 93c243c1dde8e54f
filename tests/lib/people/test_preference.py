"""What a recipient wants, of all that is said, and the sentence about it."""

from __future__ import annotations

import pytest

from lib.people.preference import CONSENT, Preference, Said, Statement

YES: Preference = "allow"
NO: Preference = "do_not_allow"
NOTHING: Preference = "unknown"


def said(**wishes: Preference) -> Said:
    who = {"consent": CONSENT}
    statements = [Statement(who.get(name, f"the {name}"), wish) for name, wish in wishes.items()]
    return Said("ada@example.com", statements)


@pytest.mark.parametrize(
    ("known", "preference", "because"),
    [
        (said(), NOTHING, "Neither a record nor the address's consents say anything."),
        (said(lead=NOTHING, consent=NOTHING), NOTHING, "Neither a record nor the address's consents say anything."),
        (said(lead=YES, consent=NOTHING), YES, "The lead says yes to following."),
        (said(lead=NOTHING, consent=YES), YES, "The address's newest consent says yes to following."),
        (said(lead=YES, consent=NO), NO, "The address's newest consent says no to following."),
        (said(lead=NO, account=NO, consent=YES), NO, "The lead and the account say no to following."),
        (said(a=NO, b=NO, c=NO, d=NO), NO, "The a, the b, the c and the d say no to following."),
        (said(a=NO, b=NO, c=NO, d=NO, e=NO), NO, "The a, the b, the c and 2 more say no to following."),
    ],
)
def test_the_strictest_counts_and_is_named(known: Said, preference: Preference, because: str) -> None:
    assert (known.preference, known.because) == (preference, because)


def test_an_address_of_too_many_records_is_a_no() -> None:
    known = Said("info@example.com", [Statement("the contact c1", YES)], has_too_many=True)

    assert known.preference == NO
    assert known.because.startswith("So many records have the address")
