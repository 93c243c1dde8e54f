"""A mail that came in is read as its writer meant it, however odd, or refused with the reason."""

import base64
import pickle
import zlib
from datetime import UTC, datetime
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from lib.mime.parts import Mailbox
from lib.mime.read import BadMail
from lib.mime.received import ReceivedMail, read_received

HEAD = b"From: Ada <ada@example.com>\r\nTo: rep@acme.example\r\n"


def read(headers: str, body: str | bytes = "Hi") -> ReceivedMail:
    data = body.encode() if isinstance(body, str) else body
    return read_received(HEAD + headers.encode().replace(b"\n", b"\r\n") + b"\r\n\r\n" + data)


def test_a_reply_names_its_thread_its_people_and_its_words() -> None:
    mail = read(
        "Cc: Bob <bob@example.com>\nSubject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nDate: Mon, 4 May 2026 11:30:00 +0200\n"
        "Message-ID: <3@example.com>\nIn-Reply-To: <2@acme.example>\nReferences: <1@acme.example>\n <2@acme.example>\n"
        "Reply-To: sales@example.com\nReturn-Path: <bounces@example.com>\nThread-Index: AdXyz==\n"
        "Content-Type: text/plain; charset=utf-8",
        "Grüße\r\n",
    )

    assert (mail.message_id, mail.in_reply_to) == ("<3@example.com>", ("<2@acme.example>",))
    assert mail.references == ("<1@acme.example>", "<2@acme.example>")
    assert mail.date == datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    assert (mail.sender, mail.to) == (Mailbox("Ada", "ada@example.com"), (Mailbox("", "rep@acme.example"),))
    assert (mail.cc, mail.reply_to) == ((Mailbox("Bob", "bob@example.com"),), (Mailbox("", "sales@example.com"),))
    assert (mail.subject, mail.text) == ("Re: Grüße", "Grüße\n")
    assert (mail.return_path, mail.header("THREAD-INDEX")) == ("bounces@example.com", "AdXyz==")


SALES, ADA = "sales@acme.example", "ada@example.com"


@pytest.mark.parametrize(
    ("headers", "writer"),
    [
        ("From: Ada via Sales <sales@acme.example>\nList-Id: <x>\nX-Original-From: Ada <ada@example.com>", ADA),
        ("From: Ada via Sales <sales@acme.example>\nList-Id: <x>\nReply-To: ada@example.com", ADA),
        ("From: Ada via Sales <sales@acme.example>\nList-ID: <x>\nReply-To: sales@acme.example, ada@example.com", ADA),
        ("From: Sales <sales@acme.example>\nX-Original-From: Ada <ada@example.com>", SALES),
        ("From: Sales <sales@acme.example>\nReply-To: ada@example.com", SALES),
        ("From: Sales <sales@acme.example>\nList-Id: <x>\nReply-To: ada@example.com, bob@example.com", SALES),
        ("From: Ada <ada@example.com>\nList-Id: <x>\nReply-To: sales@acme.example", ADA),
        ("From: Ada <ada@example.com>\nList-Id: <x>\nX-Original-From: nobody", ADA),
        ("List-Id: <x>\nX-Original-From: ada@example.com", None),
    ],
)
def test_the_writer_is_found_behind_the_address_of_a_list(headers: str, writer: str | None) -> None:
    raw = f"To: Sales@acme.example\nSubject: Re: Our offer\n{headers}\n\nHi"
    sender = read_received(raw.encode()).sender
    assert (sender.email if sender else None) == writer


