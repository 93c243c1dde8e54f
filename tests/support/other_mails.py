"""An organization whose mails are looked at by sources that are known again."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

import pytest

from lib.storage import Row
from lib.storage.layout import EVIDENCE, table
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, CHROME, Heed
from tests.support.inbound import answer_to, post_mail
from tests.support.known_subject import run_job
from tests.support.timed_queue import TimedQueue

ADA = "ada@example.com"
SCANNER = {"x_forwarded_for": "45.155.91.7", "accept_language": "en"}
HOME = {"x_forwarded_for": "81.2.69.7", "accept_language": "en"}
OFFICE = {"x_forwarded_for": "89.160.20.7", "accept_language": "en"}
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)"


class World:
    """Heed, and time that goes by."""

    def __init__(self, heed: Heed) -> None:
        self.heed = heed
        self.queue = TimedQueue(heed)

    async def pass_time(self, **by: float) -> list[datetime]:
        return await self.queue.pass_time(**by)

    async def send(self, *emails: str, **fields: Any) -> str:
        message = await self.heed.draft(to=[{"email": email} for email in emails or (ADA,)], **fields)
        await self.heed.post(f"/messages/{message}/send")
        await self.queue.work()
        return message

    async def hit(self, kind: str, after: float = 1, agent: str = CHROME, **headers: str) -> None:
        """Ask for the pixel (`o`) or the link (`c`) of a mail, so many seconds from now."""
        await self.pass_time(seconds=after)
        await self.heed.hit(self.heed.urls(kind)[0], agent, **headers)
        await self.queue.work()

    async def scanned(self, email: str, **fields: Any) -> str:
        """A mail that a scanner which sits in no list looked at: its image, and its one link."""
        message = await self.send(email, **fields)
        await self.hit("o", 120, **SCANNER)
        await self.hit("c", 1, **SCANNER)
        await self.pass_time(minutes=3)
        return message

    def erase_before_visits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have Ada erased when visits are written next, and before they are."""
        loader = self.heed.services.context_loader
        save_visits = loader.save_visits

        async def erase_first(*given: Any, **named: Any) -> None:
            monkeypatch.undo()
            await run_job(self.heed, "DELETE", email=ADA)
            await save_visits(*given, **named)

        monkeypatch.setattr(loader, "save_visits", erase_first)

    async def answer(self, message: str, number: int = 1) -> None:
        """Let Ada answer now."""
        raw = await answer_to(self.heed, message)
        now = format_datetime(self.heed.clock.now()).encode()
        raw = raw.replace(b"Mon, 04 May 2026 09:20:00 +0000", now).replace(b"<answer1@", f"<answer{number}@".encode())
        assert (await post_mail(self.heed, raw)).status == 202
        await self.queue.work()

    async def read_and_answered(self, number: int = 1, **headers: str) -> str:
        """A mail to Ada that she reads at home after half an hour, and answers."""
        message = await self.send()
        await self.hit("o", 1_800, **(headers or HOME))
        await self.pass_time(minutes=5)
        await self.answer(message, number)
        await self.pass_time(minutes=5)
        return message

    async def events(self, message: str) -> list[Any]:
        """Events of hits, oldest first."""
        items = (await self.heed.get(f"/messages/{message}/timeline"))["items"]
        return [each for each in reversed(items) if each["kind"] != "reply"]

    async def classes(self, message: str) -> list[str]:
        return [each["verdict"]["class"] for each in await self.events(message)]

    async def codes(self, message: str) -> set[str]:
        """Codes of the newest event."""
        return {reason["code"] for reason in (await self.events(message))[-1]["verdict"]["reasons"]}

    async def rows(self, organization: str = "acme") -> list[Row]:
        name = table(organization, EVIDENCE)
        return [row async for row in self.heed.storage.tables.query(name, EVERYTHING)]

    async def remembered(self) -> set[str]:
        """Ids of the messages of which visits are remembered."""
        return {row.key.rpartition("|")[2] for row in await self.rows()}

    async def switch(self, **settings: Any) -> None:
        answer = await self.heed.request("PATCH", "/api/orgs/acme", {"settings": settings}, key=ADMIN_KEY)
        assert answer.status == 200, answer.body
        await self.pass_time(minutes=2)

    async def sweep(self, hours: int = 33) -> None:
        """Let the timer run each hour."""
        for _ in range(hours):
            await self.pass_time(hours=1)
            await self.heed.tick("remove_old_data")
            await self.queue.work()
