"""Counting of what each step asks of storage: the whole app in the local host, with Azurite and an SMTP server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.crm import Client, Servers, running, servers
from bench.heed_server import ITEMS
from bench.processors import seconds_used
from bench.scale.measured import Measured, Step
from infra.local.child import Child
from lib.storage import Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import KINDS, place_of_table, table
from lib.storage.protocols import EVERYTHING

MAILS = 60
TOGETHER = 240
"""Hits that come at once, on all mails alike."""

_QUIET = 20.0
"""Seconds without a request, timers apart, after which a step is over."""

_TIMED = {"heeddue", "heedorgs"}
"""Tables that timers look into, whatever else happens."""


@dataclass(slots=True)
class _Counted:
    items: Counter[str]
    sent: int
    read: int
    kept: int
    cpu: float


def measure_steps() -> Measured:
    """Count all steps; some five minutes. Raises StartError."""
    with tempfile.TemporaryDirectory() as temporary, servers(Path(temporary)) as there:
        return asyncio.run(_measure(there))


async def _measure(there: Servers) -> Measured:
    async with running(there, "itemized") as (client, server):
        return await _Story(client, server, there).tell()


class _Story:
    """The steps, one after the other."""

    def __init__(self, client: Client, server: Child, there: Servers) -> None:
        azurite = there.azurite
        ends = (azurite.table_endpoint, azurite.queue_endpoint, azurite.blob_endpoint)
        self._services = {end.rsplit(":", 1)[1].split("/")[0]: name for end, name in zip(ends, "tqb", strict=True)}
        self._connection_string = azurite.connection_string
        self._sink = there.sink
        self._client = client
        self._server = server

    async def tell(self) -> Measured:
        """Do and count each step."""
        await self._client.begin()
        mail = await self._step("mails", MAILS, self._send_mails)
        alone = await self._step("opens, one after the other", MAILS, self._open_one_by_one)
        together = await self._step("opens at once", TOGETHER, self._open_at_once)
        return Measured(on=f"{datetime.now(UTC):%Y-%m-%d}", mail=mail, hit_alone=alone, hit_in_company=together)

    async def _send_mails(self) -> None:
        for number in range(MAILS):
            to = [{"email": f"reader{number}@example.com"}]
            await self._client.draft(f"Offer {number}", to=to, send=True)
        while len(self._sink.mails) < MAILS:  # noqa: ASYNC110
            await asyncio.sleep(0.5)

    async def _open_one_by_one(self) -> None:
        for subject in self._sink.mails:
            await self._client.open(self._sink.pixel(subject))
            await asyncio.sleep(1)

    async def _open_at_once(self) -> None:
        pixels = [self._sink.pixel(subject) for subject in self._sink.mails]
        await asyncio.gather(*(self._client.open(pixels[number % MAILS]) for number in range(TOGETHER)))

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
        by_service, by_kind = Counter[str](), Counter[str]()
        for name, number in items.items():
            port, method, target = name.split(" ", 2)
            service = self._services.get(port, "other")
            if service == "q":  # this host looks into empty queues all the time: a look is counted for each message
                number = number * {"POST": 1, "DELETE": 2}.get(method, 0)
            if target not in _TIMED or method == "BATCH":
                by_service[service] += number
                by_service["transactions"] += number if method == "BATCH" else 0
            if place := place_of_table(target):
                by_kind[place.kind] += number
        share = idle / (time.monotonic() - begun)
        cpu = max(0.0, after.cpu - before.cpu - share * _QUIET)
        return Step(
            tables=by_service["t"] / count,
            kinds={kind: number / count for kind, number in sorted(by_kind.items())},
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
    return sum(number for name, number in items.items() if name.split()[1] == "BATCH")
