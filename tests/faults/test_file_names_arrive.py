"""Another library than the one that wrote a mail reads the names and the types of its files back."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from lib.files.filenames import clean_filename
from lib.mime.parts import FilePart
from lib.mime.write import compose
from tests.faults.reader import read_by_postal_mime
from tests.lib.mime.test_write import head

NAMES = [
    clean_filename(name)
    for name in (
        "offer.pdf",
        "Übersicht März.pdf",
        "見積書 2026年.pdf",
        "عرض سعر.pdf",
        "עברית\u200f.pdf",
        "😀👩\u200d👩\u200d👧.pdf",
        'a "quoted", and; with commas.pdf',
        "it's 100%'; filename=x.pdf",
        "=?utf-8?q?evil?=.pdf",
        "../folder/Größe\\Preis.pdf",
        "word " * 60 + ".pdf",
        "漢" * 200 + ".pdf",
        "two  blanks.pdf",
    )
]


def mail(name: str, content_type: str = "application/pdf") -> bytes:
    return compose(head("Hello", "Rita Rep"), None, "Hi", [FilePart(name, content_type, b"data")]).mime


async def test_another_reader_finds_each_name_whole() -> None:
    read = await read_by_postal_mime([mail(name) for name in NAMES])

    assert [each.files for each in read] == [[(name, "application/pdf", None)] for name in NAMES]


async def test_a_reader_that_does_not_know_rfc_2231_finds_each_name_beside_the_type() -> None:
    mails = [re.sub(rb"Content-Disposition: attachment;.*?\r\n(?=\S)", b"", mail(name), flags=re.S) for name in NAMES]

    assert not any(b"Content-Disposition" in each for each in mails)
    assert [each.files for each in await read_by_postal_mime(mails)] == [
        [(name, "application/pdf", None)] for name in NAMES
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_other_parser_of_python_finds_each_name_whole(name: str) -> None:
    parsed = message_from_bytes(mail(name), policy=default)

    assert isinstance(parsed, EmailMessage)
    assert [part.get_filename() for part in parsed.iter_attachments()] == [name]


async def test_a_calendar_is_read_with_its_method() -> None:
    [read] = await read_by_postal_mime([mail("Termin für alle.ics", "text/calendar; method=REQUEST; charset=utf-8")])

    assert read.files == [("Termin für alle.ics", "text/calendar", "REQUEST")]
