"""One text that is code in many languages, put wherever texts come from outside: it stays a text everywhere."""

from __future__ import annotations

import logging
import re
from email import message_from_bytes, policy
from email.message import Message
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from lib.transports.memory import MemoryTransport
from tests.support.heed import GMAIL, Heed, Response
from tests.support.inbound import receive
from tests.walls.cases import CASES
from tests.walls.test_matrix import paths_of, registered_routes
from tests.walls.two_organizations import TwoOrganizations

PRINTABLE = (
    "=1337*7331|' /C x'!A0 \"'>--></style></title><script>alert(1)</script><svg/onload=alert(1)>"
    "{{1337*7331}}${1337*7331}{%x%}%s{0} javascript:alert(1) \u202eevil"
)
"""Spreadsheet, attribute, comment, element, script, template, format string, URL, direction."""

LINES = (
    PRINTABLE + "\x1b[31mred\x07\r\nX-Injected: yes\r\n\r\n<script>\n2026-05-04 ERROR heed.fact {}\u2028next\x85next"
)
"""The same with a terminal's commands, and with lines for headers and logs."""

EVALUATED = "9801547"
"""What a template or a spreadsheet would make of it."""


class Elements(HTMLParser):
    """The elements of a page that run something."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "svg", "object", "embed") or any(name.startswith("on") for name, _ in attrs):
            self.running.append(tag)
        self.running += [f"{value}" for _, value in attrs if (value or "").strip().lower().startswith("javascript:")]


def running_in(html: str) -> list[str]:
    """List what would run in a page or in a mail's HTML."""
    elements = Elements()
    elements.feed(html)
    return elements.running


async def put(heed: Heed, method: str, path: str, body: Any, names: tuple[str, ...] = ()) -> Response:
    """Send a body whose fields of these names hold the text: with lines where that is taken, else without."""
    first: Response | None = None
    for text in (LINES, PRINTABLE, re.sub(r"[\x00-\x1f\u202e<>\"]", "", PRINTABLE)[:90]):
        answer = await heed.api(method, path, {**body, **dict.fromkeys(names, text)})
        first = first or answer
        assert answer.status in (200, 201, 202, 422), answer.body
        if answer.status != 422:
            return answer
    raise AssertionError(f"{path} takes no text at all: {first.body if first else b''!r}")


def outside_mail(message_id: str) -> bytes:
    """A mail whose headers hold the text: encoded, in quoted strings, and in its files' names."""
    encoded = "=?utf-8?q?" + "".join(f"={byte:02X}" for byte in LINES.encode()) + "?="
    raw = PRINTABLE.encode().replace(b'"', b'\\"')
    return b"\r\n".join(
        [
            f"From: {encoded} <ada@example.com>".encode(),
            b'To: "' + raw + b'" <acme-rep@acme.example>',
            f"Subject: Re: {encoded}".encode(),
            b"Message-ID: <" + b"<script>" + b"@example.com>",
            f"In-Reply-To: {message_id}".encode(),
            b"Date: Mon, 04 May 2026 09:20:00 +0000",
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="b"',
            b"",
            b"--b",
            b"Content-Type: text/html; charset=utf-8",
            b"",
            PRINTABLE.encode(),
            b"--b",
            b"Content-Type: text/x-" + b"<script>",
            f'Content-Disposition: attachment; filename="{encoded}"'.encode(),
            b"",
            b"x",
            b"--b--",
            b"",
        ]
    )


