"""Simulating: what would become of a mail; nothing is stored, nothing is sent, and a hostile mail does no harm."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from typing import Any

import pytest

from lib.storage.memory import MemoryQueues, MemoryTables
from lib.transports.memory import MemoryTransport
from tests.support.heed import BASE_URL, Heed

HTML = '<p>Hi <a href="https://example.com/offer">offer</a></p>'
BODY = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": "Hello", "html": HTML}


def a_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Rita <rep@acme.example>"
    mail["To"] = "Ada Lovelace <ada@example.com>, bob@example.com"
    mail["Cc"] = "cy@example.com"
    mail["Subject"] = "Grüße aus Wien"
    mail.set_content("Hi https://example.com/offer")
    mail.add_alternative(HTML, subtype="html")
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="offer.pdf")
    return mail


def raw(headers: str, body: str = "Hi") -> str:
    return f"From: rep@acme.example\r\nTo: ada@example.com\r\n{headers}\r\n\r\n{body}"


def everything_in(heed: Heed) -> str:
    tables, queues = heed.storage.tables, heed.storage.queues
    assert isinstance(tables, MemoryTables)
    assert isinstance(queues, MemoryQueues)
    rows = {name: [dict(each.rows) for each in partitions.values()] for name, partitions in tables._tables.items()}
    return f"{rows} {queues.waiting} {heed.storage.blobs._containers}"  # type: ignore[attr-defined]


async def test_a_message_shows_what_would_be_followed_and_what_it_would_look_like(heed: Heed) -> None:
    answer = await heed.post("/simulate", BODY)

    [copy] = answer["copies"]
    assert (answer["follow_state"]["state"], copy["follow_state"]["state"]) == ("on", "on")
    assert f"{BASE_URL}/c/" in copy["html"]
    assert copy["links"] == ["https://example.com/offer"]
    assert answer["sender_copy"]["html"] == HTML
    [ada] = answer["recipients"]
    assert (ada["email"], ada["follow"]) == ("ada@example.com", True)
    assert b"Subject: Hello" in base64.b64decode(copy["mime"])


async def test_a_name_that_another_program_has_folded_within_its_quotes_is_one_name(heed: Heed) -> None:
    mime = raw('Cc: "Lovelace,\r\n Ada" <ada2@example.com>,\r\n "Hopper,\r\n\tGrace" <grace@example.com>')

    answer = await heed.post("/simulate", {"mime": mime})

    named = {each["email"]: each["name"] for each in answer["recipients"]}
    assert named == {"ada@example.com": "", "ada2@example.com": "Lovelace, Ada", "grace@example.com": "Hopper, Grace"}


async def test_nothing_is_stored_and_nothing_sent(heed: Heed) -> None:
    before = everything_in(heed)

    await heed.post("/simulate", BODY)
    await heed.post("/simulate", {"mime": a_mail().as_string()})

    assert everything_in(heed) == before
    assert isinstance(heed.transport, MemoryTransport)
    assert heed.transport.sent == []


async def test_each_copy_is_shown_with_why() -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/consents/bob@example.com", {"follow": "do_not_allow"})

    answer = await heed.post("/simulate", {**BODY, "cc": [{"email": "bob@example.com"}]})

    assert [
        ([each["email"] for each in copy["recipients"]], copy["follow_state"]["state"]) for copy in answer["copies"]
    ] == [(["ada@example.com"], "on"), (["bob@example.com"], "blocked")]
    assert answer["recipients"][1]["because"] == "The address's newest consent says no to following."


async def test_of_very_many_copies_some_are_shown_the_clean_one_with_them() -> None:
    heed = await Heed().start(mixed_recipients="split")
    await heed.put("/consents/r7@example.com", {"follow": "do_not_allow"})

    to = [{"email": f"r{number}@example.com"} for number in range(300)]
    answer = await heed.post("/simulate", {**BODY, "to": to})

    assert [copy["follow_state"]["state"] for copy in answer["copies"]] == ["on"] * 4 + ["blocked"]
    assert (answer["remarks"][0]["code"], "295 more" in answer["remarks"][0]["text"]) == ("more-copies", True)
    assert sum(each["follow"] for each in answer["recipients"]) == 299


@pytest.mark.parametrize("encoded", [False, True])
async def test_a_raw_mail_is_read_as_it_is_or_in_base64(heed: Heed, encoded: bool) -> None:
    mime = base64.b64encode(a_mail().as_bytes()).decode() if encoded else a_mail().as_string()

    answer = await heed.post("/simulate", {"mime": mime})

    assert [(each["name"], each["email"], each["field"]) for each in answer["recipients"]] == [
        ("Ada Lovelace", "ada@example.com", "to"),
        ("", "bob@example.com", "to"),
        ("", "cy@example.com", "cc"),
    ]
    [copy] = answer["copies"]
    assert f"{BASE_URL}/c/" in copy["html"]
    assert f"{BASE_URL}/c/" in copy["text"]
    assert [remark["code"] for remark in answer["remarks"]] == ["other-parts"]
    assert "application/pdf" in answer["remarks"][0]["text"]


async def test_the_sender_is_who_is_named_or_acts_or_stands_in_from(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "two@acme.example"})

    named = await heed.post("/simulate", {"mime": raw("Subject: x"), "from": "rep2"})
    acting = await heed.api("POST", "/simulate", {"mime": raw("Subject: x")}, x_heed_user="rep2")
    found = await heed.post("/simulate", {"mime": raw("Subject: x")})
    unknown = await heed.api("POST", "/simulate", {"mime": raw("Subject: x").replace("rep@", "nobody@")})

    assert "opted in" in named["follow_state"]["reason"]
    assert "opted in" in acting.json["follow_state"]["reason"]
    assert found["follow_state"]["state"] == "on"
    assert (unknown.status, unknown.json["errors"][0]["loc"]) == (422, ["from"])


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["from"]),
        ({"from": "rep1", "html": "x"}, ["to"]),
        ({**BODY, "html": None}, ["html"]),
        ({**BODY, "from": "nobody"}, ["from"]),
        ({"mime": "no colon, no base64"}, ["mime"]),
        ({"mime": "From: rep@acme.example\r\n\r\nHi"}, ["mime"]),
        ({"mime": "From: rep@acme.example\r\nTo: not an address\r\n\r\nHi"}, ["mime", "to", 0, "email"]),
        ({"mime": "aGVsbG8="}, ["mime"]),
    ],
)
async def test_what_is_missing_is_named(heed: Heed, body: dict[str, Any], loc: list[str | int]) -> None:
    answer = await heed.api("POST", "/simulate", body)

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, loc)


async def test_either_a_mail_or_its_fields_are_given(heed: Heed) -> None:
    assert (await heed.api("POST", "/simulate", {**BODY, "mime": raw("Subject: x")})).status == 422


def nested(depth: int) -> str:
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="b{number}"\r\n\r\n--b{number}\r\n' for number in range(depth)
    )
    return f"From: rep@acme.example\r\nTo: ada@example.com\r\n{opened}\r\nHi"


HOSTILE = {
    "nested multiparts": (nested(2_000), "nested"),
    "very many parts": (raw('Content-Type: multipart/mixed; boundary="b"', "--b\r\n\r\nx\r\n" * 50_000), "parts"),
    "very many header lines": (raw("Subject: x\r\n" * 20_000), "lines"),
    "very many lines like a boundary": (
        raw('Content-Type: multipart/mixed; boundary="b"', "\r\n--bb" * 20_000),
        "boundary",
    ),
    "a header without end": (raw("Cc: " + "a@example.com, " * 20_000), "longer"),
    "a subject without end": (raw("Subject: " + "=?utf-8?q?x?= " * 20_000), "longer"),
    "parameters without end": (raw("Content-Type: text/plain" + ";a" * 500_000), "longer"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_mail_beyond_a_limit_is_refused(heed: Heed, name: str) -> None:
    mime, word = HOSTILE[name]

    answer = await heed.api("POST", "/simulate", {"mime": mime})

    assert answer.status == 422
    assert word in answer.json["detail"]


TOO_LARGE = {
    "html": ({**BODY, "html": "x" * 2_000_001}, "2,000,000"),
    "text": ({**BODY, "text": "ü" * 500_001}, "1,000,000"),
    "a raw mail": ({"mime": raw("Subject: x", "x" * 25_000_000)}, "25,000,000"),
    "a raw mail's html": ({"mime": raw("Content-Type: text/html", "x" * 2_000_001)}, "2,000,000"),
    "a raw mail's text": ({"mime": raw("Subject: x", "x" * 3_000_000)}, "1,000,000"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_a_mail_that_is_too_large_is_refused_as_that(heed: Heed, name: str) -> None:
    body, limit = TOO_LARGE[name]

    answer = await heed.api("POST", "/simulate", body)

    assert answer.status == 413
    assert f"at most {limit}" in answer.json["detail"]


@pytest.mark.parametrize(
    ("html", "text"), [("x" * 2_000_000, None), ("<p>Hi", "x" * 1_000_000), ("ü" * 1_000_000, "ü" * 500_000)]
)
async def test_a_mail_as_large_as_one_may_be_is_shown(heed: Heed, html: str, text: str | None) -> None:
    answer = await heed.post("/simulate", {**BODY, "html": html, "text": text})

    assert answer["sender_copy"]["html"] == html


ODD = {
    "a mail in a mail in a mail": "Content-Type: message/rfc822",
    "comments in comments": "Cc: " + "(" * 3_000 + ")" * 3_000,
    "groups in groups": "Cc: " + "g:" * 3_000,
    "encoded words that never end": "Subject: " + "=?utf-8?q?" * 5_000,
    "an encoded word in broken base64": "Subject: =?utf-8?b?aGVsb?=",
    "a name in broken base64": "From: =?utf-8?b?aGVsb?= <rep@acme.example>",
    "an unknown character set": "Content-Type: text/plain; charset=no-such",
    "a character set that takes for ever": "Content-Type: text/plain; charset=idna",
    "a character set that runs code": "Content-Type: text/plain; charset=unicode_escape",
    "a character set with a zero byte": "Content-Type: text/plain; charset=\x00",
    "broken base64": "Content-Transfer-Encoding: base64",
    "a boundary that is nowhere": 'Content-Type: multipart/mixed; boundary="b"\r\nSubject: x',
    "a multipart without a boundary": "Content-Type: multipart/mixed",
    "an injected header": "Subject: =?utf-8?q?x=0D=0ABcc:_eve@example.com?=",
    "bytes of no character set": "Subject: \udcff\ud800".encode("utf-8", "replace").decode(),
    "a header without a name": ": x\r\n :y",
}


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_mail_is_read_as_far_as_it_goes_or_refused(heed: Heed, name: str) -> None:
    body = base64.b64encode(b"\xff\xfe" * 10_000).decode() if "base64" in name else "xn--" + "a" * 50_000
    answer = await heed.api("POST", "/simulate", {"mime": raw(ODD[name], body)})

    assert answer.status in (200, 422)
    if answer.status == 200:
        mime = base64.b64decode(answer.json["copies"][0]["mime"])
        assert b"\nBcc:" not in mime
        assert [each["email"] for each in answer.json["recipients"]] == ["ada@example.com"]


async def test_many_names_with_brackets_are_all_read(heed: Heed) -> None:
    names = ", ".join(f'"Ada {number} (Sales)" <ada{number}@example.com>' for number in range(300))

    answer = await heed.post("/simulate", {"from": "rep1", "mime": f"To: {names}\r\n\r\nHello"})

    assert len(answer["recipients"]) == 300
    assert answer["recipients"][299]["name"] == "Ada 299 (Sales)"


PLAIN = "Content-Type: text/plain\r\n\r\nsee https://example.com/offer\r\n"
SEALED = {
    "S/MIME, detached": (
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b',
        f"--b\r\n{PLAIN}\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nMIA=\r\n--b--\r\n",
        "signed",
    ),
    "PGP/MIME": (
        'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="b"',
        f"--b\r\n{PLAIN}\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\niQ==\r\n--b--\r\n",
        "signed",
    ),
    "PGP/MIME inside a list's mail": (
        "Content-Type: multipart/mixed; boundary=a",
        "--a\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n"
        f"--b\r\n{PLAIN}\r\n--b--\r\n--a\r\n{PLAIN}\r\n--a--\r\n",
        "signed",
    ),
    "PGP/MIME, encrypted": (
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
        "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n",
        "encrypted",
    ),
    "S/MIME, opaque": (
        "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m",
        "MIA=\r\n",
        "signed",
    ),
    "S/MIME, encrypted": ("Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data", "MIA=\r\n", "encrypted"),
    "S/MIME of old": (
        "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=SMIME.P7M",
        "MIA=\r\n",
        "encrypted",
    ),
}


@pytest.mark.parametrize("name", SEALED)
@pytest.mark.parametrize("encoded", [False, True])
async def test_a_mail_that_is_signed_or_encrypted_stays_as_it_is_and_says_why(
    heed: Heed, name: str, encoded: bool
) -> None:
    headers, body, seal = SEALED[name]
    mime = raw(f"Subject: Hello\r\n  there\r\n{headers}", body)

    answer = await heed.post("/simulate", {"mime": base64.b64encode(mime.encode()).decode() if encoded else mime})

    [copy] = answer["copies"]
    assert base64.b64decode(copy["mime"]) == base64.b64decode(answer["sender_copy"]["mime"]) == mime.encode()
    assert copy["headers"]["Subject"] == "Hello there"
    assert BASE_URL not in f"{copy['html']} {copy['text']}"
    assert (answer["follow_state"]["state"], copy["follow_state"]["state"], copy["links"]) == ("blocked", "blocked", [])
    assert [each["follow"] for each in answer["recipients"]] == [False]
    [remark] = answer["remarks"]
    assert (remark["code"], seal in remark["text"]) == ("signed", True)
    assert seal in answer["follow_state"]["reason"]


async def test_the_state_of_a_signed_mail_is_that_of_any_mail_where_it_is_not_followed_anyway(heed: Heed) -> None:
    headers, body, _ = SEALED["PGP/MIME"]

    answer = await heed.post("/simulate", {"mime": raw(headers, body), "follow": False})

    assert answer["follow_state"]["state"] == "off"


@pytest.mark.parametrize("kind", ["application/pgp-keys", "application/octet-stream; name=a.p7m", "message/rfc822"])
async def test_a_mail_that_only_holds_something_signed_is_followed(heed: Heed, kind: str) -> None:
    enclosed = f"Content-Type: {kind}\r\n\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n"
    mime = raw("Content-Type: multipart/mixed; boundary=b", f"--b\r\n{PLAIN}\r\n--b\r\n{enclosed}--b--\r\n")

    answer = await heed.post("/simulate", {"mime": mime})

    assert answer["follow_state"]["state"] == "on"
    assert f"{BASE_URL}/c/" in answer["copies"][0]["text"]


async def test_a_text_that_is_signed_inside_is_left_alone_and_the_rest_of_the_mail_is_followed(heed: Heed) -> None:
    block = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nsee https://e.example/x\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"
    )

    answer = await heed.post("/simulate", {**BODY, "text": f"https://example.com/offer\n{block}"})

    [copy] = answer["copies"]
    assert copy["text"].endswith(block)
    assert copy["text"].startswith(f"{BASE_URL}/c/")
    assert f"{BASE_URL}/o/" in copy["html"]
    assert [(each["code"], each["place"]) for each in answer["remarks"]] == [("signed", "text line 2, column 1")]
