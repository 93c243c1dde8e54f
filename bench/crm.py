"""What benches of the whole app share: Heed with Azurite and an SMTP server, and a CRM that sends mail by it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiohttp
from aiosmtpd.controller import Controller

from bench.bare_server import READY
from bench.processors import inherited
from infra.local.child import Child, free_port
from infra.local.servers.azurite import Azurite, start_azurite
from tests.support.heed import GMAIL, TOKEN_KEYS

_KEY = "benchmark-of-heed"


class Sink:
    """Takes every mail, and remembers when it came and what it said."""

    def __init__(self) -> None:
        self.came: dict[str, list[float]] = {}
        self.mails: dict[str, bytes] = {}

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        subject = str(message_from_bytes(envelope.content)["Subject"])
        self.came.setdefault(subject, []).append(time.time())
        self.mails[subject] = envelope.content
        return "250 OK"

    def pixel(self, subject: str) -> str:
        """Return the path of a mail's pixel."""
        html = next(
            part.get_payload(decode=True).decode()  # type: ignore[union-attr]
            for part in message_from_bytes(self.mails[subject]).walk()
            if part.get_content_type() == "text/html"
        )
        return "/o/" + html.partition("/o/")[2].partition('"')[0]


class Client:
    """A CRM."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self.base_url = base_url
        self.key = _KEY

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "X-Heed-User": "rep1"}
        async with self._session.request(method, self.base_url + path, json=body, headers=headers) as answer:
            found = await answer.json(content_type=None)
            assert answer.status < 300, found
            return found

    async def begin(self) -> None:
        await self.call("PUT", "/api/orgs/bench", {"name": "Bench"})
        made = await self.call("POST", "/api/orgs/bench/keys", {"scope": "full"})
        self.key = made["key"]
        await self.call("PUT", "/api/orgs/bench/users/rep1", {"email": "rep@bench.example", "opt_in": True})

    async def draft(self, subject: str, **fields: Any) -> str:
        body = {
            "from": "rep1",
            "to": [{"email": "ada@example.com"}],
            "subject": subject,
            "html": '<p>Hi <a href="https://example.com/offer">offer</a></p>',
            **fields,
        }
        return str((await self.call("POST", "/api/orgs/bench/messages", body))["id"])

    async def send(self, message: str) -> None:
        await self.call("POST", f"/api/orgs/bench/messages/{message}/send")

    async def open(self, pixel: str) -> None:
        """Load a pixel, as a mail program does."""
        async with self._session.get(self.base_url + pixel, headers={"User-Agent": GMAIL}) as answer:
            await answer.read()


@dataclass(frozen=True, slots=True)
class Servers:
    """Azurite and an SMTP server."""

    folder: Path
    azurite: Azurite
    sink: Sink
    smtp_port: int


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start servers with their data in a folder, and end them. Raises StartError."""
    azurite, sink = start_azurite(folder), Sink()
    mail_server = Controller(sink, hostname="127.0.0.1", port=free_port())
    mail_server.start()
    try:
        yield Servers(folder, azurite, sink, mail_server.port)
    finally:
        mail_server.stop()
        azurite.stop()


@contextlib.asynccontextmanager
async def running(there: Servers, which: str = "all") -> AsyncIterator[tuple[Client, Child]]:
    """Run Heed over the servers, as `bench.heed_server` knows it by that name; a CRM, and Heed's process."""
    settings = {
        "HEED_BASE_URL": "http://127.0.0.1",
        "HEED_ADMIN_KEY": _KEY,
        "HEED_REQUESTS_PER_SECOND": "1000000",
        "HEED_TOKEN_KEYS": TOKEN_KEYS,
        "HEED_DATA_DIR": str(there.folder / "host"),
        "HEED_SMTP_HOST": "127.0.0.1",
        "HEED_MX_LOOKUP": "off",
        "HEED_SMTP_PORT": str(there.smtp_port),
        "AzureWebJobsStorage": there.azurite.connection_string,
    }
    with inherited(sorted(os.sched_getaffinity(0))[0], settings):
        server = Child("Heed", [sys.executable, "-m", "bench.heed_server", which], there.folder / "heed.log")
    try:
        server.wait_until(lambda: READY in server.output())
        base_url = server.output().partition(READY)[2].split()[0]
        async with aiohttp.ClientSession() as session:
            yield Client(session, base_url), server
    finally:
        server.stop()
