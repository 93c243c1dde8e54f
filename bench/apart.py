"""Measure a pixel while the CRM's part works on the worst requests: `python -m bench.apart`.

Rounds with and without the load take turns, for recipients' functions as an app of their own and for all functions as
one app. One CPU is for recipients' app, storage and the client that asks; the other one for the CRM's app and the load.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.bare_server import READY
from bench.neighbours import KEY, send_load
from bench.processors import Seats, inherited
from bench.sections import APART, put
from bench.storage import Mail, prepare
from infra.local.child import Child
from infra.local.servers.azurite import start_azurite
from lib.tokens import Claim, KeyRing, Purpose

ROUNDS = 3
SECONDS = 6.0
LOADS = "simulate,raw"
"""Requests that cost the most CPU and store nothing: storage, which the parts share, is Azurite here, in one thread."""
MOST = 1.5
"""The most times by which the load may change the p99 of recipients' own app; rounds without a load differ as much."""

_QUIET, _APART = "quiet", "recipients apart"
_UNDER_WAY = 1.5
"""Seconds until the load is under way."""
_MAILS = 100
_ASKED_EVERY = 0.02
"""Seconds between two pixels."""
_WHAT = f"""Pixels are asked for at a steady pace, {1 / _ASKED_EVERY:.0f} a second, for {SECONDS:g} s without a load
and as long while the CRM's functions work on the worst requests for their CPU ({LOADS.replace(",", ", ")}). In the
first row recipients' functions are an app of their own, and the CRM's app has another Azurite, which is one thread; in
the second all are one app with one storage, on the same CPU. Milliseconds
are medians of {ROUNDS} rounds, with fresh apps each; the ratio is the median of the rounds' ratios."""


@dataclass(slots=True)
class Rounds:
    """The p99 of the pixel in milliseconds, of each round."""

    quiet: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return statistics.median(loaded / quiet for quiet, loaded in zip(self.quiet, self.loaded, strict=True))


@dataclass(frozen=True, slots=True)
class _Bench:
    """Storage with mail in it, and where processes have their places."""

    seats: Seats
    folder: Path
    storage: str
    mail: Mail

    @contextlib.contextmanager
    def app(self, part: str, seat: int, storage: str | None = None) -> Iterator[str]:
        """Run the HTTP functions of a part; the base URL."""
        settings = {
            "HEED_BASE_URL": "http://127.0.0.1",
            "HEED_ADMIN_KEY": KEY,
            "HEED_TOKEN_KEYS": self.mail.key,
            "HEED_MX_LOOKUP": "off",
            "HEED_FUNCTIONS": part,
            "HEED_DATA_DIR": str(self.folder / part),
            "AzureWebJobsStorage": storage or self.storage,
        }
        with inherited(seat, settings):
            command = [sys.executable, "-m", "bench.heed_server", "http"]
            server = Child("Heed", command, self.folder / f"{part}.log")
        try:
            server.wait_until(lambda: READY in server.output())
            yield server.output().partition(READY)[2].split()[0]
        finally:
            # Not in order: the requests of the load that wait would take as long as a host may take to end.
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()

    @contextlib.contextmanager
    def load(self, base_url: str) -> Iterator[None]:
        """Load the app for as long as the block lasts."""
        with inherited(self.seats.storage):
            loading = subprocess.Popen([sys.executable, "-m", "bench.apart", "--load", base_url])
        try:
            time.sleep(_UNDER_WAY)
            yield
        finally:
            loading.kill()
            loading.wait()

    def p99(self, base_url: str, seconds: float) -> float:
        """Ask for pixels from a process of its own, whose clock no load delays; milliseconds."""
        ring = KeyRing.parse(self.mail.key)
        tokens = [ring.mint(Purpose.OPEN, Claim(_QUIET, message, 0)) for message in self.mail.ids]
        urls = ",".join(f"{base_url}/o/{token}.gif" for token in tokens)
        command = [sys.executable, "-m", "bench.apart", "--ask", urls, "--seconds", str(seconds)]
        with inherited(self.seats.server):
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        taken = sorted(json.loads(said))
        return float(taken[int(len(taken) * 0.99)])

    def measure_round(self, found: Rounds, asked: str, loaded: str, seconds: float) -> None:
        """Ask without the load, and with it."""
        self.p99(asked, 1.0)  # warms up
        found.quiet.append(self.p99(asked, seconds))
        with self.load(loaded):
            found.loaded.append(self.p99(asked, seconds))
        print(f"p99 {found.quiet[-1]:.0f} ms without the load, {found.loaded[-1]:.0f} ms with it", flush=True)


