"""A subject is recognized in a text however the text spells the address, and nobody else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import pytest

from lib.privacy.subjects import GONE, Subject

PLAIN, UNUSUAL, SCRIPT = "ada@example.com", "o'ada+x_y.z-9@example.com", "zoë@exämple.com"


@pytest.mark.parametrize("email", [PLAIN, UNUSUAL, SCRIPT])
@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        lambda email: f"https://example.com/?who={quote(email, safe='')}&x",
        lambda email: f"https://example.com/?to={quote('https://b.example/?a=' + quote(email, safe=''), safe='')}",
        lambda email: f"<p>{escape(email)}</p>",
        lambda email: email.replace("@", "&#64;").replace("'", "&apos;"),
        lambda email: "".join(f"&#x{ord(character):x};" for character in email),
        lambda email: json.dumps({"text": f"Regards,\n{email}\r\n"}),
        lambda email: json.dumps({"html": f"\t{escape(email)}"}),
        lambda email: f"A line that is cut by quoted-printable {email[:6]}=\r\n{email[6:]} goes on",
        lambda email: f"bounces+{email.replace('@', '=')}@list.example",
        lambda email: f"<bounce-1.{email}@mx.example.com>",
    ],
)
def test_an_address_is_recognized_in_every_spelling(email: str, spell: Callable[[str], str]) -> None:
    text, subject = spell(email), Subject(email, "0" * 32)

    assert subject.is_in(text), text
    assert not subject.is_in(subject.redact_text(text))
    assert GONE in subject.redact_text(text)


@pytest.mark.parametrize(
    "text", ["nada@example.com", "ada@example.com.uk", "ada@example.community", "a\\\\nada@example.com"]
)
def test_another_address_that_holds_the_characters_is_not_the_subjects(text: str) -> None:
    assert not Subject(PLAIN, "0" * 32).is_in(text)


@pytest.mark.parametrize(
    ("email", "text", "is_named"),
    [
        ("quetzal.ada7@example.com", "Quetzal.Ada7 has called", True),
        ("quetzal.ada7@example.com", "quetzal.ada77 has called", False),
        ("o'connor@example.com", "Mr O'Connor has called", False),
        ("anne-marie@example.com", "Anne-Marie has called", False),
        ("ada@example.com", "Ada has called", False),
    ],
)
def test_the_local_part_counts_by_itself_only_where_it_is_no_name(email: str, text: str, is_named: bool) -> None:
    assert Subject(email, "0" * 32).is_in(text) == is_named
