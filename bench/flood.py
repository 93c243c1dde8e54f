"""Measure a flood: one link that is asked for 20,000 times in a minute, beside another organization's pixels.

`python -m bench.flood` prints what it costs storage, whether every hit is counted, and how long the other
organization's pixels take. Heed has one core; storage and the load share the other one.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from bench.bare_server import READY
from bench.heed_server import REQUESTS
from bench.load import HEADERS
from bench.processors import Seats, inherited
from bench.sections import FLOOD, put
from bench.storage import Mail, prepare
from infra.local.child import Child
from infra.local.servers.azurite import Azurite, start_azurite
from lib.assessment.summary import Summary
from lib.storage import Range
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.documents import unpack
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.tokens import Claim, KeyRing, Purpose

HITS = 20_000
SECONDS = 60.0
SETTLE = 75.0
"""Seconds after the last hit in which the rest is stored and judged."""

_ASKED_EVERY = 0.2
_AT_ONCE = 32
_LOUD, _QUIET = "loud", "quiet"
_WHAT = f"""One link is asked for {HITS:,} times in {SECONDS:.0f} s, while another organization's pixels are
asked for, 5 a second. Writes are all requests to storage that are no GET, those of timers and queues included, until
{SETTLE:.0f} s after the last hit; beside them stands what Heed writes in the same time without a hit of the flood."""


async def _paced(hits: int, seconds: float, ask: Callable[[], Awaitable[None]]) -> None:
    """Ask so often, evenly over the time; an answer that is late delays none of the others of `_AT_ONCE`."""
    begun, numbers = time.monotonic(), iter(range(hits))

    async def ask_some() -> None:
        for number in numbers:
            await asyncio.sleep(max(0.0, begun + number * seconds / hits - time.monotonic()))
            await ask()

    await asyncio.gather(*(ask_some() for _ in range(_AT_ONCE)))


async def _load(
    base_url: str, link: str, pixels: list[str], hits: int, seconds: float
) -> tuple[Counter[int], list[float]]:
    """Return the statuses of the flood, and the sorted milliseconds that each pixel took."""
    statuses: Counter[int] = Counter()
    taken: list[float] = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(base_url, connector=connector, headers=HEADERS) as session:

        async def follow_link() -> None:
            async with session.get(link, allow_redirects=False) as answer:
                await answer.read()
                statuses[answer.status] += 1

        async def ask_pixels() -> None:
            for number in range(int(seconds / _ASKED_EVERY)):
                begun = time.monotonic()
                async with session.get(pixels[number % len(pixels)]) as answer:
                    await answer.read()
                taken.append((time.monotonic() - begun) * 1000)
                await asyncio.sleep(_ASKED_EVERY)

        flood = _paced(hits, seconds, follow_link) if hits else asyncio.sleep(seconds)
        await asyncio.gather(flood, ask_pixels())
    return statuses, sorted(taken)


async def _raw_clicks(azurite: Azurite) -> int:
    storage = azure_storage(Account.parse(azurite.connection_string))
    try:
        rows = storage.tables.query(table(_LOUD, "messages"), EVERYTHING, Range(low="s", high="t"))
        return sum([unpack(Summary, row).kpis.raw.clicks async for row in rows])
    finally:
        await close_storage(storage)


def _writes(server: Child) -> int:
    said = server.output().count(REQUESTS)
    os.kill(server.process.pid, signal.SIGUSR1)
    server.wait_until(lambda: server.output().count(REQUESTS) > said)
    return int(server.output().rpartition("of which ")[2].split()[0])


def measure_flood(hits: int, seconds: float) -> list[str]:
    """Rows of the table: what so many hits cost."""
    seats = Seats.choose()
    key = "k1:" + base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("=")
    loud = Mail(key=key, ids=[secrets.token_hex(16)])
    quiet = Mail(key=key, ids=[secrets.token_hex(16) for _ in range(100)])
    ring = KeyRing.parse(key)
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ending:
        folder = Path(temporary)
        with inherited(seats.storage):
            azurite = start_azurite(folder)
            ending.callback(azurite.stop)
            for organization, mail in ((_LOUD, loud), (_QUIET, quiet)):
                prepare(azurite.connection_string, mail, with_messages=True, organization=organization)
        settings = {
            "HEED_BASE_URL": "http://127.0.0.1",
            "HEED_ADMIN_KEY": "the-key-of-the-benchmark",
            "HEED_TOKEN_KEYS": key,
            "HEED_DATA_DIR": str(folder / "host"),
            "HEED_MX_LOOKUP": "off",
            "AzureWebJobsStorage": azurite.connection_string,
        }
        with inherited(seats.server, settings):
            server = Child("Heed", [sys.executable, "-m", "bench.heed_server", "counted"], folder / "server.log")
            ending.callback(server.stop)
        with inherited(seats.storage):
            server.wait_until(lambda: READY in server.output())
            base_url = server.output().partition(READY)[2].split()[0]
            link = f"/c/{ring.mint(Purpose.CLICK, Claim(_LOUD, loud.ids[0], 0, 0, 'https://www.example.com/'))}"
            pixels = [f"/o/{ring.mint(Purpose.OPEN, Claim(_QUIET, message, 0))}.gif" for message in quiet.ids]
            before = _writes(server)
            statuses, taken = asyncio.run(_load(base_url, link, pixels, hits, seconds))
            time.sleep(SETTLE)
            writes, counted = _writes(server) - before, asyncio.run(_raw_clicks(azurite))
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    times = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {taken[-1]:.0f} ms"
    answers = ", ".join(f"{count:,} times {status}" for status, count in sorted(statuses.items())) or "none"
    return [
        f"| {hits:,} hits | answers | {answers} | 302 alone |",
        f"| | clicks counted | {counted:,} | {hits:,} |",
        f"| | writes | {writes:,} | |",
        f"| | pixel of another organization | {times} | p99 250 ms |",
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flood", description="Ask for one link very often.")
    parser.add_argument("--hits", type=int, default=HITS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    options = parser.parse_args(arguments)
    rows = [
        "| load | | measured | target |",
        "|---|---|---:|---:|",
        *measure_flood(0, options.seconds),
        *measure_flood(options.hits, options.seconds),
    ]
    print("\n".join(rows), flush=True)
    if options.write:
        put(FLOOD, "\n".join([_WHAT, "", *rows]), options.conditions)


if __name__ == "__main__":
    main(sys.argv[1:])
