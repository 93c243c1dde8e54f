"""Files in a mail: their bytes and names arrive as they were, each in the place where mail programs look for it."""

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.files.filenames import clean_filename
from lib.mime.parts import FilePart
from lib.mime.write import ComposeError, compose
from tests.lib.mime.test_write import head
from tests.support.pictures import png

LOGO = FilePart("logo.png", "image/png", png(), "1@images.heed")
OFFER = FilePart("offer.pdf", "application/pdf", b"%PDF")


def mail(*parts: FilePart, html: str | None = "<p>Hi</p>") -> Message:
    composed = compose(head("Hello", "Rita Rep"), html, "Hi", parts)
    assert composed.parts == parts
    lines = composed.mime.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert b"\n" not in b"".join(lines)
    return message_from_bytes(composed.mime)


def shape(part: Message) -> object:
    """Nested content types."""
    if not part.is_multipart():
        return part.get_content_type()
    return {part.get_content_type(): [shape(each) for each in inside(part)]}


def inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    assert isinstance(payload, list)
    return [each for each in payload if isinstance(each, Message)]


TEXT, HTML = "text/plain", "text/html"


@pytest.mark.parametrize(
    ("parts", "html", "expected"),
    [
        ((), "<p>", {"multipart/alternative": [TEXT, HTML]}),
        ((OFFER,), None, {"multipart/mixed": [TEXT, "application/pdf"]}),
        ((OFFER,), "<p>", {"multipart/mixed": [{"multipart/alternative": [TEXT, HTML]}, "application/pdf"]}),
        ((LOGO,), "<p>", {"multipart/alternative": [TEXT, {"multipart/related": [HTML, "image/png"]}]}),
        (
            (LOGO, OFFER),
            "<p>",
            {
                "multipart/mixed": [
                    {"multipart/alternative": [TEXT, {"multipart/related": [HTML, "image/png"]}]},
                    "application/pdf",
                ]
            },
        ),
    ],
)
def test_images_stand_beside_the_html_and_attachments_around_all(
    parts: tuple[FilePart, ...], html: str | None, expected: object
) -> None:
    assert shape(mail(*parts, html=html)) == expected


@given(st.binary(max_size=300), st.text(max_size=250))
@example(b"\r\n.\r\n", 'quo"ted\\.pdf')
@example(b"\0", "=?utf-8?q?x=0D=0AX-Evil:_1?=.pdf")
@example(b"", "word " * 60 + ".pdf")
@example(b"", "é" * 200 + ".pdf")
@example(b"", "it's 100%'; filename=x.exe.pdf")
def test_bytes_and_name_arrive_as_they_were(data: bytes, name: str) -> None:
    name = clean_filename(name)
    [_, attached] = inside(mail(FilePart(name, "application/pdf", data), html=None))
    assert attached.get_payload(decode=True) == data
    assert attached.get_filename() == name
    assert str(make_header(decode_header(str(attached.get_param("name"))))) == name
    assert attached.keys() == ["Content-Type", "MIME-Version", "Content-Disposition", "Content-Transfer-Encoding"]


@pytest.mark.parametrize(
    ("name", "content_type", "written"),
    [
        ("offer.pdf", "application/pdf", 'application/pdf; name="offer.pdf"'),
        (
            "invite.ics",
            "text/calendar; method=REQUEST; charset=utf-8",
            'text/calendar; method=REQUEST; charset=utf-8; name="invite.ics"',
        ),
        ("Grüße.csv", "text/csv; charset=utf-8", 'text/csv; charset=utf-8; name="=?utf-8?b?R3LDvMOfZS5jc3Y=?="'),
    ],
)
def test_the_type_stands_with_its_parameters_and_the_name(name: str, content_type: str, written: str) -> None:
    [_, attached] = inside(mail(FilePart(name, content_type, b"x"), html=None))

    assert " ".join(attached["Content-Type"].split()) == written


def test_a_name_beyond_ascii_stands_in_the_form_of_rfc_2231_too() -> None:
    [_, attached] = inside(mail(FilePart("Übersicht März.pdf", "application/pdf", b"x"), html=None))

    written = "attachment; filename*=UTF-8''%C3%9Cbersicht%20M%C3%A4rz.pdf"
    assert " ".join(attached["Content-Disposition"].split()) == written


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed"])
def test_a_mail_as_a_file_stays_a_file(kind: str) -> None:
    parsed = mail(FilePart("mail.eml", kind, b"Subject: x\r\n\r\n--b"), html=None)
    assert shape(parsed) == {"multipart/mixed": [TEXT, "application/octet-stream"]}


@pytest.mark.parametrize("part", [
    FilePart("a.pdf", "application/pdf\r\nX-Evil: 1", b"x"),
    FilePart("a.pdf", "text/plain; charset=\r\n x", b"x"),
    FilePart("a.pdf", "text/plain; charset=\"", b"x"),
    FilePart("a.pdf", "", b"x"),
    FilePart("a.png", "image/png", b"x", "1\r\nX-Evil: 1"),
])  # fmt: skip
def test_what_would_become_a_header_is_not_sent(part: FilePart) -> None:
    with pytest.raises(ComposeError):
        mail(part)
