from __future__ import annotations

import pytest

from lib.console.addresses import Typed, read_recipients, write_recipients

ADA = Typed("ada@example.com", "Ada Lovett")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("  \n , ;\r\n", []),
        ("ada@example.com", [Typed("ada@example.com")]),
        ("Ada Lovett <ada@example.com>", [ADA]),
        ("Ada Lovett <ada@example.com>\r\nbob@example.com", [ADA, Typed("bob@example.com")]),
        ("Ada Lovett <ada@example.com>, bob@example.com; eve@example.com", [ADA, *map(Typed, ("bob@example.com", "eve@example.com"))]),  # noqa: E501
        ('"Lovett, Ada" <ada@example.com>', [Typed("ada@example.com", "Lovett, Ada")]),
        ("Lovett, Ada <ada@example.com>; Nuri, Bob <bob@example.com>", [Typed("ada@example.com", "Lovett, Ada"), Typed("bob@example.com", "Nuri, Bob")]),  # noqa: E501
        ("<ada@example.com>", [Typed("ada@example.com")]),
        ("Ada", [Typed("Ada")]),
        ("Ada,", [Typed("Ada")]),
        ("Ada; bob@example.com", [Typed("Ada"), Typed("bob@example.com")]),
        ("Ada Lovett ada@example.com", [ADA]),
        ("Ada Lovett\tada@example.com\nAda Lovett (ada@example.com)", [ADA, ADA]),
        ("Lovett, Ada ada@example.com", [Typed("ada@example.com", "Lovett, Ada")]),
        ("ada@example.com bob@example.com", [*map(Typed, ("ada@example.com", "bob@example.com"))]),
        ("ada@ example.com", [Typed("ada@ example.com")]),
        ("\u202aada@example.com\u202c; \u200b; Ada Lovett <\ufeffada@exam\u00adple.com>", [Typed("ada@example.com"), ADA]),  # noqa: E501
        ("mailto:ada@example.com, Ada Lovett <MAILTO:ada@example.com>", [Typed("ada@example.com"), ADA]),
        ('"Ada <ada@example.com>\nbob@example.com', [Typed("ada@example.com", '"Ada'), Typed("bob@example.com")]),
    ],
)  # fmt: skip
def test_recipients_are_read_as_people_and_mail_programs_write_them(text: str, found: list[Typed]) -> None:
    assert read_recipients(text) == found


def test_what_is_written_is_read_again() -> None:
    recipients = [ADA, Typed("bob@example.com"), Typed("eve@example.com", "Sato, Eve <sales>")]

    assert read_recipients(write_recipients(recipients)) == recipients
