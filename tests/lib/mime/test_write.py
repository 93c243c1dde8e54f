"""What goes over the wire is what was meant: nothing that anybody types becomes a header, and no byte is lost."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from lib.fields import Email, Line, Name
from lib.messages.models import MessageFields, Recipient
from lib.mime.parts import Mailbox, MailHead
from lib.mime.write import Composed, ComposeError, compose

DATE = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MESSAGE_ID = "<0123456789abcdef0123456789abcdef@acme.example>"
ADA = {"email": "ada@example.com", "name": "Ada"}
HEADERS = ["Content-Type", "MIME-Version", "From", "To", "Subject", "Date", "Message-ID"]

LINE: TypeAdapter[str] = TypeAdapter(Line)
NAME: TypeAdapter[str] = TypeAdapter(Name)
EMAIL: TypeAdapter[str] = TypeAdapter(Email)

INJECTIONS = [
    "Hello\nBcc: eve@example.com", "Hello\r\n\r\n<p>", "Hello\rBcc: eve@example.com", "Hello\x00", "a\x1cb",
    "Hello\x85Bcc: eve@example.com", "Hello\u2028Bcc: eve@example.com",
]  # fmt: skip
ODD = [
    "=?utf-8?q?Hello=0ABcc:_eve=40example.com?=", "=?utf-8?b?SGVsbG8NCkJjYzogZXZlQGV4YW1wbGUuY29t?=",
    "=?utf-8?q?a?= =?utf-8?q?b?=", "=?", "?=", "=?x", "=?us-ascii?q?=00?=", "=?unknown?q?x?=",
    'Eve" <eve@example.com>, "x', "a, b; c: d", "eve@example.com,", "<eve@example.com>", "(comment", "\\", '"', '\\"',
    "  blanks   inside  ", "é" * 200, "😀" * 100, "x" * 200, "word " * 40, "\u00ad\u200b\ufeff", ": :", "\u00a0",
    "Ünïcödé =?utf-8?q?x?=", "'single'", "a\u3000b", "Bcc: eve@example.com", "end\\",
]  # fmt: skip


def composed(
    subject: str = "Hello", sender: str = "Rita Rep", html: str | None = "<p>Hi</p>", **fields: Any
) -> Composed:
    return compose(head(subject, sender, **fields), html, "Hi")


def head(
    subject: str = "", sender: str = "", email: str = "rep@acme.example", message_id: str = MESSAGE_ID, **fields: Any
) -> MailHead:
    """The headers of what a client may post."""
    message = MessageFields.model_validate({"from": "rep1", "to": [ADA], "subject": subject, **fields})
    to, cc = mailboxes(message.to), mailboxes(message.cc)
    return MailHead(Mailbox(sender, email), message.subject, message_id, DATE, to, cc)


def mailboxes(recipients: list[Recipient]) -> list[Mailbox]:
    return [Mailbox(each.name, each.email) for each in recipients]


def parts_of(html: str | None, text: str | None) -> dict[str, bytes]:
    """The decoded bodies by content type, as a reader gets them."""
    mime = compose(head(), html, text)
    found = {}
    for part in message_from_bytes(mime.mime).walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found[part.get_content_type()] = payload
    return found


def accepted(adapter: TypeAdapter[str], value: str) -> str | None:
    """What the API makes of the value; None where it refuses it."""
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


def one_line(value: str) -> str:
    """White space in a header may be folded anywhere: one blank is what survives."""
    return " ".join(value.split())


def decoded(value: object) -> str:
    """A header as a mail client shows it."""
    return one_line(str(make_header(decode_header(str(value)))))


def people(header: object) -> list[tuple[str, str]]:
    return [(decoded(name), address) for name, address in getaddresses([str(header)])]


def check_subject(subject: str) -> None:
    mime = composed(subject=subject).mime
    read = message_from_bytes(mime)
    assert read.keys() == HEADERS
    assert decoded(read["Subject"]) == one_line(subject)
    check_lines(mime)


def check_names(sender: str, recipient: str) -> None:
    mime = composed(sender=sender, to=[{**ADA, "name": recipient}, ADA], cc=[{**ADA, "name": recipient}]).mime
    read = message_from_bytes(mime)
    assert [name for name in read.keys() if name != "Cc"] == HEADERS  # noqa: SIM118
    assert people(read["From"]) == [(one_line(sender), "rep@acme.example")]
    assert people(read["To"]) == [(one_line(recipient), "ada@example.com"), ("Ada", "ada@example.com")]
    assert people(read["Cc"]) == [(one_line(recipient), "ada@example.com")]
    check_lines(mime)


def check_lines(mime: bytes) -> None:
    """RFC 5322, 2.1.1 and 2.3: lines end in CRLF and nothing else, and have 998 characters at most; all is ASCII."""
    assert mime.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mime)
    assert max(map(len, mime.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("injection", INJECTIONS, ids=repr)
def test_a_line_break_does_not_get_into_a_subject_or_a_name(injection: str) -> None:
    assert accepted(LINE, injection) is None
    assert accepted(NAME, injection) is None


@pytest.mark.parametrize("subject", [*ODD, "", "x" * 998, "é" * 998, f"{'y' * 990} =?x"], ids=ascii)
def test_an_odd_subject_is_shown_as_it_was_typed(subject: str) -> None:
    line = accepted(LINE, subject)
    assert line is not None
    check_subject(line)


@given(st.text())
def test_any_subject_that_is_accepted_is_shown_as_it_was_typed(subject: str) -> None:
    if (line := accepted(LINE, subject)) is not None:
        check_subject(line)


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_an_odd_name_is_shown_as_it_was_typed_and_makes_no_further_recipient(name: str) -> None:
    line = accepted(NAME, name)
    assert line is not None
    check_names(line, line)


@given(st.text(), st.text())
def test_any_names_that_are_accepted_are_shown_as_they_were_typed(sender: str, recipient: str) -> None:
    names = accepted(NAME, sender), accepted(NAME, recipient)
    if names[0] is not None and names[1] is not None:
        check_names(names[0], names[1])


@given(
    st.lists(st.sampled_from(["=?", "?=", "utf-8", "?q?", "?b?", " ", '"', "\\", ",", "<", ">", "@", "é", "a", "\t"]))
)
def test_any_mixture_of_what_means_something_in_headers_means_nothing(parts: list[str]) -> None:
    text = "".join(parts)
    if (line := accepted(LINE, text)) is not None:
        check_subject(line)
    if (name := accepted(NAME, text)) is not None:
        check_names(name, name)


@given(st.emails(), st.text(max_size=20))
def test_any_address_that_is_accepted_is_the_one_that_gets_the_mail(address: str, name: str) -> None:
    email, shown = accepted(EMAIL, address), accepted(NAME, name)
    if email is not None and shown is not None:
        read = message_from_bytes(composed(to=[{"email": email, "name": shown}, ADA]).mime)
        assert [address for _, address in people(read["To"])] == [email, "ada@example.com"]


@pytest.mark.parametrize(
    "address",
    [
        "eve@example.com\nBcc: x@example.com", "eve@example.com, x@example.com", "<eve@example.com>", "a b@example.com",
        '"a\\\r\n b"@example.com', "eve@example.com\u2028", "eve", "@example.com", "eve@[192.0.2.1]", "é@example.com",
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_not_one_plain_address_is_refused(address: str) -> None:
    assert accepted(EMAIL, address) is None


def test_a_domain_outside_ascii_travels_in_its_ascii_form() -> None:
    assert accepted(EMAIL, "ada@bücher.example") == "ada@xn--bcher-kva.example"


def test_an_address_that_looks_like_an_encoded_word_stays_that_address() -> None:
    odd = "=?utf-8?q?eve?=@example.com"
    assert accepted(EMAIL, odd) == odd
    read = message_from_bytes(composed(to=[{"email": odd}]).mime)
    assert read["To"] == odd


def test_a_blind_copy_is_nowhere_in_the_mail() -> None:
    written = composed(bcc=[{"email": "eve@example.com", "name": "Eve"}])
    assert b"eve" not in written.mime.lower()
    assert "bcc" not in {name.lower() for name in written.headers}


def test_a_mail_to_blind_copies_alone_names_nobody() -> None:
    written = composed(to=[], bcc=[{"email": "eve@example.com"}])
    assert message_from_bytes(written.mime)["To"] == "undisclosed-recipients:;"
    assert b"eve" not in written.mime.lower()


def test_a_mail_with_copies_alone_has_no_to() -> None:
    read = message_from_bytes(composed(to=[], cc=[ADA]).mime)
    assert read["To"] is None
    assert people(read["Cc"]) == [("Ada", "ada@example.com")]


def test_five_hundred_recipients_are_all_there_in_their_order() -> None:
    everyone = [{"email": f"person{number}@example.com", "name": f"Persön {number}"} for number in range(500)]
    mime = composed(to=everyone).mime
    assert people(message_from_bytes(mime)["To"]) == [(each["name"], each["email"]) for each in everyone]
    check_lines(mime)


@pytest.mark.parametrize(
    "domain", ["a.example", "sales.department.of.a.company.with.a.long.name.example", f"{'x' * 60}." * 3 + "example"]
)
def test_a_message_id_at_a_domain_of_any_length_reads_back(domain: str) -> None:
    message_id = f"<{'0' * 32}@{domain}>"
    written = compose(head(email=f"rep@{domain}", message_id=message_id), None, "Hi")
    assert one_line(message_from_bytes(written.mime)["Message-ID"]) == message_id
    assert written.headers["Message-ID"] == message_id


def test_the_headers_that_are_told_are_those_that_were_written() -> None:
    written = composed(subject="Ünïcödé " * 20, to=[{**ADA, "name": "Ädä"}])
    read = message_from_bytes(written.mime)
    assert list(written.headers) == read.keys()
    assert {name: decoded(value) for name, value in written.headers.items()} == {
        name: decoded(value) for name, value in read.items()
    }
    assert not any("\n" in value for value in written.headers.values())


BODIES = [
    "", "\n", "\n\n\n", "no line end", "one line end\n", "trailing blanks  \t \n", ".\n", "..\n.dot\n", "From here\n",
    "x" * 5000, "é" * 5000, "😀\n" * 300, "=3D =\n", "soft=\nbreak", "\u2028\u2029\x85\x0b\x0c\x1c", "\x00\x01\x7f",
    "\t",    "<pre>\n.\n.\n</pre>", "--===============\n", "\ufeff", " leading", "a\n b\n  c",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body)[:30])
def test_html_and_text_arrive_as_they_are(body: str) -> None:
    assert parts_of(body, body) == {
        "text/plain": body.replace("\n", "\r\n").encode(),
        "text/html": body.replace("\n", "\r\n").encode(),
    }


@given(st.text(), st.text())
def test_any_html_and_text_arrive_as_they_are_but_for_their_line_ends(html: str, text: str) -> None:
    assert parts_of(html, text) == {
        "text/plain": re.sub("\r\n|\r|\n", "\r\n", text).encode(),
        "text/html": re.sub("\r\n|\r|\n", "\r\n", html).encode(),
    }


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_becomes_that_of_mail(line_end: str) -> None:
    body = f"one{line_end}two{line_end}{line_end}three{line_end}"
    assert parts_of(body, None)["text/html"] == b"one\r\ntwo\r\n\r\nthree\r\n"


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body)[:30])
def test_no_body_makes_a_line_that_mail_cannot_carry(body: str) -> None:
    check_lines(composed(html=body).mime)


def test_a_mail_without_html_is_plain_text() -> None:
    read = message_from_bytes(composed(html=None).mime)
    assert read.get_content_type() == "text/plain"
    assert not read.is_multipart()
    assert parts_of(None, "Ünïcödé\n") == {"text/plain": "Ünïcödé\r\n".encode()}


def test_text_stands_before_html_so_that_clients_choose_the_html() -> None:
    read = message_from_bytes(composed().mime)
    assert read.get_content_type() == "multipart/alternative"
    assert list(parts_of("<p>Hi</p>", "Hi")) == ["text/plain", "text/html"]


def test_the_date_and_the_message_id_are_those_that_were_given() -> None:
    read = message_from_bytes(composed().mime)
    assert read["Date"] == "Mon, 04 May 2026 09:30:00 +0000"
    assert read["Message-ID"] == MESSAGE_ID


def test_text_that_is_mostly_not_ascii_travels_in_base64_and_arrives_as_it_was() -> None:
    text = "Уважаемая госпожа Лавлейс,\n\nпредложение готово.\n" * 50
    mime = compose(head(), None, text).mime

    assert message_from_bytes(mime)["Content-Transfer-Encoding"] == "base64"
    assert len(mime) < 1.5 * len(text.encode())
    assert parts_of(None, text) == {"text/plain": text.replace("\n", "\r\n").encode()}
    check_lines(mime)


def test_the_headers_of_a_thread_read_back_as_they_were_meant() -> None:
    ids = [f"<{number:0100}@example.com>" for number in range(20)]
    reply_to = [Mailbox("Rita Rep", "rep@acme.example"), Mailbox("", f"reply+{'a' * 54}@in.acme.example")]
    written = compose(replace(head(), references=ids, reply_to=reply_to, thread_index="AQ=="), None, "Hi")

    parsed = message_from_bytes(written.mime)
    assert parsed["In-Reply-To"].split() == ids[-1:]
    assert parsed["References"].split() == ids
    assert getaddresses([parsed["Reply-To"]]) == [(each.name, each.email) for each in reply_to]
    assert parsed["Thread-Index"] == "AQ=="
    assert max(map(len, written.mime.split(b"\r\n"))) < 998


@pytest.mark.parametrize("bad", ["<a\nBcc: eve@example.com>", "<a b@c>", "<a@b>\r\n\r\nHi"])
def test_an_id_that_would_become_a_header_is_refused(bad: str) -> None:
    with pytest.raises(ComposeError):
        compose(replace(head(), references=[bad]), None, "Hi")
