"""A stop over a whole Heed with real storage: answers stay, and nothing new of the recipient is anywhere."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

from lib.tokens import KeyRing, Purpose
from tests.end_to_end.running import Running, eventually
from tests.end_to_end.searching import Searched
from tests.end_to_end.test_a_followed_mail import html_part
from tests.support.heed import TOKEN_KEYS

LINK = "https://example.com/offer?id=7&x=%20y"


class Sent:
    """A mail that went out to one address, with its URLs."""

    def __init__(self, heed: Running, key: str, organization: str) -> None:
        self._heed, self._key, self.organization = heed, key, organization
        self.path, self.urls = "", list[str]()

    async def send(self, email: str) -> Sent:
        """Send it."""
        subject = f"Your offer {uuid4().hex}"
        html = '<p>Here is <a href="https://example.com/offer?id=7&amp;x=%20y">the offer</a>.</p>'
        draft = {"from": "rep1", "to": [{"email": email}], "subject": subject, "html": html}
        messages = f"/api/orgs/{self.organization}/messages"
        _, message = await self._heed.request("POST", messages, key=self._key, json=draft)
        self.path = f"{messages}/{message['id']}"
        _, added = await self._heed.request(
            "POST", f"{self.path}/attachments?filename=a.pdf&followed=true", key=self._key, data=b"%PDF-1.7 an offer"
        )
        assert added["followed"]
        await self._heed.request("POST", f"{self.path}/send", key=self._key)
        html = html_part(await eventually(lambda: self._heed.inbox(subject)))
        self.urls = re.findall(r'(?:src|href)="([^"]+/[oca]/[^"]+)"', html)
        assert len(self.urls) == 3
        return self

    async def visit(self, urls: list[str] | None = None) -> list[tuple[int, bool]]:
        """Ask for pixel, link and file: (status, whether there is a place to go to)."""
        answers = [await self._heed.visit(url) for url in sorted(urls or self.urls)]
        return [(status, location is not None) for status, location in answers]

    async def raw(self) -> Any:
        """The raw counts."""
        return (await self._heed.request("GET", self.path, key=self._key))[1]["kpis"]["raw"]

    async def counted(self, opens: int) -> Any:
        """The raw counts, once there are so many opens."""

        async def look() -> Any:
            raw = await self.raw()
            return raw if raw["opens"] == opens and raw["clicks"] == opens else None

        return await eventually(look)


def old_form(url: str) -> str:
    """The URL as earlier releases made it: its token names no address."""
    ring = KeyRing.parse(TOKEN_KEYS)

    def old(found: re.Match[str]) -> str:
        purpose = {"o": Purpose.OPEN, "c": Purpose.CLICK, "a": Purpose.ATTACHMENT}[found[1]]
        claim = ring.open(purpose, found[2])
        assert claim is not None
        assert claim.address is not None
        return f"/{found[1]}/{ring.mint(purpose, claim._replace(address=None))}"

    return re.sub(r"/([oca])/([\w-]+)", old, url)


async def test_after_a_stop_nothing_new_of_the_recipient_is_anywhere(searched: Searched) -> None:
    heed, servers = searched
    organization = f"stop{uuid4().hex[:8]}"
    key = await heed.organization(organization)
    ada = await Sent(heed, key, organization).send("ada@example.com")
    bob = await Sent(heed, key, organization).send("bob@example.com")
    message, other = (sent.path.rpartition("/")[2].encode() for sent in (ada, bob))

    async def naming(wanted: bytes) -> dict[str, bytes]:
        """The places that name a message."""
        return {place: data async for place, data in servers.places(organization) if wanted in data}

    async def settled() -> dict[str, bytes]:
        """The places that name Ada's message, when all that the sending brings is done."""
        before = await naming(message)
        await asyncio.sleep(0.5)
        return before if before == await naming(message) else {}

    consents = f"/api/orgs/{organization}/consents/ada@example.com"
    status, _ = await heed.request("PUT", consents, key=key, json={"follow": "do_not_allow"})
    assert status == 200
    before = await eventually(settled)

    answers = [await ada.visit(), await ada.visit([old_form(url) for url in ada.urls])]
    # When another recipient's hits of later are counted, these would have been, too.
    await bob.visit()
    await bob.counted(1)

    async def is_as_before() -> bool:
        return bool(await naming(message) == before)

    assert answers == [[(302, True), (302, True), (200, False)]] * 2
    await eventually(is_as_before)
    assert {place.split()[0] for place in await naming(other)} > {
        f"heed{organization}facts",
        f"heed{organization}journal",
    }
    assert (await ada.raw()) == {"opens": 0, "clicks": 0, "attachment_views": 0}
