"""Measure one organization's pixel while another organization sends the worst requests that are permitted.

`python -m bench.neighbours` prints the figures: latency of the pixel, and memory of Heed and its workers. Heed has one
core; storage, the mail server, the load and the pixel's client share the other one. The client is a process of its own,
so that the load does not delay its clock.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiosmtpd.controller import Controller

from bench.bare_server import READY
from bench.processors import Seats, inherited
from bench.sections import NEIGHBORS, put
from bench.sending import Finding
from bench.stalls import LONG, STALL
from bench.storage import Mail, prepare
from infra.local.child import Child, free_port
from infra.local.servers.azurite import start_azurite
from lib.tokens import Claim, KeyRing, Purpose

SECONDS = 60.0
_PAUSE = 0.05
"""Seconds between two requests of one sender of the load."""
_ASKED_EVERY = 0.2
"""Seconds between two pixels: what follows four times as many keeps Azurite busy by itself."""

KEY = "the-key-of-the-benchmark"
_QUIET, _LOUD = "quiet", "loud"
_PIXEL, _HEED_ITSELF = "another organization's pixel", "a page that is not there, of Heed"
_STORAGE_ITSELF = "a refusal by the table service, which no load asks"
_WHAT = """One organization sends the worst permitted requests, of one kind or of all, while another's pixels are asked
for, 5 a second. The server has one CPU, which workers share; the other one serves first tables, then blobs (a process
of their own), then mail server and load. What storage and Heed take for an answer that waits for nothing is asked for
beside: what the machine itself makes wait. Pieces are what the loop computed without a
turn, in its own CPU time. `none` is without a load."""
_HEAD = ("| load | | measured | target |", "|---|---|---:|---:|")
_FIGURES = "figures: "
_SHOWN = 15
_MAILS = 100
"""Of the quiet organization, whose pixels are asked for in turn."""
_HTML, _TEXT = 2_000_000, 1_000_000
_ATTACHED, _FOLLOWED = 15_000_000, 100_000_000
_PIECES = (
    *("<", "<img src='cid:x'>", "<a href=//a>", "<a href=http://e.e>x</a>", "<div><p>", "<!-->", "&amp;", "ü", "\n"),
    *("<svg><b>", "<a href=http://e.e/c/x>", "<td>", '"', "<a ", "<li>x"),
)


class _Sink:
    """A mail server that takes everything."""

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
        return "250 OK"


class _Loud:
    """The organization that asks for much."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url
        self._key = KEY
        self.answers: Counter[str] = Counter()
        # Made before the time: a load that works hard takes the core from storage, for which the pixel waits.
        self._mails = [json.dumps(self.mail(piece)).encode() for piece in _PIECES]
        self._raw = self._raw_mail()
        self._file, self._large_file = os.urandom(_ATTACHED), bytes(_FOLLOWED)

    async def call(self, method: str, path: str, body: Any = None, data: bytes | None = None) -> Any:
        if body is not None:
            data = json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {self._key}",
            "X-Heed-User": "rep1",
            "Content-Type": "application/json",
        }
        what = method + " " + path.split("?")[0].rpartition("/")[2][:12]
        if path.endswith("/messages"):
            what = method + " messages"
        try:
            async with self._session.request(method, self._base_url + path, data=data, headers=headers) as answer:
                raw = await answer.read()
                self.answers[f"{what} {answer.status}"] += 1
                return json.loads(raw) if answer.status < 300 and len(raw) < 1_000_000 else {}
        except (aiohttp.ClientError, TimeoutError):
            self.answers[f"{what} cut off"] += 1
            return {}

    async def begin(self) -> None:
        await self.call("PUT", f"/api/orgs/{_LOUD}", {"name": "Loud"})
        self._key = (await self.call("POST", f"/api/orgs/{_LOUD}/keys", {"scope": "full"}))["key"]
        await self.call("PUT", f"/api/orgs/{_LOUD}/users/rep1", {"email": "rep@loud.example", "opt_in": True})

    def mail(self, piece: str) -> dict[str, Any]:
        return {
            "from": "rep1",
            "to": [{"email": "ada@example.com"}],
            "subject": "Much",
            "html": piece * (_HTML // len(piece.encode())),
            "text": piece * (_TEXT // len(piece.encode())),
        }

    async def simulate(self, number: int) -> None:
        await self.call("POST", f"/api/orgs/{_LOUD}/simulate", data=self._mails[number % len(_PIECES)])

    def _raw_mail(self) -> bytes:
        head = b"From: rep@loud.example\r\nTo: ada@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        part = b"\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n"
        html = b"\r\n--b\r\nContent-Type: text/html\r\n\r\n" + b"<" * 1_900_000
        raw = head + html + part + b"\n--" * 7_500_000
        return json.dumps({"mime": base64.b64encode(raw).decode()}).encode()

    async def simulate_raw(self, number: int) -> None:
        await self.call("POST", f"/api/orgs/{_LOUD}/simulate", data=self._raw)

    async def small_draft(self) -> str:
        mail = {**self.mail(" "), "html": "<p>Hi", "text": "Hi"}
        return str((await self.call("POST", f"/api/orgs/{_LOUD}/messages", mail)).get("id"))

    async def draft(self, number: int) -> str:
        """The id of a large one; of some other, where the answer was too large to look into, or none was made."""
        data = self._mails[number % len(_PIECES)]
        await self.call("POST", f"/api/orgs/{_LOUD}/messages", data=data)
        found = await self.call("GET", f"/api/orgs/{_LOUD}/messages?limit=1")
        return str([*(each["id"] for each in found.get("items", [])), None][0])

    async def prepare_it(self, number: int) -> None:
        message = await self.draft(number)
        await self.call("POST", f"/api/orgs/{_LOUD}/messages/{message}/prepare")
        await self.call("GET", f"/api/orgs/{_LOUD}/messages/{message}")

    async def send_it(self, number: int) -> None:
        message = await self.draft(number)
        await self.call("POST", f"/api/orgs/{_LOUD}/messages/{message}/send")

    async def attach_and_send(self, number: int) -> None:
        message = await self.small_draft()
        path = f"/api/orgs/{_LOUD}/messages/{message}"
        await self.call("POST", f"{path}/attachments?filename=a.bin", data=self._file)
        await self.call("POST", f"{path}/prepare" if number % 2 else f"{path}/send")

    async def upload(self, number: int) -> None:
        message = await self.small_draft()
        path = f"/api/orgs/{_LOUD}/messages/{message}/attachments?filename=a.bin&followed=true"
        await self.call("POST", path, data=self._large_file)


async def _again(until: float, work: Callable[[int], Awaitable[None]], number: int) -> None:
    while time.monotonic() < until:
        await work(number)
        number += 4
        await asyncio.sleep(_PAUSE)


async def send_load(base_url: str, seconds: float, which: str) -> Counter[str]:
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
        loud = _Loud(session, base_url)
        await loud.begin()
        works = {
            "simulate": loud.simulate,
            "raw": loud.simulate_raw,
            "prepare": loud.prepare_it,
            "send": loud.send_it,
            "attach": loud.attach_and_send,
            "upload": loud.upload,
        }
        until = time.monotonic() + seconds
        chosen = [work for name, work in works.items() if which == "all" or name in which.split(",")]
        twice = [(work, number) for work in chosen for number in range(2 if which in ("all", "upload") else 6)]
        await asyncio.gather(asyncio.sleep(seconds), *(_again(until, *each) for each in twice))
        return loud.answers


async def _ask(urls: Sequence[str], storage: str, seconds: float) -> dict[str, list[float]]:
    """Milliseconds that each answer took, at a steady pace: one that is late does not delay the next."""
    nothing = urls[0].partition("/o/")[0] + "/no-such-page"
    taken: dict[str, list[float]] = {_PIXEL: [], _HEED_ITSELF: [], _STORAGE_ITSELF: []}

    async def one(session: aiohttp.ClientSession, what: str, url: str) -> None:
        began = time.perf_counter()
        async with session.get(url, headers={"User-Agent": "Mozilla/5.0"}) as answer:
            await answer.read()
            assert what != _PIXEL or answer.status == 200, answer.status
        taken[what].append((time.perf_counter() - began) * 1000)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        until, turn = time.monotonic() + seconds, itertools.cycle(urls)
        while time.monotonic() < until:
            for what, url in ((_PIXEL, next(turn)), (_HEED_ITSELF, nothing), (_STORAGE_ITSELF, storage)):
                group.create_task(one(session, what, url))
            await asyncio.sleep(_ASKED_EVERY)
    return {what: sorted(each) for what, each in taken.items()}


def _memory(process_id: int) -> tuple[int, int]:
    """Kilobytes now: of the process, and of it with its children."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        with contextlib.suppress(OSError):
            children += (thread / "children").read_text().split()
    own = _resident(process_id)
    return own, own + sum(_resident(int(child)) for child in set(children))


def _resident(process_id: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


async def _watch(process_id: int, peak: list[int]) -> None:
    while True:
        own, whole = _memory(process_id)
        peak[0], peak[1] = max(peak[0], own), max(peak[1], whole)
        await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class _Course:
    """The load of a run, and the client beside it."""

    base_url: str
    asking: subprocess.Popen[bytes]
    mail_port: int
    process_id: int
    seconds: float
    which: str


async def _both(course: _Course) -> tuple[dict[str, list[float]], list[int], Counter[str]]:
    """Load while the client asks: the times, the memory at its peak, the answers to the load."""
    before, peak = _memory(course.process_id), [0, 0]
    watching = asyncio.create_task(_watch(course.process_id, peak))
    os.nice(19)  # this thread, and the mail server's: the load must not take the core from storage
    mail_server = Controller(_Sink(), hostname="127.0.0.1", port=course.mail_port, data_size_limit=None)
    mail_server.start()
    answers = await send_load(course.base_url, course.seconds, course.which)
    said, _ = course.asking.communicate()
    mail_server.stop()
    watching.cancel()
    print(f"before: {before[0] / 1024:.0f} MB")
    return json.loads(said.decode().rpartition(_FIGURES)[2]), peak, answers


def measure_neighbours(seconds: float = SECONDS, which: str = "all") -> list[Finding]:
    """Latency of the pixel during the load, and memory."""
    seats = Seats.choose()
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ending:
        folder, mail = Path(temporary), Mail(ids=[secrets.token_hex(16) for _ in range(_MAILS)])
        # One thread to the end: what it has started ends with it.
        aside = ending.enter_context(ThreadPoolExecutor(1, initializer=lambda: os.nice(10)))
        with inherited(seats.storage):
            # In Azure, no upload of a file keeps the tables from answering.
            tables, blobs = start_azurite(folder / "tables"), aside.submit(start_azurite, folder / "blobs").result()
            ending.callback(tables.stop)
            ending.callback(blobs.stop)
            storage = tables.connection_string.replace(tables.blob_endpoint, blobs.blob_endpoint)
            prepare(storage, mail, with_messages=True, organization=_QUIET)
        mail_port = free_port()
        settings = {
            "HEED_BASE_URL": "http://127.0.0.1",
            "HEED_ADMIN_KEY": KEY,
            "HEED_REQUESTS_PER_SECOND": "1000000",
            "HEED_TOKEN_KEYS": mail.key,
            "HEED_DATA_DIR": str(folder / "host"),
            "HEED_SMTP_HOST": "127.0.0.1",
            "HEED_SMTP_PORT": str(mail_port),
            "HEED_MX_LOOKUP": "off",
            "AzureWebJobsStorage": storage,
        }
        with inherited(seats.server, settings):
            server = Child("Heed", [sys.executable, "-m", "bench.heed_server", "watched"], folder / "server.log")
            ending.callback(server.stop)
        with inherited(seats.storage):
            server.wait_until(lambda: READY in server.output())
            base_url = server.output().partition(READY)[2].split()[0]
            asked = ",".join([tables.table_endpoint, *(f"{base_url}/o/{token}.gif" for token in _tokens(mail))])
            command = [sys.executable, "-m", "bench.neighbours", "--ask", asked, "--seconds", str(seconds)]
            asking = subprocess.Popen(command, stdout=subprocess.PIPE)
            course = _Course(base_url, asking, mail_port, server.process.pid, seconds, which)
            taken, peak, answers = aside.submit(lambda: asyncio.run(_both(course))).result()
        for line in _told(server.output()):
            print(f"  {line[:300]}")
        pieces = [int(line.removeprefix(STALL).split()[0]) for line in server.output().splitlines() if STALL in line]
    longest = f"{max(pieces, default=0)} ms; over {LONG * 1000:.0f} ms: {len(pieces)}"
    return [*_findings(taken, peak, answers), Finding("longest pieces of the loop", longest, "some 30 ms")]


def _told(output: str) -> list[str]:
    """The longest times that the loop stood still, and the last lines of anything else."""
    lines = output.splitlines()
    stalls = [line for line in lines if line.startswith(STALL)]
    stalls.sort(key=lambda line: -int(line.removeprefix(STALL).split()[0]))
    others = [line for line in lines if not line.startswith(STALL)]
    return [f"{len(stalls)} times over {LONG * 1000:.0f} ms", *stalls[:_SHOWN], *others[-_SHOWN:]]


def _tokens(mail: Mail) -> list[str]:
    ring = KeyRing.parse(mail.key)
    return [ring.mint(Purpose.OPEN, Claim(_QUIET, message, 0)) for message in mail.ids]


def _times(taken: Sequence[float]) -> str:
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    return f"{len(taken)} asked; p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {taken[-1]:.0f} ms"


def _findings(taken: dict[str, list[float]], peak: Sequence[int], answers: Counter[str]) -> list[Finding]:
    said = ", ".join(f"{count} {what}" for what, count in sorted(answers.items()))
    return [
        Finding(_PIXEL, _times(taken[_PIXEL]), "p99 within 250 ms, never over 1.5 s"),
        Finding(_HEED_ITSELF, _times(taken[_HEED_ITSELF]), "-"),
        Finding(_STORAGE_ITSELF, _times(taken[_STORAGE_ITSELF]), "-"),
        Finding("memory", f"{peak[0] / 1024:.0f} MB, with workers {peak[1] / 1024:.0f} MB", "600 MB"),
        Finding("what the loud one was answered", said, ""),
    ]


def _rows(load: str, found: Sequence[Finding]) -> list[str]:
    return [f"| {load} | {each.what} | {each.figure} | {each.target} |" for each in found if each.target]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.neighbours", description="Ask for a pixel beside a load.")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--which", default="all", help="none, simulate, raw, prepare, send, attach, upload (all)")
    parser.add_argument("--ask", help="ask storage and these pixels alone, for the run itself")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md, with three loads")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    options = parser.parse_args(arguments)
    if options.ask:
        storage, *urls = options.ask.split(",")
        print(_FIGURES + json.dumps(asyncio.run(_ask(urls, storage, options.seconds))))
        return
    if options.write:
        loads = ("none", "attach", "all")
        table = [row for load in loads for row in _rows(load, measure_neighbours(options.seconds, load))]
        put(NEIGHBORS, "\n".join([_WHAT, "", *_HEAD, *table]), options.conditions)
        return
    rows = measure_neighbours(options.seconds, options.which)
    for row in rows:
        print(f"{row.what}: {row.figure}" + (f" (target: {row.target})" if len(row.target) > 1 else ""))


if __name__ == "__main__":
    main(sys.argv[1:])
