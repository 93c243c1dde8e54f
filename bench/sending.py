"""Mail that leaves on time, sweeps that cost the same, cards that come soon: over the whole app, Azurite and real SMTP.

`python -m bench.sending` prints the rows alone; `make bench` writes them into RESULTS.md.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.crm import Client, Servers, Sink, running, servers
from lib.clock import SetClock, SystemClock
from lib.ids import new_id
from lib.storage import Row, Storage, Tables, Upsert
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.due_index import Due, DueHandOver, DueIndex
from lib.storage.layout import DUE

MAILS = 500
CARDS = 20
OTHERS = (1_000, 100_000)
"""How many messages are scheduled for other times while a sweep is timed."""

SWEEPS = 15
_DUE_IN_A_SWEEP = 50
_LEAD = timedelta(seconds=75)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    figure: str
    target: str


def measure_sending() -> list[Finding]:
    """All rows; some four minutes."""
    with tempfile.TemporaryDirectory() as temporary, servers(Path(temporary)) as there:
        return asyncio.run(_measure(there))


async def _measure(there: Servers) -> list[Finding]:
    async with running(there) as (client, _):
        await client.begin()
        rows = [await _on_time(client, there.sink), await _open_to_card(client, there.sink)]
    return [*rows, await _sweeps(there.azurite.connection_string)]


async def _on_time(client: Client, sink: Sink) -> Finding:
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


async def _open_to_card(client: Client, sink: Sink) -> Finding:
    """From the pixel's answer until the card stands in the list."""
    print(f"opening {CARDS} mails …", flush=True)
    waits = await asyncio.gather(*(_one_card(client, sink, f"card {number}") for number in range(CARDS)))
    figure = f"median {statistics.median(waits):.1f} s, longest {max(waits):.1f} s"
    return Finding("from an open to its card", figure, "median within 15 s")


async def _one_card(client: Client, sink: Sink, subject: str) -> float:
    message = await client.draft(subject)
    await client.send(message)
    while subject not in sink.mails:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    await asyncio.sleep(1)
    await client.open(sink.pixel(subject))
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
