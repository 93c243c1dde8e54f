"""An erasure over a whole Heed: nothing is left in any table, blob, queue, file or log, and nothing comes back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from lib.clock import SetClock
from lib.storage import Row, Upsert
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from lib.tracking.journal import FACTS_ROW, LOG_MARK, facts_of, queue_body
from tests.end_to_end.running import ADMIN_KEY, Running, eventually
from tests.end_to_end.searching import Searched, Servers
from tests.end_to_end.test_a_followed_mail import html_part
from tests.end_to_end.test_recipient_page import page_in
from tests.support.heed import Heed

SETTINGS: dict[str, Any] = {
    "inbound": {"keep": "mail", "smart_matching": True},
    "alert_on": "any",
    "recipients_page": True,
    "mixed_recipients": "split",
}
NOTHING = {"opens": 0, "clicks": 0, "attachment_views": 0}


@dataclass(slots=True)
class Known:
    """Someone of whom an organization holds everything that it can hold."""

    heed: Running
    servers: Servers
    organization: str
    key: str = ""
    local_part: str = field(default_factory=lambda: f"o'quetzal+of.the_longer.tail-{uuid4().hex}")
    subject: str = field(default_factory=lambda: f"Offer {uuid4().hex}")
    messages: dict[str, str] = field(default_factory=dict)
    page: str = ""
    own: bytes = b""

    @property
    def email(self) -> str:
        return f"{self.local_part}@example.com"

    @property
    def base(self) -> str:
        return f"/api/orgs/{self.organization}"

    async def api(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        status, answer = await self.heed.request(method, self.base + path, key=self.key, json=body, user="rep1", **more)
        assert status < 300, answer
        return answer

    async def make(self) -> Known:
        """Make the organization, and let all of it come about."""
        self.key = await self.heed.organization(self.organization)
        settings = {"settings": SETTINGS}
        assert (await self.heed.request("PATCH", self.base, key=ADMIN_KEY, json=settings))[0] == 200
        await self.api("PUT", "/records/contact/q1", {"name": "Ada", "emails": [self.email], "owner": "rep1"})
        await self.api("PUT", f"/consents/{quote(self.email)}", {"follow": "allow", "source": f"from {self.email}"})
        rule = {"when": {"from": "@example.com"}, "create": {"type": "task", "fields": {"due_in_hours": 24}}}
        await self.api("PUT", "/rules/r1", rule)
        await self.send_and_use()
        await self.answer()
        await self.hold_back()
        await self.ask_by_page()
        await self.be_reminded()
        return self

    async def send_and_use(self) -> None:
        """Send a mail with a file, and open, click and view; and one to others, too."""
        html = (
            f'<p>For {escape(self.email)}: <a href="https://example.com/a?who={quote(self.email, safe="")}">it</a></p>'
        )
        to = {"email": self.email, "name": "Ada", "record": {"type": "contact", "id": "q1"}}
        at = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
        reminder = {"title": f"Ask {self.email}", "condition": "always", "at": at}
        draft = {"from": "rep1", "to": [to], "subject": self.subject, "html": html, "reminder": reminder}
        path = await self.post("alone", draft)
        file = f"{path}/attachments?filename={quote(f'for {self.email}.pdf')}&followed=true"
        await self.api("POST", file, data=b"%PDF-1.7 an offer")
        await self.api("POST", f"{path}/send")
        mail = await eventually(lambda: self.heed.inbox(self.subject))
        self.page = page_in(mail)
        for url in re.findall(r'(?:src|href)="([^"]+/[oca]/[^"]+)"', html_part(mail)):
            await self.heed.visit(url)

        both = {**draft, "to": [to, {"email": "bob@example.com"}], "subject": f"{self.subject} for both"}
        del both["reminder"]
        await self.api("POST", f"{await self.post('both', both)}/send")
        await eventually(lambda: self.counted(1))

    async def post(self, name: str, draft: Any) -> str:
        """Make a message; its path."""
        made = await self.api("POST", "/messages", draft, idempotency_key=uuid4().hex)
        self.messages[name] = made["id"]
        return f"/messages/{made['id']}"

    async def counted(self, each: int) -> bool:
        raw = (await self.api("GET", f"/messages/{self.messages['alone']}"))["kpis"]["raw"]
        return set(raw.values()) == {each}

    def mail(self, sender: str, text: str, encoding: str = "quoted-printable", **headers: str) -> bytes:
        """A mail to rep1 with a text and its HTML, encoded like this."""
        mail = EmailMessage()
        mail["From"], mail["To"] = sender, "Rita Rep <rita@acme.example>"
        mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), f"<{uuid4().hex}@example.com>"
        for name, value in {"Subject": f"Re: {self.subject}", **headers}.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text, cte=encoding)
        mail.add_alternative(f"<p>{escape(text)}</p>", subtype="html", cte=encoding)
        return mail.as_bytes()

    async def answer(self) -> None:
        """Let the subject answer and bounce, and another write of them."""
        sent = await self.api("GET", f"/messages/{self.messages['alone']}")
        both = await eventually(lambda: self.sent("both"))
        answers = {"In_Reply_To": sent["message_id"], "References": sent["message_id"]}
        long = f"{'A long line before the address, as many mail programs write it. ' * 3}{self.email} is mine."
        self.own = self.mail(f'"Ada O\'Quetzal" <{self.email}>', long, **answers)
        about = {"In_Reply_To": both["message_id"]}
        mails = [
            self.own,
            self.mail("Bob <bob@example.com>", f"I asked {self.email}.", "base64", **about),
            self.mail("Bob <bob@example.com>", "See below.", Subject=f"Zoë sah {self.email} nicht", **about),
            self.enclosing(self.own, **about),
            self.bounce(both["message_id"]),
        ]
        for mail in mails:
            taken = await self.api("POST", "/inbound", data=mail)
            assert taken["outcome"] in ("tracked", "queued"), taken

        async def has_come() -> Any:
            replies = (await self.api("GET", f"/messages/{self.messages['alone']}"))["kpis"]["replies"]
            tasks = (await self.api("GET", "/activities?type=task"))["items"]
            return replies == 1 and tasks

        await eventually(has_come)

    async def sent(self, name: str) -> Any:
        read = await self.api("GET", f"/messages/{self.messages[name]}")
        return read if read["status"] == "sent" else None

    def enclosing(self, mail: bytes, **headers: str) -> bytes:
        """A mail of Bob's with another one as a file in base64, which names the subject nowhere else."""
        outer = EmailMessage()
        outer["From"], outer["To"], outer["Subject"] = "Bob <bob@example.com>", "rita@acme.example", "As a file"
        outer["Date"], outer["Message-ID"] = format_datetime(datetime.now(UTC)), f"<{uuid4().hex}@example.com>"
        for name, value in headers.items():
            outer[name.replace("_", "-")] = value
        outer.set_content("Look at the file.")
        outer.add_attachment(mail, maintype="application", subtype="octet-stream", filename="mail.eml")
        return outer.as_bytes()

    def bounce(self, message_id: str) -> bytes:
        """A report that a mail did not arrive (RFC 3464)."""
        return (
            "From: MAILER-DAEMON@mx.example.com\nTo: rita@acme.example\nSubject: Undelivered Mail\n"
            f"Message-ID: <bounce-{self.email}@mx.example.com>\nReturn-Path: <>\nMIME-Version: 1.0\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            "--b\nContent-Type: text/plain\n\nIt could not be delivered.\n"
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n\n"
            f"Final-Recipient: rfc822; {self.email}\nAction: failed\nStatus: 5.1.1\n"
            f"Diagnostic-Code: smtp; 550 5.1.1 <{self.email}>: no such user\n"
            f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\nTo: {self.email}\n--b--\n"
        ).encode()

    async def hold_back(self) -> None:
        """Have a draft, a large one, and a mail that waits for its time."""
        to = [{"email": self.email}]
        draft = {"from": "rep1", "to": to, "html": f"<p>{escape(self.email)} {'x' * 40_000}</p>"}
        await self.post("draft", draft)
        later = await self.post("later", {**draft, "deliver_at": "2099-05-04T09:00:00Z"})
        await self.api("POST", f"{later}/send")
        card = next(each for each in (await self.api("GET", "/cards"))["items"] if "call" in each["actions"])
        await self.api("POST", f"/cards/{card['id']}/call")

    async def ask_by_page(self) -> None:
        """Ask for the link that proves who one is, and have an export of everything."""
        async with aiohttp.ClientSession() as session, session.post(self.page, data={"action": "see"}) as answer:
            assert answer.status == 200
        await self.job("GET", self.email)
        await self.job("GET", "bob@example.com")

    async def job(self, method: str, email: str) -> Any:
        """Have a job done; it."""
        begun = await self.api(method, f"/subjects/{quote(email)}")

        async def ended() -> Any:
            read = await self.api("GET", f"/jobs/{begun['job']}")
            return read if read["finished_at"] else None

        job = await eventually(ended)
        assert job["status"] == "done", job
        return job

    def later(self, **by: float) -> Heed:
        """Another instance on the same storage and queues, whose clock is ahead."""
        clock = SetClock(datetime.now(UTC) + timedelta(**by))
        return Heed(clock=clock, storage=self.servers.storage, transport=None)

    async def be_reminded(self) -> None:
        """Let the time of the reminder come."""
        await self.later(hours=1).tick("remind")

        async def has_card() -> bool:
            return "reminder" in {each["kind"] for each in (await self.api("GET", "/cards"))["items"]}

        await eventually(has_card)

    async def remains(self) -> list[str]:
        return await self.servers.remains(self.organization, self.local_part)

    async def recorded(self) -> dict[str, Any]:
        """What is recorded of the mail to the subject alone, wherever Heed shows or keeps it."""
        message = self.messages["alone"]
        read = await self.api("GET", f"/messages/{message}")
        cards = (await self.api("GET", "/cards"))["items"]
        return {
            "raw": read["kpis"]["raw"],
            "replies": read["kpis"]["replies"],
            "timeline": (await self.api("GET", f"/messages/{message}/timeline"))["items"],
            "cards": [each["kind"] for each in cards if each["message"] == message and each["kind"] != "reminder"],
            "facts": [fact.kind for fact in await self.facts_in("facts") if self.is_theirs(fact)],
            "journal": [fact.kind for fact in await self.facts_in("journal") if self.is_theirs(fact)],
        }

    def is_theirs(self, fact: Fact) -> bool:
        """Whether a fact tells of the subject, who is the first recipient of the mail to both."""
        return fact.message == self.messages["alone"] or (fact.message == self.messages["both"] and not fact.recipient)

    def rows(self, kind: str) -> AsyncIterator[Row]:
        return self.servers.storage.tables.query(table(self.organization, kind), EVERYTHING)

    async def facts_in(self, kind: str) -> list[Fact]:
        """The facts that stand in a table of the organization."""
        return [fact async for row in self.rows(kind) if "f0" in row.values for fact in facts_of(row)]


