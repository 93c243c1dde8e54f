"""Whom a mail of a template greets: all whom it is addressed to, or nobody by name."""

from __future__ import annotations

import pytest

from lib.messages.models import Recipient
from lib.templates.greeting import joined_values, merge_spec
from lib.templates.merge_values import recipient_values

ADA, BOB, EVE, CY = (Recipient(email=f"{name.lower()}@example.com", name=name) for name in ("Ada", "Bob", "Eve", "Cy"))


@pytest.mark.parametrize(
    ("to", "cc", "bcc", "greeted"),
    [
        ([ADA], [BOB], [EVE], ["Ada"]),
        ([ADA, BOB], [EVE], [], ["Ada", "Bob"]),
        ([ADA, ADA.model_copy(update={"email": "ADA@example.com"})], [], [], ["Ada"]),
        ([ADA, BOB, EVE, CY], [], [], [""]),
        ([], [BOB], [EVE], ["Bob"]),
        ([], [], [EVE], ["Eve"]),
        ([], [], [ADA, EVE], [""]),  # who is in Bcc does not see the others
        ([], [], [], [""]),
    ],
)
def test_a_mail_greets_whom_it_is_addressed_to(
    to: list[Recipient], cc: list[Recipient], bcc: list[Recipient], greeted: list[str]
) -> None:
    spec = merge_spec(to, cc, bcc, "rep1", None)

    assert [each.name for each in (spec.recipient, *spec.others)] == greeted


@pytest.mark.parametrize(("language", "names"), [("en", "Ada and Bob"), ("de-AT", "Ada und Bob"), ("es", "Ada, Bob")])
def test_names_stand_side_by_side_in_the_language_of_the_template(language: str, names: str) -> None:
    spec = merge_spec([ADA, BOB], [], [], "rep1", None)
    values = joined_values([recipient_values(each, None, None) for each in (spec.recipient, *spec.others)], language)

    assert values["recipient.first_name"] == names
    assert values["recipient.email"] == ""


def test_what_is_the_same_for_all_is_filled_in_and_a_missing_name_leaves_the_field_empty() -> None:
    ada = {"recipient.first_name": "Ada", "recipient.company": "Acme"}
    nobody = {"recipient.first_name": "", "recipient.company": "Acme"}

    assert joined_values([ada, nobody], "en") == {"recipient.first_name": "", "recipient.company": "Acme"}
