"""An organization with mail in every state that the console shows."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from tests.support.cards import pass_time
from tests.support.heed import CHROME, Heed
from tests.support.inbound import answer_to, bounce_of, receive

ADA = {"email": "ada@example.com", "name": "Ada Lovett", "record": {"type": "contact", "id": "ada"}}
BOB = {"email": "bob@fabrikam.example", "name": "Bob Nuri", "record": {"type": "contact", "id": "bob"}}
ADA_RECORD = {
    "name": "Ada Lovett",
    "emails": ["ada@example.com", "a.lovett@example.com"],
    "title": "Head of purchasing",
    "company": "Lovett & Daughters",
    "owner": "rep1",
}
EVE = {"email": "eve@contoso.example", "name": "Eve Sato"}
SCANNER = "Mozilla/5.0 (compatible; Microsoft Outlook SafeLinks; +https://example.com)"
HTML = (
    '<p style="color:#234">Dear Ada,</p><p>here is <a href="https://shop.example/offer?b=1">our offer</a>, with '
    '<a href="https://shop.example/prices">prices</a>.</p><img src="https://elsewhere.example/pixel.png"><p>Rita</p>'
)
TEMPLATE = {
    "name": "First contact",
    "language": "en",
    "subject": "Hello, {{ recipient.first_name }}",
    "html": "<p>Hi</p>",
}


@dataclass
class World:
    """Ids of messages."""

    heed: Heed
    offer: str = ""
    """Read twice, clicked and answered, and looked at by machines."""

    quiet: str = ""
    """Sent, and not opened."""

    scanned: str = ""
    """Only machines have looked at it."""

    bounced: str = ""
    scheduled: str = ""
    draft: str = ""


async def make_world(heed: Heed | None = None) -> World:
    """Fill an organization, whose user rep1 is in Vienna."""
    heed = heed or await Heed().start(inbound={"keep": "excerpt"})
    user = {"email": "rep@acme.example", "name": "Rita Rep", "opt_in": True, "time_zone": "Europe/Vienna"}
    await heed.put("/users/rep1", {**user, "inbound": "all"})
    await heed.put("/templates/first", {**TEMPLATE, "subject": "Hello {{ recipient.first_name }}"})
    await heed.put("/templates/first", TEMPLATE)
    await heed.put("/templates/second", {**TEMPLATE, "name": "Second contact"})
    await heed.put("/records/contact/ada", ADA_RECORD)
    await heed.put("/records/contact/bob", {"name": "Bob Nuri", "emails": ["bob@fabrikam.example"]})
    world = World(heed)
    world.scanned = await _sent(heed, [EVE], "Renewal of your support contract")
    await _scan(heed)
    await pass_time(heed, seconds=30)
    world.bounced = await _sent(heed, [{"email": "gone@fabrikam.example", "name": "Gus Ort"}], "Invitation to our fair")
    await receive(heed, await bounce_of(heed, world.bounced, "gone@fabrikam.example"))
    world.quiet = await _sent(heed, [BOB, EVE], "Notes of our call on Friday")
    regarding = {"type": "opportunity", "id": "o114", "name": "Offer 2026-114"}
    world.offer = await _sent(heed, [ADA], "Your offer, as discussed", regarding=regarding)
    await _scan(heed)
    heed.clock.move(hours=3)
    await heed.hit(heed.urls("o")[0], x_forwarded_for="203.0.113.7")
    heed.clock.move(seconds=40)
    await heed.hit(heed.urls("c")[0], CHROME, x_forwarded_for="203.0.113.7")
    await heed.work()
    await pass_time(heed, hours=26)
    await heed.hit(heed.urls("o")[0], x_forwarded_for="198.51.100.9")
    await heed.work()
    await pass_time(heed, seconds=60)
    await heed.services.assessor.refresh("acme", world.offer)
    text = "Dear Rita,\n\nthat looks good. Can we talk about the delivery dates tomorrow?\n\nAda\n\n> Dear Ada,"
    await receive(heed, _dated(heed, await answer_to(heed, world.offer, text, subject="Re: Your offer, as discussed")))
    world.draft = await heed.draft(to=[BOB], subject="Draft for Bob")
    reminder = {"title": "Call Bob", "condition": "no_reply", "at": "2026-05-20T07:00:00Z"}
    world.scheduled = await heed.draft(
        to=[BOB], subject="Prices for next year", deliver_at="2026-05-12T07:00:00Z", reminder=reminder
    )
    await heed.post(f"/messages/{world.scheduled}/send")
    await heed.work()
    await pass_time(heed, minutes=5)
    return world


def _dated(heed: Heed, mail: bytes) -> bytes:
    """Let a mail be written now."""
    return mail.replace(b"Mon, 04 May 2026 09:20:00 +0000", format_datetime(heed.clock.now()).encode())


async def _sent(heed: Heed, to: list[Any], subject: str, **fields: Any) -> str:
    message = await heed.draft(to=to, subject=subject, html=HTML, **fields)
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    return message


async def _scan(heed: Heed) -> None:
    """Let a mail filter follow every link seconds after sending."""
    heed.clock.move(seconds=3)
    for path in (*heed.urls("o"), *heed.urls("c")):
        await heed.hit(path, CHROME, x_forwarded_for="40.94.31.5")
        heed.clock.move(seconds=1)
    await heed.work()
    await pass_time(heed, seconds=20)