async def test_an_erasure_leaves_nothing_and_nothing_comes_back(searched: Searched) -> None:
    heed, servers = searched
    known = await Known(heed, servers, f"erase{uuid4().hex[:8]}").make()
    before = await known.remains()
    kinds = {each.split()[0].removeprefix(f"heed{known.organization}") for each in before}
    assert kinds == {"messages", "people", "cards", "blob", "index", "feed"}, kinds
    log = len(heed.log.read_bytes())
    yesterday = [row async for row in known.rows("journal") if row.key == FACTS_ROW]
    assert {fact.kind for row in yesterday for fact in facts_of(row)} == {
        "open",
        "click",
        "attachment_view",
        "reply",
        "bounce",
    }

    await known.job("DELETE", known.email)

    assert await known.remains() == []
    await eventually(lambda: is_gone_from_disk(known))  # Azurite writes every five seconds
    gone = {"raw": NOTHING, "replies": 0, "timeline": [], "cards": [], "facts": [], "journal": []}
    assert await known.recorded() == gone
    [tombstone] = [row async for row in known.rows("privacy") if row.partition == "erased"]
    assert re.fullmatch(r"[0-9a-f]{32}", tombstone.key)
    assert not tombstone.values.keys() - {"v", "at"}

    kept = {fact.key for fact in await known.facts_in("journal")}

    await replay(known, yesterday)
    for mail in (
        known.own,
        known.bounce((await known.api("GET", f"/messages/{known.messages['both']}"))["message_id"]),
    ):
        await known.api("POST", "/inbound", data=mail)
    other = known.later(hours=2)
    for timer in ("sweep_journal", "tidy_jobs"):
        await other.tick(timer)

    await eventually(lambda: is_worked_off(known, kept))
    assert await known.recorded() == gone
    assert await known.remains() == []
    assert log < len(heed.log.read_bytes())


