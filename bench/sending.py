"""Mail that leaves on time, sweeps that cost the same, cards that come soon: over the whole app, Azurite and real SMTP.

`python -m bench.sending` prints the rows alone; `make bench` writes them into RESULTS.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiohttp
from aiosmtpd.controller import Controller

from bench.bare_server import READY
from bench.processors import inherited
from infra.local.child import Child, free_port
from infra.local.servers.azurite import start_azurite
from lib.clock import SetClock, SystemClock
from lib.ids import new_id
from lib.storage import Row, Storage, Tables, Upsert
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.due_index import Due, DueHandOver, DueIndex
from lib.storage.layout import DUE
from tests.support.heed import GMAIL, TOKEN_KEYS

MAILS = 500
CARDS = 20
OTHERS = (1_000, 100_000)
"""How many messages are scheduled for other times while a sweep is timed."""

SWEEPS = 15
_DUE_IN_A_SWEEP = 50
_LEAD = timedelta(seconds=75)
_KEY = "benchmark-of-heed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    figure: str
    target: str


class _Sink:
    """Takes every mail, and remembers when it came and what it said."""

    def __init__(self) -> None:
        self.came: dict[str, list[float]] = {}
        self.mails: dict[str, bytes] = {}

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        subject = str(message_from_bytes(envelope.content)["Subject"])
        self.came.setdefault(subject, []).append(time.time())
        self.mails[subject] = envelope.content
        return "250 OK"


class _Client:
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


def measure_sending() -> list[Finding]:
    """All rows; some four minutes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        azurite = start_azurite(folder)
        sink = _Sink()
        mail_server = Controller(sink, hostname="127.0.0.1", port=free_port())
        mail_server.start()
        try:
            return asyncio.run(_measure(folder, azurite.connection_string, sink, mail_server.port))
        finally:
            mail_server.stop()
            azurite.stop()


async def _measure(folder: Path, connection_string: str, sink: _Sink, smtp_port: int) -> list[Finding]:
    async with _running(folder, connection_string, smtp_port) as client:
        await client.begin()
        rows = [await _on_time(client, sink), await _open_to_card(client, sink)]
    return [*rows, await _sweeps(connection_string)]


@contextlib.asynccontextmanager
async def _running(folder: Path, connection_string: str, smtp_port: int) -> AsyncIterator[_Client]:
    settings = {
        "HEED_BASE_URL": "http://127.0.0.1",
        "HEED_ADMIN_KEY": _KEY,
        "HEED_REQUESTS_PER_SECOND": "1000000",
        "HEED_TOKEN_KEYS": TOKEN_KEYS,
        "HEED_DATA_DIR": str(folder / "host"),
        "HEED_SMTP_HOST": "127.0.0.1",
        "HEED_MX_LOOKUP": "off",
        "HEED_SMTP_PORT": str(smtp_port),
        "AzureWebJobsStorage": connection_string,
    }
    with inherited(sorted(os.sched_getaffinity(0))[0], settings):
        server = Child("Heed", [sys.executable, "-m", "bench.heed_server", "all"], folder / "heed.log")
    try:
        server.wait_until(lambda: READY in server.output())
        base_url = server.output().partition(READY)[2].split()[0]
        async with aiohttp.ClientSession() as session:
            yield _Client(session, base_url)
    finally:
        server.stop()


async def _on_time(client: _Client, sink: _Sink) -> Finding:
    """Mails whose times are spread over one minute: how late each came to the mail server."""
    print(f"scheduling {MAILS} mails for one minute …", flush=True)
    start = datetime.now(UTC) + _LEAD
    due = {f"due {number}": start + timedelta(seconds=60 * number / MAILS) for number in range(MAILS)}

    async def schedule(subject: str, at: datetime) -> None:
        await client.send(await client.draft(subject, deliver_at=at.isoformat()))

    pending = list(due.items())
    while pending:
        await asyncio.gather(*(schedule(*each) for each in pending[:8]))
        del pending[:8]
    if datetime.now(UTC) > start:
        raise RuntimeError("this machine is too slow to schedule the mails before their time")
    print("waiting for them …", flush=True)
    while len([subject for subject in due if subject in sink.came]) < MAILS:
        await asyncio.sleep(0.5)
        if datetime.now(UTC) > start + timedelta(minutes=4):
            break
    await asyncio.sleep(2)
    late = sorted(sink.came[subject][0] - at.timestamp() for subject, at in due.items() if subject in sink.came)
    twice = sum(len(times) - 1 for times in sink.came.values())
    figure = (
        f"{len(late)} of {MAILS} came, {twice} twice; earliest {late[0]:+.2f} s, p50 {statistics.median(late):.2f} s, "
        f"p99 {late[int(len(late) * 0.99)]:.2f} s, latest {late[-1]:.2f} s"
    )
    return Finding(f"{MAILS} mails due in one minute: how late", figure, "p99 within 2 s")