@pytest.mark.parametrize(
    ("header", "sender"), [("", None), ("Return-Path: <>", ""), ("Return-Path: <a@b.example>", "a@b.example")]
)
def test_the_null_sender_is_told_from_a_missing_one(header: str, sender: str | None) -> None:
    assert read(f"Subject: x\n{header}".strip()).return_path == sender


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + HEAD + b"Subject: Hello\r\n\r\nHi",
        b"From ada@example.com Mon May  4 09:30:00 2026\n" + HEAD + b"Subject: Hello\r\n\r\nHi",
        b"\r\n\r\n" + HEAD + b"Subject: Hello\r\n\r\nHi",
        (HEAD + b"Subject: Hello\r\n\r\nHi").replace(b"\r\n", b"\r"),
        (HEAD + b"Subject: Hello\r\n\r\nHi").replace(b"\r\n", b"\n"),
        (HEAD + b"Subject: Hello\r\n\r\nHi").decode().encode("utf-16"),
        HEAD + b"this line is no header\r\nSubject: Hello\r\n\r\nHi",
        HEAD + b"Subject: Hel\x00lo\r\n\r\n\x00H\x00i",
        HEAD + b"Subject : Hello\r\n\r\nHi",
    ],
)
def test_what_programs_put_around_headers_does_not_matter(raw: bytes) -> None:
    mail = read_received(raw)

    assert mail.sender == Mailbox("Ada", "ada@example.com")
    assert (mail.subject, mail.text) == ("Hello", "Hi")


def test_a_character_set_that_only_the_html_names_is_used() -> None:
    html = '<html><head><meta charset="koi8-r"></head>Привет</html>'

    assert "Привет" in (read("Content-Type: text/html", html.encode("koi8-r")).html or "")
    assert "Привет" in (read("Content-Type: text/html; charset=utf-8", html.encode()).html or "")


@pytest.mark.parametrize(
    ("parameters", "body", "text"),
    [
        (
            "format=flowed",
            "A long \r\nline.\r\n>> quoted \r\n>> words\r\n> more\r\n-- \r\nAda",
            "A long line.\n>> quoted words\n> more\n-- \nAda",
        ),
        ("format=flowed; delsp=yes", "日本 \r\n語", "日本語"),
        ("format=flowed", " From here\r\n >not quoted", "From here\n>not quoted"),
        ("format=fixed", "A \r\nB", "A \nB"),
    ],
)
def test_flowed_lines_become_paragraphs(parameters: str, body: str, text: str) -> None:
    assert read(f"Content-Type: text/plain; charset=utf-8; {parameters}", body).text == text


def test_of_several_texts_the_first_that_is_not_blank_is_the_mails_and_files_are_listed() -> None:
    mail = MIMEMultipart()
    mail["From"] = "ada@example.com"
    attached = MIMEText("notes")
    attached.add_header("Content-Disposition", "attachment", filename="notes.txt")
    for part in (attached, MIMEText("\n"), MIMEText("Hello"), MIMEText("<p>Hello", "html"), MIMEText("footer")):
        mail.attach(part)
    mail.attach(MIMEApplication(b"x" * 3_000, name="Ünïcode.pdf"))

    found = read_received(mail.as_bytes())

    assert (found.text, found.html) == ("Hello", "<p>Hello")
    assert [(part.content_type, part.filename) for part in found.parts] == [
        ("text/plain", "notes.txt"), ("text/plain", ""), ("application/octet-stream", "Ünïcode.pdf"),
    ]  # fmt: skip
    assert 2_900 <= found.parts[2].size <= 3_200


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename*=utf-8''%E2%82%AC%20rates.txt", "€ rates.txt"),
        ("filename*0*=utf-8''%E2%82%AC; filename*1=\" rates.txt\"", "€ rates.txt"),
        ('filename="=?utf-8?q?=E2=82=AC?= rates.txt"', "€ rates.txt"),
        ('filename="€ rates.txt"', "€ rates.txt"),
        ("filename*=a; filename*0*=b", ""),
    ],
)
def test_a_file_has_the_name_its_writer_gave_it(disposition: str, name: str) -> None:
    [part] = read(f"Content-Type: application/pdf\nContent-Disposition: attachment; {disposition}").parts

    assert part.filename == name


