"""The same mail is known again when it comes another way."""

from __future__ import annotations

import pytest

from lib.mime.identity import mail_identity

MAIL = (
    b"Message-ID: <A1@Example.com>\r\nDate: Mon, 4 May 2026 09:00:00 +0000\r\n"
    b"From: ada@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"
)
NAMELESS = b"\r\n".join(
    [b"Date: Mon, 4 May 2026 09:00:00 +0000", b"From: ada@example.com", b"To: rep@acme.example", b"", b"Hello", b""]
)


@pytest.mark.parametrize(
    "other",
    [
        b"Received: from elsewhere\r\n" + MAIL,
        MAIL.replace(b"\r\n", b"\n"),
        MAIL.replace(b"<A1@Example.com>", b"<a1@example.com>"),
        MAIL.replace(b"Message-ID:", b"MESSAGE-Id :"),
        MAIL.replace(b"<A1@Example.com>", b"\r\n <A1@Example.com>"),
        b"\xef\xbb\xbf" + MAIL,
        b"From ada@example.com Mon May  4 09:00:00 2026\n" + MAIL,
        MAIL.replace(b"Mon, 4 May 2026 09:00:00 +0000", b"4 May 2026 11:00:00 +0200 (CEST)"),
        MAIL.replace(b"Hello", b"Hello, by way of a list"),
    ],
)
def test_a_message_id_names_the_mail(other: bytes) -> None:
    assert mail_identity(other) == mail_identity(MAIL)


def test_another_message_id_is_another_mail() -> None:
    assert mail_identity(MAIL.replace(b"A1@", b"A2@")) != mail_identity(MAIL)


def test_a_message_id_that_is_used_again_another_day_is_another_mail() -> None:
    assert mail_identity(MAIL.replace(b"4 May", b"5 May")) != mail_identity(MAIL)


@pytest.mark.parametrize("other", [NAMELESS.replace(b"\r\n", b"\n"), b"Received: from elsewhere\r\n" + NAMELESS])
def test_without_a_message_id_headers_and_body_name_it(other: bytes) -> None:
    assert mail_identity(other) == mail_identity(NAMELESS)


@pytest.mark.parametrize(("old", "new"), [(b"Hello", b"Hullo"), (b"ada@", b"eve@"), (b"09:", b"10:")])
def test_without_a_message_id_every_difference_counts(old: bytes, new: bytes) -> None:
    assert mail_identity(NAMELESS.replace(old, new)) != mail_identity(NAMELESS)


@pytest.mark.parametrize(
    "raw", [b"", b"\x00" * 100, b"Subject: " + b"a" * 1_000_000, b"\r\n\r\n", b"Message-ID:\r\n\r\n"]
)
def test_whatever_comes_has_an_identity(raw: bytes) -> None:
    assert mail_identity(raw).startswith("headers|")


def test_two_answers_of_the_same_words_without_a_date_are_two_by_what_they_answer() -> None:
    first, second = (b"In-Reply-To: <%d@acme.example>\r\n" % number for number in (1, 2))
    dated, undated = NAMELESS, NAMELESS.partition(b"\r\n")[2]

    assert len({mail_identity(head + undated) for head in (first, second, b"")}) == 3
    assert len({mail_identity(head + dated) for head in (first, second, b"")}) == 1  # as releases before have it