async def _open_to_card(client: _Client, sink: _Sink) -> Finding:
    """From the pixel's answer until the card stands in the list."""
    print(f"opening {CARDS} mails …", flush=True)
    waits = await asyncio.gather(*(_one_card(client, sink, f"card {number}") for number in range(CARDS)))
    figure = f"median {statistics.median(waits):.1f} s, longest {max(waits):.1f} s"
    return Finding("from an open to its card", figure, "median within 15 s")


async def _one_card(client: _Client, sink: _Sink, subject: str) -> float:
    message = await client.draft(subject)
    await client.send(message)
    while subject not in sink.mails:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    await asyncio.sleep(1)
    html = next(
        part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for part in message_from_bytes(sink.mails[subject]).walk()
        if part.get_content_type() == "text/html"
    )
    path = "/o/" + html.partition("/o/")[2].partition('"')[0]
    async with aiohttp.ClientSession() as session:
        await session.get(client.base_url + path, headers={"User-Agent": GMAIL})
    opened = time.monotonic()
    while True:
        cards = await client.call("GET", "/api/orgs/bench/cards?limit=200")
        if any(card["message"] == message for card in cards["items"]):
            return time.monotonic() - opened
        await asyncio.sleep(0.5)


class _Counting:
    """Tables that count: requests made, rows read."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.requests = self.rows = 0

    def __getattr__(self, name: str) -> Any:
        self.requests += 1
        return getattr(self._tables, name)

    async def query(self, *arguments: Any) -> AsyncIterator[Row]:
        self.requests += 1
        async for row in self._tables.query(*arguments):
            self.rows += 1
            yield row


async def _sweeps(connection_string: str) -> Finding:
    """Compare one sweep with few and with many messages scheduled for other times."""
    storage = azure_storage(Account.parse(connection_string))
    figures = []
    try:
        there = 0
        for count in OTHERS:
            print(f"scheduling {count:,} messages for other times …", flush=True)
            await _fill(storage, there, count)
            there = count
            found = [await _one_sweep(storage) for _ in range(SWEEPS)]
            requests, rows = (statistics.median(values) for values in list(zip(*found, strict=True))[:2])
            taken = statistics.median(seconds for _, _, seconds in found) * 1000
            figures.append(f"{requests:.0f} requests, {rows:.0f} rows read, {taken:.0f} ms with {count:,}")
    finally:
        await close_storage(storage)
    figure = "; ".join(figures) + ". (Azurite reads the whole table for any query, Azure the range alone.)"
    return Finding(f"a sweep that hands over {_DUE_IN_A_SWEEP}, others scheduled", figure, "the same requests and rows")


async def _fill(storage: Storage, start: int, end: int) -> None:
    """Entries for the days to come, 100 to a partition, so that this does not take all day."""
    base = datetime.now(UTC) + timedelta(days=2)
    for first in range(start, end, 1600):
        writes = []
        for shard in range(16):
            at = base + timedelta(minutes=first // 1600)
            rows = []
            for number in range(100):
                partition = f"send|{at:%Y%m%d%H%M}|{shard:x}"
                rows.append(
                    Upsert(Row(partition, f"{int(at.timestamp() * 1000) + number:013d}|bench|{new_id()}", {"v": 1}))
                )
            writes.append(storage.tables.write_rows(DUE, rows))
        await asyncio.gather(*writes)


async def _one_sweep(storage: Storage) -> tuple[int, int, float]:
    """(requests, rows read, seconds)"""
    clock = SetClock(SystemClock().now())
    counting = _Counting(storage.tables)
    index = DueIndex(storage.tables, clock)
    dues = [Due("send", clock.now(), "bench", new_id()) for _ in range(_DUE_IN_A_SWEEP)]
    for due in dues:
        await index.put_entry(due)

    async def nothing(_entry: DueHandOver) -> None: ...

    begun = time.perf_counter()
    handed = await DueIndex(counting, clock).sweep("send", nothing)
    taken = time.perf_counter() - begun
    assert handed == _DUE_IN_A_SWEEP, handed
    for due in dues:
        await index.drop_entry(due)
    return counting.requests, counting.rows, taken


def main() -> None:
    for row in measure_sending():
        print(f"{row.what}: {row.figure} (target: {row.target})")


if __name__ == "__main__":
    main()