def test_outlooks_container_is_named() -> None:
    assert read("Content-Type: application/ms-tnef; name=winmail.dat", "x").has_winmail
    assert read("Content-Type: application/octet-stream; name=WINMAIL.DAT", "x").has_winmail
    assert not read("Content-Type: application/octet-stream; name=x.dat", "x").has_winmail


@pytest.mark.parametrize(
    ("header", "body", "method"),
    [
        ("text/calendar; method=reply", "BEGIN:VCALENDAR", "REPLY"),
        ("text/calendar", "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n", "REPLY"),
        ("text/calendar", "BEGIN:VCALENDAR\r\n", None),
    ],
)
def test_a_calendar_part_tells_its_method(header: str, body: str, method: str | None) -> None:
    assert read(f"Content-Type: {header}", body).calendar_method == method


INNER = "From: rep@acme.example\nTo: Ada <ada@example.com>\nSubject: Our offer\nMessage-ID: <1@acme.example>\n\n"


def test_a_returned_mail_is_found_as_a_part() -> None:
    mail = MIMEMultipart("report")
    mail["From"] = "MAILER-DAEMON@example.com"
    inner = MIMEText("https://mail.acme.example/c/" + "k1" * 20)
    inner["Message-ID"], inner["To"], inner["Subject"] = "<1@acme.example>", "Ada <ada@example.com>", "Our offer"
    mail.attach(MIMEMessage(inner))

    enclosed = read_received(mail.as_bytes()).enclosed

    assert enclosed is not None
    assert (enclosed.message_id, enclosed.subject, enclosed.to) == (
        "<1@acme.example>", "Our offer", (Mailbox("Ada", "ada@example.com"),),
    )  # fmt: skip
    assert enclosed.links == ("https://mail.acme.example/c/" + "k1" * 20,)


@pytest.mark.parametrize("encode", [False, True])
def test_a_forwarded_mail_is_found_in_base64_as_well(encode: bool) -> None:
    body = base64.encodebytes(INNER.encode()).decode() if encode else INNER
    enclosed = read(
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: " + ("base64" if encode else "7bit"), body
    ).enclosed

    assert enclosed is not None
    assert (enclosed.message_id, enclosed.sender) == ("<1@acme.example>", Mailbox("", "rep@acme.example"))


def test_a_returned_mail_is_found_in_the_text_of_a_bounce_but_not_of_a_persons_mail() -> None:
    text = f"I could not deliver it.\n\n--- Below this line is a copy of the message.\n\n{INNER}Hello"
    daemon = read_received(f"From: MAILER-DAEMON@example.com\n\n{text}".encode()).enclosed

    assert daemon is not None
    assert (daemon.message_id, daemon.to) == ("<1@acme.example>", (Mailbox("Ada", "ada@example.com"),))
    assert read("Subject: x", text).enclosed is None


def test_links_with_a_token_are_found_in_quotes() -> None:
    token = "k1" + "A-_9" * 10
    mail = read(
        "Content-Type: text/html",
        f'<p>Yes<blockquote><a href="https://mail.acme.example/c/{token}">x</a>'
        f'<img src="https://mail.acme.example/o/{token}.gif"><a href="https://www.example.com/about/us">y</a>',
    )

    assert mail.links == (f"https://mail.acme.example/c/{token}", f"https://mail.acme.example/o/{token}")


def test_a_multipart_whose_boundary_is_nowhere_is_read_as_text() -> None:
    assert read('Content-Type: multipart/mixed; boundary="b"', "--c\r\nHello").text == "--c\nHello"


@pytest.mark.parametrize(
    ("value", "emails"),
    [
        ("Big Bug bb@bug.example", ["bb@bug.example"]),
        ("a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("undisclosed-recipients:;", []),
        ("(" * 5_000, []),
        (
            ", ".join(f"a{number}@example.com" for number in range(2_000)),
            [f"a{number}@example.com" for number in range(1_000)],
        ),
    ],
)
def test_recipients_are_read_as_far_as_they_go(value: str, emails: list[str]) -> None:
    mail = read_received(f"From: ada@example.com\nTo: {value}\n\n".encode())

    assert [each.email for each in mail.to] == emails


def nested(depth: int) -> bytes:
    opened = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(depth))
    return HEAD + opened.encode() + b"\r\nHi"