async def filled_with_polyglots() -> TwoOrganizations:
    """Make acme, with the text in every field that takes it, its mail sent, seen and answered."""
    heed = await Heed().start(inbound={"keep": "mail"})
    address = "ada@example.com"
    persons = ("name", "first_name", "last_name", "company", "title", "phone")
    await put(
        heed, "PUT", "/users/acme-rep", {"email": "acme-rep@acme.example", "opt_in": True}, (*persons, "signature")
    )
    for kind in ("contact", "opportunity"):
        fields = {"emails": [address] if kind == "contact" else [], "fields": {"note": PRINTABLE}}
        await put(heed, "PUT", f"/records/{kind}/acme-thing", fields, persons)
    await put(heed, "PUT", f"/consents/{address}", {"follow": "allow"}, ("source", "basis", "notice"))
    template = {"language": "en", "html": "<p>{{ recipient.name }} {{ regarding.name }} {{ sender.name }}</p>"}
    await put(heed, "PUT", "/templates/acme-thing", {**template, "subject": "{{ recipient.name }}"}, ("name",))
    await heed.put("/rules/acme-thing", {"when": {"from": "@example.com"}, "create": {"type": "task"}})
    recipient = {"type": "contact", "id": "acme-thing"}
    draft = {
        "from": "acme-rep",
        "to": [{"email": address, "name": PRINTABLE.replace("\u202e", ""), "record": recipient}],
        "html": "<p>Hi <a href='https://example.com/?q=%3Cscript%3E'>x</a></p>",
        "regarding": {"type": "opportunity", "id": "acme-thing", "name": PRINTABLE},
        "reminder": {"title": PRINTABLE, "condition": "always", "at": "2026-05-04T10:00:00Z"},
    }
    message = (await put(heed, "POST", "/messages", draft, ("subject",))).json["id"]
    for name in (LINES, PRINTABLE):
        query = f"filename={quote(name)}&followed=true"
        answer = await heed.api("POST", f"/messages/{message}/attachments?{query}", b"x")
        assert answer.status in (201, 422), answer.body
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    heed.clock.move(minutes=90)
    await heed.hit(heed.urls("o")[0], GMAIL + LINES.replace("\r", " ").replace("\n", " "))
    await heed.work()
    sent = await heed.get(f"/messages/{message}")
    inbound = await receive(heed, outside_mail(sent["message_id"]))
    await heed.tick("remind")
    await heed.work()
    world = TwoOrganizations(heed)
    card = (await heed.get("/cards", x_heed_user="acme-rep"))["items"][0]["id"]
    world.ids |= {
        "org": "acme",
        "user": "acme-rep",
        "type": "contact",
        "id": "acme-thing",
        "email": address,
        "link": "0",
        "message": message,
        "message_id": sent["message_id"],
        "inbound": inbound["id"],
        "card": card,
        "conversation": sent["conversation"],
        "attachment": sent["attachments"][0]["id"],
    }
    world.draft = inbound["message"]
    return world


def headers_of(part: Message) -> str:
    """All header values of a part, as they stand, and what they say once decoded."""
    return " ".join([*part.values(), *(f"{value}" for value in part.values())])


async def test_the_text_runs_in_no_page_mail_card_answer_or_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world = await filled_with_polyglots()
    heed, pages, shown = world.heed, 0, 0
    for route in registered_routes(heed):
        if route.method != "GET" or route.name not in CASES or "{org}" not in route.path:
            continue
        for message in (world.ids["message"], world.draft):
            [path, *_] = paths_of(route, CASES[route.name], world, message=message)
            answer = await heed.request("GET", path, key=heed.key, headers={"x-heed-user": "acme-rep"})
            kind = answer.headers["content-type"].partition(";")[0]
            text = answer.body.decode("utf-8", "replace")
            assert answer.headers["x-content-type-options"] == "nosniff", route
            assert not any("\r" in value or "\n" in value for value in answer.headers.values()), route
            assert EVALUATED not in text, route
            assert kind in ("application/json", "application/problem+json", "text/html", "message/rfc822"), route
            assert kind != "text/html" or running_in(text) == [], route
            pages += kind == "text/html"
            shown += "alert(1)" in text

    assert (pages > 0, shown > 20) == (True, True), "the text must be there to be harmless"
    assert isinstance(heed.transport, MemoryTransport)
    for sent in heed.transport.sent:
        mail = message_from_bytes(sent.mime, policy=policy.default)
        for part in mail.walk():
            assert "X-Injected" not in part
            assert EVALUATED not in headers_of(part)
            assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", headers_of(part))
        assert not re.search(rb"^X-Injected|[\x00-\x08\x0e-\x1f]", sent.mime, re.MULTILINE)
        html = mail.get_body(("html",))
        assert html is not None
        assert running_in(html.get_content()) == []
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("heed")]
    assert [line for line in lines if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", line)] == []


async def test_a_template_with_the_texts_renders_them_as_texts() -> None:
    world = await filled_with_polyglots()
    body = {
        "recipient": {"name": PRINTABLE, "email": "ada@example.com"},
        "sender": "acme-rep",
        "regarding": {"type": "opportunity", "id": "acme-thing", "name": PRINTABLE},
    }

    rendered = await world.heed.api("POST", "/templates/acme-thing/render", body)

    assert rendered.status == 200, rendered.body
    assert running_in(rendered.json["html"]) == []
    assert EVALUATED not in rendered.body.decode()
    assert "\n" not in rendered.json["subject"]
