"""Files in a mail: their bytes and names arrive as they were, each in the place where mail programs look for it."""

from email import message_from_bytes
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lib.files.filenames import clean_filename
from lib.messages.models import Body, MessageFields
from lib.mime.write import ComposeError, Part, compose
from lib.people.users import StoredUser
from tests.lib.mime.test_write import ADA, DATE, MESSAGE_ID
from tests.support.pictures import png

LOGO = Part("logo.png", "image/png", png(), "1@images.heed")
OFFER = Part("offer.pdf", "application/pdf", b"%PDF")


def mail(*parts: Part, html: str | None = "<p>Hi</p>") -> Message:
    message = MessageFields.model_validate({"from": "rep1", "to": [ADA], "subject": "Hello"})
    user = StoredUser(id="rep1", email="rep@acme.example", name="Rita Rep")
    composed = compose(message, Body(html=html, text="Hi"), user, MESSAGE_ID, DATE, parts)
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
    parts: tuple[Part, ...], html: str | None, expected: object
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
    [_, attached] = inside(mail(Part(name, "application/pdf", data), html=None))
    assert attached.get_payload(decode=True) == data
    assert attached.get_filename() == name
    assert attached.keys() == ["Content-Type", "MIME-Version", "Content-Disposition", "Content-Transfer-Encoding"]


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed"])
def test_a_mail_as_a_file_stays_a_file(kind: str) -> None:
    parsed = mail(Part("mail.eml", kind, b"Subject: x\r\n\r\n--b"), html=None)
    assert shape(parsed) == {"multipart/mixed": [TEXT, "application/octet-stream"]}


@pytest.mark.parametrize("part", [
    Part("a.pdf", "application/pdf\r\nX-Evil: 1", b"x"),
    Part("a.png", "image/png", b"x", "1\r\nX-Evil: 1"),
])  # fmt: skip
def test_what_would_become_a_header_is_not_sent(part: Part) -> None:
    with pytest.raises(ComposeError):
        mail(part)