def many_parts(number: int) -> bytes:
    return HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * number


REFUSED = {
    "nothing": (b"", "empty"),
    "blank lines": (b"\r\n\r\n", "empty"),
    "no mail": (b"Hello world,\nhow are you?\n", "none of the headers"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, "none of the headers"),
    "26 MB": (HEAD + b"\r\n" + b"x" * 26_000_000, "25,000,000"),
    "1,000 levels": (nested(1_000), "nested"),
    "200,000 parts": (many_parts(200_000), "parts"),
    "200 KB of recipients": (HEAD + b"Cc: " + b"a@example.com, " * 14_000 + b"\r\n\r\nHi", "longer"),
    "a header of 1 MB": (HEAD + b"X-Header: " + b"x" * 1_000_000 + b"\r\n\r\nHi", "longer"),
    "1,001 lines of headers": (HEAD + b"X: y\r\n" * 1_001 + b"\r\nHi", "lines"),
    "a mail with 501 parts inside": (HEAD + b"Content-Type: message/rfc822\r\n\r\n" + many_parts(501), "parts"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_mail_or_beyond_a_limit_is_refused_with_the_reason(name: str) -> None:
    raw, words = REFUSED[name]

    with pytest.raises(BadMail, match=words):
        read_received(raw)


def test_a_mail_at_its_limits_is_read() -> None:
    assert len(read_received(many_parts(499)).parts) == 498
    assert read_received(nested(30)).text == "Hi"
    assert read_received(HEAD + b"X-Header: " + b"x" * 64_000 + b"\r\n" + b"Y: z\r\n" * 990 + b"\r\nHi").text == "Hi"


def test_a_packed_file_stays_packed() -> None:
    bomb = zlib.compress(b"\0" * 50_000_000)

    assert read("Content-Type: application/zip", bomb).parts[0].size == len(bomb)


def test_a_read_mail_can_be_handed_to_another_process() -> None:
    mail = read(
        "Content-Type: message/delivery-status",
        "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@example.com\nAction: failed",
    )

    assert pickle.loads(pickle.dumps(mail)) == mail


@pytest.mark.parametrize("fold", [" \n ", "\n ", "\n\t", " \n\t"])
def test_a_boundary_that_is_folded_in_its_quotes_divides_the_mail(fold: str) -> None:
    head = f'From: a@b.example\nContent-Type: multipart/mixed; boundary="=_mixed{fold}0032="\n\n'
    for boundary in ("=_mixed 0032=", "=_mixed0032="):
        mail = read_received(f"{head}--{boundary}\nContent-Type: text/plain\n\nYes\n--{boundary}--\n".encode())
        assert mail.text == "Yes"


def test_words_that_a_list_adds_to_base64_are_left_out() -> None:
    head = b"From: a@b.example\nContent-Transfer-Encoding: base64\n\n"
    assert read_received(head + b"WWVzLCBwbGVhc2Uu\r\n\r\n--\r\nscanned by the list\r\n").text == "Yes, please."
    assert read_received(head + b"WWVzLCBw\n\nbGVhc2Uu\n\n").text == "Yes, please."


def test_a_soft_line_break_with_blanks_is_one() -> None:
    head = b"From: a@b.example\nContent-Transfer-Encoding: quoted-printable\n\n"
    assert read_received(head + b"Yes we =  \r\ncan =C3=BC = 1").text == "Yes we can ü = 1"


def test_lines_that_end_in_two_carriage_returns_are_lines() -> None:
    mail = read_received(b"From: a@b.example\nSubject: Hi\n\nYes\nplease".replace(b"\n", b"\r\r\n"))
    assert (mail.subject, mail.text) == ("Hi", "Yes\nplease")
