"""A stop over a whole Heed with real storage: answers stay, and nothing new of the recipient is anywhere."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from infra.local.servers.azurite import Azurite
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import KINDS, table
from lib.storage.protocols import EVERYTHING
from tests.end_to_end.running import Running, eventually
from tests.end_to_end.test_a_followed_mail import html_part

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

    async def visit(self) -> list[tuple[int, bool]]:
        """Ask for pixel, link and file: (status, whether there is a place to go to)."""
        answers = [await self._heed.visit(url) for url in sorted(self.urls)]
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


async def rows_of(storage: Storage, organization: str) -> dict[tuple[str, str, str], str]:
    """All rows that say something of a hit: facts, what the journal has, and sources that were seen."""
    return {
        (kind, row.partition, row.key): str(dict(row.values))
        for kind in KINDS
        async for row in storage.tables.query(table(organization, kind), EVERYTHING)
        if kind in ("facts", "cards") or (kind == "journal" and row.partition not in ("seen", "sweep"))
    }


async def test_after_a_stop_nothing_new_of_the_recipient_is_anywhere(heed: Running, azurite: Azurite) -> None:
    organization = f"stop{uuid4().hex[:8]}"
    key = await heed.organization(organization)
    storage = azure_storage(Account.parse(azurite.connection_string))
    try:
        ada = await Sent(heed, key, organization).send("ada@example.com")
        bob = await Sent(heed, key, organization).send("bob@example.com")
        before_answers = await ada.visit()
        await ada.counted(1)
        consents = f"/api/orgs/{organization}/consents/ada@example.com"
        status, _ = await heed.request("PUT", consents, key=key, json={"follow": "do_not_allow"})
        assert status == 200
        before = await rows_of(storage, organization)

        answers = await ada.visit()
        # When another recipient's hits of later are counted, these would have been, too.
        await bob.visit()
        await bob.counted(1)

        assert answers == before_answers == [(302, True), (302, True), (200, False)]
        assert (await ada.raw())["opens"] == 1
        new = {place: text for place, text in (await rows_of(storage, organization)).items() if place not in before}
        message, other = ada.path.rpartition("/")[2], bob.path.rpartition("/")[2]
        assert other in str(new)
        assert message not in str(new)
    finally:
        await close_storage(storage)
