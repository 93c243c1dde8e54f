"""Measure hits and API posts through one, two and three hosts on one storage: `python -m bench.instances`.

Rounds take turns, and ratios are those of the same round. One way shows what the machine can do, whose cores the hosts
share with storage and the load; the other one, whether hosts hold each other up where each is bound by its own number
of requests at the same time, as an instance in Azure is, and storage is some way off.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import uvloop

from bench.bare_server import READY
from bench.crm import Client
from bench.load import HEADERS
from bench.processors import seconds_used
from bench.raw_load import as_bytes, ask
from bench.sections import INSTANCES, put
from bench.storage import ORGANIZATION, Mail
from infra.local.child import Child
from infra.local.servers.azurite import Azurite, start_azurite
from lib.tokens import Purpose
from tests.support.tcp_forwarder import TcpForwarder

HOSTS = 3
ROUNDS = 5
SECONDS = 3.0

_KEY = "benchmark-of-heed"
_DRAFT = {
    "from": "rep1",
    "to": [{"email": "ada@example.com"}],
    "subject": "Offer",
    "html": '<p>Hi <a href="https://example.com/offer">offer</a></p>',
}


@dataclass(frozen=True, slots=True)
class Way:
    """Distance of storage in seconds, and how many requests each host works on at the same time."""

    name: str
    delay: float
    at_once: int


NEAR = Way("storage at hand, 16 requests at once for each host", 0, 16)
FAR = Way("storage 40 ms away, 4 requests at once for each host", 0.04, 4)
WAYS = (NEAR, FAR)
_WHAT = f"""{HOSTS} local hosts with the app's HTTP functions share one Azurite, which is one thread. The same load goes
to one of them, to two and to three, for {SECONDS:g} s each, in {ROUNDS} rounds, each with fresh hosts and a fresh
Azurite: so many connections to each host, each of which asks again when it has its answer. Figures are medians; *times
one host* is the median of the rounds' ratios. CPU is that of all hosts, of Azurite, and of the client with what delays
storage's answers, for each request. *Cores* are those that all of them kept busy; other work on the machine takes the
rest."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A load of some seconds. CPU in seconds."""

    requests: int
    seconds: float
    hosts: float
    storage: float
    client: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cores(self) -> float:
        """Cores that were busy with it."""
        return (self.hosts + self.storage + self.client) / self.seconds


@dataclass(slots=True)
class Found:
    """The samples of one kind of request, by the number of hosts, a sample for each round."""

    samples: dict[int, list[Sample]] = field(default_factory=dict)

    def times(self, hosts: int) -> float:
        """How many times the rate of one host so many have."""
        pairs = zip(self.samples[hosts], self.samples[1], strict=True)
        return statistics.median(several.rate / one.rate for several, one in pairs)


@dataclass(frozen=True, slots=True)
class Site:
    """Hosts on one storage, and what they are asked: requests by name, for each host its own."""

    azurite: Azurite
    hosts: Sequence[Child]
    urls: Sequence[str]
    requests: Mapping[str, Sequence[Sequence[bytes]]]

    async def sample(self, name: str, hosts: int, at_once: int, seconds: float) -> Sample:
        """Ask so many hosts. Raises AssertionError where a request was not answered as it should be."""
        used = [seconds_used(each.process.pid) for each in self.hosts]
        storage, client, began = seconds_used(self.azurite.child.process.pid), time.process_time(), time.monotonic()
        targets = zip(self.urls[:hosts], self.requests[name], strict=False)
        loads = await asyncio.gather(*(ask(url, requests, seconds, at_once) for url, requests in targets))
        assert not any(load["failed"] for load in loads), (name, loads)
        return Sample(
            requests=round(sum(load["hits"] for load in loads)),
            seconds=time.monotonic() - began,
            hosts=sum(seconds_used(each.process.pid) for each in self.hosts) - sum(used),
            storage=seconds_used(self.azurite.child.process.pid) - storage,
            client=time.process_time() - client,
        )


def measure_instances(rounds: int, seconds: float) -> dict[Way, dict[str, Found]]:
    """Measure both ways in every round, on an Azurite of its own: it slows down with its rows. Raises StartError."""
    found: dict[Way, dict[str, Found]] = {way: {} for way in WAYS}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for number in range(rounds):
            for way, kinds in found.items():
                runner.run(_measure(way, kinds, number, seconds))
    return found