def measure_apart(rounds: int = ROUNDS, seconds: float = SECONDS) -> dict[str, Rounds]:
    """Measure both ways, by name. Apps are fresh in every round: no request of the last one is left in them."""
    seats, apart, together = Seats.choose(), Rounds(), Rounds()
    with tempfile.TemporaryDirectory() as temporary:
        folder, mail = Path(temporary), Mail(ids=[secrets.token_hex(16) for _ in range(_MAILS)])
        with inherited(seats.server):
            azurite = start_azurite(folder)
            # The CRM's app has a storage of its own: Azurite is one thread, which its reads would keep from the pixel.
            with inherited(seats.storage):
                crms = start_azurite(folder / "crm")
            prepare(azurite.connection_string, mail, with_messages=True, organization=_QUIET)
        bench = _Bench(seats, folder, azurite.connection_string, mail)
        try:
            for _ in range(rounds):
                with (
                    bench.app("recipients", seats.server) as recipients,
                    bench.app("crm", seats.storage, crms.connection_string) as crm,
                ):
                    bench.measure_round(apart, recipients, crm, seconds)
                with bench.app("all", seats.server) as everything:
                    bench.measure_round(together, everything, everything, seconds)
        finally:
            azurite.stop()
            crms.stop()
    return {_APART: apart, "all in one app": together}


async def _ask(urls: Sequence[str], seconds: float) -> list[float]:
    """Milliseconds that each answer took; one that is late does not delay the next."""
    taken: list[float] = []

    async def one(session: aiohttp.ClientSession, url: str) -> None:
        began = time.perf_counter()
        async with session.get(url, headers={"User-Agent": "Mozilla/5.0"}) as answer:
            await answer.read()
            assert answer.status == 200, answer.status
        taken.append((time.perf_counter() - began) * 1000)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        until, turn = time.monotonic() + seconds, itertools.cycle(urls)
        while time.monotonic() < until:
            group.create_task(one(session, next(turn)))
            await asyncio.sleep(_ASKED_EVERY)
    return taken


def section(found: dict[str, Rounds]) -> str:
    """The text of the section."""
    rows = [
        f"| {name} | {statistics.median(each.quiet):.1f} | {statistics.median(each.loaded):.1f} "
        f"| {each.ratio:.2f} | {_target(name, each.ratio)} |"
        for name, each in found.items()
    ]
    head = ["| | p99 ms without the load | p99 ms with it | times | at most |", "|---|---:|---:|---:|---:|"]
    return "\n".join([_WHAT, "", *head, *rows])


def _target(name: str, ratio: float) -> str:
    if name != _APART:
        return "-"
    return f"{MOST:g}, {'reached' if ratio <= MOST else 'missed'}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.apart", description="A pixel beside the CRM's worst load.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--ask", help="ask these pixels alone, for the run itself")
    parser.add_argument("--load", help="send the load to this app, for the run itself")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    options = parser.parse_args(arguments)
    if options.load:
        asyncio.run(send_load(options.load, 600, LOADS))
        return
    if options.ask:
        print(json.dumps(asyncio.run(_ask(options.ask.split(","), options.seconds))))
        return
    found = measure_apart(options.rounds, options.seconds)
    text = section(found)
    print(text)
    if options.write:
        put(APART, text, options.conditions)


if __name__ == "__main__":
    main(sys.argv[1:])
