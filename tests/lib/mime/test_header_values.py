"""Header values are read as their writers meant them, whatever program wrote them."""

from datetime import UTC, datetime

import pytest

from lib.mime.header_values import date_in, header_text, mailboxes_in, message_ids_in
from lib.mime.parts import Mailbox


def raw(value: bytes) -> str:
    return value.decode("ascii", "surrogateescape")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?= an =?iso-8859-1?q?Andr=E9?=", "Grüße an André"),
        ("=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?b?w7w=?= =?iso-8859-1?q?=FC?=", "üü"),
        ("=?utf-8?b?4pi=?= =?utf-8?b?gw==?=", "☃"),  # a character cut in two
        ("Re: =?UTF-8?Q?Are_you_there??=", "Re: Are you there?"),
        ("=?utf-8*de?q?sch=C3=B6n?=", "schön"),
        ("=?ks_c_5601-1987?b?vsiz58fPvLy/5A==?=", "안녕하세요"),
        ("=?gb2312?b?xOO6ww==?=", "你好"),
        ("=?no-such?q?x=FC?=", "xü"),
        (raw("Grüße".encode()), "Grüße"),
        (raw("Grüße".encode("cp1252")), "Grüße"),
        (raw("世界 ".encode()) + "=?utf-8?q?=C3=BC?=", "世界 ü"),
        ("=?utf-8?q?x=0D=0ABcc:_eve@example.com?=", "x Bcc: eve@example.com"),
    ],
)
def test_a_subject_is_decoded(value: str, text: str) -> None:
    assert header_text(value) == text


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        (
            '"Lovelace, Ada" <ada@example.com>, bob@example.com',
            [("Lovelace, Ada", "ada@example.com"), ("", "bob@example.com")],
        ),
        ("=?utf-8?q?J=C3=B6rg?=\n <j@example.com>", [("Jörg", "j@example.com")]),
        (raw("Jörg <j@example.com>".encode("latin-1")), [("Jörg", "j@example.com")]),
        (raw("Ada <ada@Bücher.example>".encode()), [("Ada", "ada@xn--bcher-kva.example")]),
        (raw("ada@☃.example".encode()), [("", "ada@☃.example")]),
        ("undisclosed-recipients:;", []),
        ("Friends: a@example.com, b@example.com;", [("", "a@example.com"), ("", "b@example.com")]),
    ],
)
def test_mailboxes_are_read(value: str, mailboxes: list[tuple[str, str]]) -> None:
    assert mailboxes_in(value) == [Mailbox(*each) for each in mailboxes]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x> <b@x>\n <a@x>", ["<a@x>", "<b@x>"]),
        ('"Your mail" <a@x> of Monday', ["<a@x>"]),
        ("<a-very-\n long@x>", ["<a-very-long@x>"]),
        ("a@x", ["<a@x>"]),
        ("your mail of Monday", []),
        ("<>", []),
        (" ".join(f"<{number}@x>" for number in range(50)), ["<0@x>", "<48@x>", "<49@x>"]),
    ],
)
def test_ids_are_read_and_of_too_many_the_first_and_the_last_ones(value: str, ids: list[str]) -> None:
    assert message_ids_in(value, 3) == ids


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Mon, 4 May 2026 11:30:00 +0200 (CEST)", datetime(2026, 5, 4, 9, 30, tzinfo=UTC)),
        ("4 May 26 09:30 -0000", datetime(2026, 5, 4, 9, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 4 May 1066 11:30:00 +0200", None),
        ("Mon, 44 May 2026 99:30:00 +9900", None),
        ("1" * 10_000, None),
    ],
)
def test_a_date_is_read_in_utc(value: str, date: datetime | None) -> None:
    assert date_in(value) == date
