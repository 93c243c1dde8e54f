"""Counting of what each step asks of storage: the whole app in the local host, with Azurite and an SMTP server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiohttp
from aiosmtpd.controller import Controller

from bench.bare_server import READY
from bench.heed_server import ITEMS
from bench.processors import inherited, seconds_used
from bench.scale.measured import Measured, Step
from infra.local.child import Child, free_port
from infra.local.servers.azurite import Azurite, start_azurite
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import KINDS, table
from lib.storage.protocols import EVERYTHING
from tests.support.heed import GMAIL, TOKEN_KEYS

MAILS = 60
TOGETHER = 240
"""Hits that come at once, on all mails alike."""

_QUIET = 20.0
"""Seconds without a request, timers apart, after which a step is over."""

_KEY = "benchmark-of-heed"
_TIMED = {"heeddue", "heedorgs"}
"""Tables that timers look into, whatever else happens."""


@dataclass(slots=True)
class _Counted:
    items: Counter[str]
    sent: int
    read: int
    kept: int
    cpu: float


class _Sink:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        return "250 OK"

    def pixels(self) -> list[str]:
        """Paths of all pixels."""
        return [_pixel(mail) for mail in self.mails]


def measure_steps() -> Measured:
    """Count all steps; some five minutes. Raises StartError."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, sink = Path(temporary), _Sink()
        azurite = start_azurite(folder)
        mail_server = Controller(sink, hostname="127.0.0.1", port=free_port())
        mail_server.start()
        settings = {
            "HEED_BASE_URL": "http://127.0.0.1",
            "HEED_ADMIN_KEY": _KEY,
            "HEED_REQUESTS_PER_SECOND": "1000000",
            "HEED_TOKEN_KEYS": TOKEN_KEYS,
            "HEED_DATA_DIR": str(folder / "host"),
            "HEED_SMTP_HOST": "127.0.0.1",
            "HEED_SMTP_PORT": str(mail_server.port),
            "HEED_MX_LOOKUP": "off",
            "AzureWebJobsStorage": azurite.connection_string,
        }
        with inherited(sorted(os.sched_getaffinity(0))[0], settings):
            server = Child("Heed", [sys.executable, "-m", "bench.heed_server", "itemized"], folder / "heed.log")
        try:
            server.wait_until(lambda: READY in server.output())
            return asyncio.run(_Story(server, azurite, sink).tell())
        finally:
            server.stop()
            mail_server.stop()
            azurite.stop()