async def _measure(way: Way, found: dict[str, Found], number: int, seconds: float) -> None:
    async with _site(way) as site:
        for name in site.requests:
            await site.sample(name, HOSTS, way.at_once, 1.0)  # warms up
            for hosts in sorted(range(1, HOSTS + 1), key=lambda count: (count + number) % HOSTS):
                sample = await site.sample(name, hosts, way.at_once, seconds)
                found.setdefault(name, Found()).samples.setdefault(hosts, []).append(sample)
                print(f"{way.name}, {name}, {hosts} hosts: {sample.rate:,.0f}/s", flush=True)


@contextlib.asynccontextmanager
async def _site(way: Way) -> AsyncIterator[Site]:
    mail = Mail()
    async with contextlib.AsyncExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        azurite = start_azurite(folder)
        ending.callback(azurite.stop)
        connection = azurite.connection_string
        for endpoint in (azurite.table_endpoint, azurite.queue_endpoint, azurite.blob_endpoint):
            line = await ending.enter_async_context(TcpForwarder(endpoint, way.delay)) if way.delay else None
            connection = connection.replace(endpoint, line.url) if line else connection
        hosts = [_start_host(folder / f"host{number}", connection, mail.key) for number in range(HOSTS)]
        for host in hosts:
            ending.push_async_callback(asyncio.to_thread, host.stop)
        urls = [await asyncio.to_thread(_url_of, host) for host in hosts]
        async with aiohttp.ClientSession() as session:
            client = Client(session, urls[0])
            await client.begin()
        yield Site(azurite, hosts, urls, dict(_requests(folder, urls, mail, client.key)))


def _start_host(folder: Path, connection_string: str, token_keys: str) -> Child:
    settings = {
        "HEED_BASE_URL": "http://127.0.0.1",
        "HEED_ADMIN_KEY": _KEY,
        "HEED_REQUESTS_PER_SECOND": "1000000",
        "HEED_TOKEN_KEYS": token_keys,
        "HEED_DATA_DIR": str(folder),
        "HEED_MX_LOOKUP": "off",
        "AzureWebJobsStorage": connection_string,
    }
    environment = dict(os.environ)
    os.environ.update(settings)
    try:
        return Child("Heed", [sys.executable, "-m", "bench.heed_server", "http"], folder / "heed.log")
    finally:
        os.environ.clear()
        os.environ.update(environment)


def _url_of(host: Child) -> str:
    host.wait_until(lambda: READY in host.output())
    return host.output().partition(READY)[2].split()[0]


def _requests(
    folder: Path, urls: Sequence[str], mail: Mail, key: str
) -> Iterator[tuple[str, Sequence[Sequence[bytes]]]]:
    """Requests of each kind for each host. Pixels and links are many, so that none is asked for as in a flood."""
    headers = {"Authorization": f"Bearer {key}", "X-Heed-User": "rep1", "Content-Type": "application/json"}
    path, body = f"/api/orgs/{ORGANIZATION}/messages", json.dumps(_DRAFT).encode()
    yield "POST of a draft", [[as_bytes("POST", url, path, headers, body)] for url in urls]
    for name, purpose in (("pixel", Purpose.OPEN), ("link", Purpose.CLICK)):
        mail.write_paths(purpose, folder / name)
        paths = (folder / name).read_text(encoding="ascii").splitlines()
        yield name, [[as_bytes("GET", url, path, HEADERS) for path in paths] for url in urls]


def section(found: Mapping[Way, Mapping[str, Found]]) -> str:
    """The text of the section."""
    head = [
        "| | hosts | requests/s | times one host | ms of CPU: hosts | storage | client | cores |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines = [_WHAT]
    for way, kinds in found.items():
        rows = [_row(name, each, hosts) for name, each in kinds.items() for hosts in sorted(each.samples)]
        lines += ["", f"**{way.name[0].upper()}{way.name[1:]}.**", "", *head, *rows]
    return "\n".join(lines)


def _row(name: str, found: Found, hosts: int) -> str:
    samples = found.samples[hosts]

    def milliseconds(part: str) -> str:
        return f"{statistics.median(getattr(each, part) * 1000 / each.requests for each in samples):.2f}"

    rate, cores = (statistics.median(getattr(each, what) for each in samples) for what in ("rate", "cores"))
    cpu = " | ".join(map(milliseconds, ("hosts", "storage", "client")))
    return f"| {name} | {hosts} | {rate:,.0f} | {found.times(hosts):.2f} | {cpu} | {cores:.1f} |"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.instances", description="Ask several hosts on one storage.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # hosts and storage end with this process
    text = section(measure_instances(options.rounds, options.seconds))
    print(text)
    if options.write:
        put(INSTANCES, text, options.conditions)


if __name__ == "__main__":
    main(sys.argv[1:])