async def is_gone_from_disk(known: Known) -> bool:
    await asyncio.sleep(0.5)
    return known.servers.on_disk(known.local_part) == []


async def is_worked_off(known: Known, kept: set[str]) -> bool:
    """Whether nothing waits, and the journal holds these facts alone, which are of others.

    Looks wait for a later day: they hold ids of messages alone.
    """
    waiting = [body async for _, body in known.servers.messages() if known.organization.encode() in body]
    return (
        all(b'"messages": ["' in body for body in waiting)
        and {fact.key for fact in await known.facts_in("journal")} == kept
    )


async def replay(known: Known, rows: list[Row]) -> None:
    """Put back the journal of before, the queue messages that told of it, and the lines that a log would hold of it."""
    storage, lines = known.servers.storage, list[str]()
    for row in rows:
        facts = [fact.to_json() for fact in facts_of(row)]
        await storage.tables.write_rows(
            table(known.organization, "journal"), [Upsert(Row(row.partition, row.key, row.values))]
        )
        for body in (queue_body(known.organization, facts, [row.partition]), queue_body(known.organization, facts)):
            await storage.queues.send("interactions", body)
        lines += [f'{LOG_MARK}{{"org":"{known.organization}","fact":{fact}}}' for fact in facts]
    assert lines
    status, answer = await known.heed.request("POST", "/api/ops/replay", key=ADMIN_KEY, data="\n".join(lines).encode())
    assert (status, answer["skipped"]) == (200, 0)