class _Story:
    """The steps, one after the other."""

    def __init__(self, server: Child, azurite: Azurite, sink: _Sink) -> None:
        self._server = server
        self._connection_string = azurite.connection_string
        self._sink = sink
        ends = (azurite.table_endpoint, azurite.queue_endpoint, azurite.blob_endpoint)
        self._services = {end.rsplit(":", 1)[1].split("/")[0]: name for end, name in zip(ends, "tqb", strict=True)}
        self._base_url = server.output().partition(READY)[2].split()[0]

    async def tell(self) -> Measured:
        """Do and count each step."""
        async with aiohttp.ClientSession() as session:
            self._session = session
            await self._begin()
            mail = await self._step("mails", MAILS, self._send_mails)
            alone = await self._step("opens, one after the other", MAILS, self._open_one_by_one)
            together = await self._step("opens at once", TOGETHER, self._open_at_once)
        return Measured(on=f"{datetime.now(UTC):%Y-%m-%d}", mail=mail, hit_alone=alone, hit_in_company=together)

    async def _call(self, method: str, path: str, body: Any, key: str) -> Any:
        headers = {"Authorization": f"Bearer {key}", "X-Heed-User": "rep1"}
        async with self._session.request(method, self._base_url + path, json=body, headers=headers) as answer:
            found = await answer.json(content_type=None)
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {found}")
            return found

    async def _begin(self) -> None:
        await self._call("PUT", "/api/orgs/bench", {"name": "Bench"}, _KEY)
        made = await self._call("POST", "/api/orgs/bench/keys", {"scope": "full"}, _KEY)
        self._key = str(made["key"])
        user = {"email": "rep@bench.example", "opt_in": True}
        await self._call("PUT", "/api/orgs/bench/users/rep1", user, self._key)

    async def _send_mails(self) -> None:
        for number in range(MAILS):
            body = {
                "from": "rep1",
                "to": [{"email": f"reader{number}@example.com"}],
                "subject": f"Offer {number}",
                "html": '<p>Hi, here is our <a href="https://example.com/offer">offer</a>.</p>',
                "send": True,
            }
            await self._call("POST", "/api/orgs/bench/messages", body, self._key)
        while len(self._sink.mails) < MAILS:  # noqa: ASYNC110
            await asyncio.sleep(0.5)

    async def _open_one_by_one(self) -> None:
        for path in self._sink.pixels():
            await self._open(path)
            await asyncio.sleep(1)

    async def _open_at_once(self) -> None:
        paths = self._sink.pixels()
        await asyncio.gather(*(self._open(paths[number % len(paths)]) for number in range(TOGETHER)))

    async def _open(self, path: str) -> None:
        async with self._session.get(self._base_url + path, headers={"User-Agent": GMAIL}) as answer:
            await answer.read()

    async def _step(self, what: str, count: int, do: Callable[[], Awaitable[None]]) -> Step:
        """Do a step, and count what it asks for until it is quiet; what timers ask for meanwhile is left out."""
        print(f"{what} ({count}) …", flush=True)
        before = replace(await self._counted(), kept=await self._kept())
        await do()
        after = replace(await self._until_quiet(), kept=await self._kept())
        idle_from = await self._counted()
        begun = time.monotonic()
        await asyncio.sleep(_QUIET)
        idle = (await self._counted()).cpu - idle_from.cpu
        items = after.items - before.items
        by_service: Counter[str] = Counter()
        for name, number in items.items():
            port, method, target = name.split(" ", 2)
            service = self._services.get(port, "other")
            if service == "q":  # this host looks into empty queues all the time: a look is counted for each message
                number = number * {"POST": 1, "DELETE": 2}.get(method, 0)
            if target not in _TIMED:
                by_service[service] += number
                by_service["transactions"] += number if target == "$batch" else 0
        share = idle / (time.monotonic() - begun)
        cpu = max(0.0, after.cpu - before.cpu - share * _QUIET)
        return Step(
            tables=by_service["t"] / count,
            transactions=by_service["transactions"] / count,
            queues=by_service["q"] / count,
            blobs=by_service["b"] / count,
            sent=(after.sent - before.sent) / count,
            read=(after.read - before.read) / count,
            kept=(after.kept - before.kept) / count,
            cpu=cpu * 1000 / count,
        )

    async def _until_quiet(self) -> _Counted:
        """Wait until nothing but timers asks for anything, and return the counts."""
        last = await self._counted()
        since = time.monotonic()
        while time.monotonic() - since < _QUIET:
            await asyncio.sleep(1)
            now = await self._counted()
            if _worked(now.items) != _worked(last.items):
                since = time.monotonic()
            last = now
        return last

    async def _counted(self) -> _Counted:
        told = self._server.output().count(ITEMS)
        os.kill(self._server.process.pid, signal.SIGUSR1)
        while self._server.output().count(ITEMS) == told:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        said = json.loads(self._server.output().rpartition(ITEMS)[2].splitlines()[0])
        cpu = seconds_used(self._server.process.pid)
        return _Counted(Counter(said["items"]), said["sent"], said["read"], 0, cpu)

    async def _kept(self) -> int:
        """Count the bytes of the organization's rows."""
        storage = azure_storage(Account.parse(self._connection_string))
        try:
            return sum([await _bytes_of(storage, table("bench", kind)) for kind in KINDS])
        finally:
            await close_storage(storage)


async def _bytes_of(storage: Storage, name: str) -> int:
    rows = storage.tables.query(name, EVERYTHING)
    return sum([len(row.partition) + len(row.key) + len(str(row.values)) async for row in rows])


def _worked(items: Mapping[str, int]) -> int:
    """Count transactions, which timers without work do not make."""
    return sum(number for name, number in items.items() if name.endswith(" $batch"))


def _pixel(mail: bytes) -> str:
    for part in message_from_bytes(mail).walk():
        if part.get_content_type() == "text/html":
            html = part.get_payload(decode=True)
            assert isinstance(html, bytes)
            return "/o/" + html.decode().partition("/o/")[2].partition('"')[0]
    raise ValueError("a mail without HTML came")
