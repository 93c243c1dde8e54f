"""Throughput and latency of hits that are durable before they are answered: Heed, and two bare handlers beside it.

Rounds are interleaved, because machines are noisy: each round measures every contender once, in another order, each
on an Azurite of its own that is empty at the start; ratios are those of the same round.

`python -m bench.hits --against FOLDER` measures pixels and clicks of this version and of the one in another checkout
(`bench.versions`), and writes nothing.
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bare_server import READY
from bench.bare_server import TABLE as BARE
from bench.load import Generator, Load, LoadError, choose_generator
from bench.processors import Seats, inherited, seconds_busy, seconds_used
from bench.storage import JOURNAL, Mail, count_facts, prepare
from bench.versions import THIS, Version, compare, in_turn, versions
from infra.local.child import Child
from infra.local.servers.azurite import Azurite, start_azurite
from lib.tokens import Purpose

WARM_UP_SECONDS = 1.0
SETTLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A server of hits: the module to start with its arguments, and the table in which the facts end."""

    name: str
    module: tuple[str, ...]
    purpose: Purpose
    table: str
    is_assessed: bool = False
    version: Version = THIS


PIXEL = Contender("Heed, pixel", ("bench.heed_server", "http"), Purpose.OPEN, JOURNAL)
CLICK = Contender("Heed, click", ("bench.heed_server", "http"), Purpose.CLICK, JOURNAL)
REST = Contender("bare handler, REST insert", ("bench.bare_server", "rest"), Purpose.OPEN, BARE)
SDK = Contender("bare handler, SDK insert", ("bench.bare_server", "sdk"), Purpose.OPEN, BARE)
ASSESSED = Contender(
    "Heed, pixel, with the assessor", ("bench.heed_server", "all"), Purpose.OPEN, JOURNAL, is_assessed=True
)
CONTENDERS = (PIXEL, CLICK, REST, SDK, ASSESSED)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One contender in one round. CPU in seconds; `others` is what processes of no part in it took of these CPUs.

    `answered` counts the warm-up, too. `stored` are the facts found afterwards; at most `unanswered` of them belong to
    hits whose answer the load generator did not wait for.
    """

    load: Load
    server_cpu: float
    storage_cpu: float
    load_cpu: float
    others: float
    answered: int
    stored: int
    unanswered: int

    @property
    def limit(self) -> float:
        """Hits a second with which the busier of the two CPUs would have no time left."""
        return self.load.hits / max(self.server_cpu, self.storage_cpu + self.load_cpu)

    @property
    def is_durable(self) -> bool:
        """Every answered hit is stored, and none twice."""
        return self.answered <= self.stored <= self.answered + self.unanswered


Rounds = dict[Contender, list[Measurement]]


@dataclass(frozen=True, slots=True)
class Bench:
    """Parameters of the measurement."""

    seats: Seats
    generator: Generator
    rounds: int
    seconds: float


def measure_hits(bench: Bench, contenders: Sequence[Contender] = CONTENDERS) -> Rounds:
    """Measure every contender in every round. Raises LoadError when one does not answer, StartError."""
    mail = Mail()
    found: Rounds = {contender: [] for contender in contenders}
    for number in range(bench.rounds):
        for contender in in_turn(contenders, number):
            measurement = _measure(contender, mail, bench)
            found[contender].append(measurement)
            _report(f"round {number + 1} of {bench.rounds}", contender, measurement)
    return found


def _report(prefix: str, contender: Contender, measurement: Measurement) -> None:
    load = measurement.load
    print(
        f"{prefix}: {contender.name:<38} {load.rate:7,.0f} hits/s, p50 {load.p50:5.1f} ms, p99 {load.p99:6.1f} "
        f"ms; {measurement.stored:,} facts of {measurement.answered:,} answers",
        flush=True,
    )


def _measure(contender: Contender, mail: Mail, bench: Bench) -> Measurement:
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ending:
        folder = Path(temporary)
        paths = folder / "paths"
        mail.write_paths(contender.purpose, paths)
        with inherited(bench.seats.storage):
            azurite = start_azurite(folder)
            ending.callback(azurite.stop)
            prepare(azurite.connection_string, mail, with_messages=contender.is_assessed)
        settings = _settings(mail, azurite, folder)
        with inherited(bench.seats.server, settings):
            server = Child(contender.name, contender.version.command(*contender.module), folder / "server.log")
            ending.callback(server.stop)
        with inherited(bench.seats.storage):
            return _under_load(contender, azurite, server, paths, bench)


def _settings(mail: Mail, azurite: Azurite, folder: Path) -> dict[str, str]:
    return {
        "HEED_BASE_URL": "https://mail.example.com",
        "HEED_ADMIN_KEY": "benchmark-of-heed",
        "HEED_TOKEN_KEYS": mail.key,
        "HEED_TRUSTED_HOPS": "1",
        "HEED_HITS_PER_MINUTE": "1000000",
        "HEED_DATA_DIR": str(folder / "host"),
        "AzureWebJobsStorage": azurite.connection_string,
    }


def _under_load(contender: Contender, azurite: Azurite, server: Child, paths: Path, bench: Bench) -> Measurement:
    base_url = _base_url(server)
    warm_up = bench.generator.load(base_url, paths, WARM_UP_SECONDS)
    before = _seconds_used(azurite, server, bench.seats)
    load = bench.generator.load(base_url, paths, bench.seconds)
    after = _seconds_used(azurite, server, bench.seats)
    server_cpu, storage_cpu, load_cpu, busy = (late - early for late, early in zip(after, before, strict=True))
    answered = warm_up.hits + load.hits
    stored = _facts_when_settled(azurite.connection_string, contender.table, answered)
    if not server.running:
        raise LoadError(f"{contender.name} has ended: {server.last_words()}")
    return Measurement(
        load=load,
        server_cpu=server_cpu,
        storage_cpu=storage_cpu,
        load_cpu=load_cpu,
        others=max(0.0, busy - server_cpu - storage_cpu - load_cpu),
        answered=answered,
        stored=stored,
        unanswered=2 * bench.generator.leaves_unanswered,
    )


def _base_url(server: Child) -> str:
    server.wait_until(lambda: READY in server.output())
    found = re.search(rf"{READY}(\S+)", server.output())
    assert found
    return found[1]


def _seconds_used(azurite: Azurite, server: Child, seats: Seats) -> tuple[float, float, float, float]:
    """CPU seconds so far of the server, of Azurite, of this process with its load generators, and of everything."""
    own = os.times()
    return (
        seconds_used(server.process.pid),
        seconds_used(azurite.child.process.pid),
        own.user + own.system + own.children_user + own.children_system,
        sum(seconds_busy(cpu) for cpu in {seats.server, seats.storage}),
    )


def _facts_when_settled(connection_string: str, table: str, expected: int) -> int:
    """Heed answers as soon as one of its two writes is done, so the journal's own may come in a little later."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        time.sleep(0.5)
        stored = count_facts(connection_string, table)
        if stored >= expected or time.monotonic() > deadline:
            return stored


def main(arguments: list[str]) -> None:
    """Compare hits of two versions."""
    parser = argparse.ArgumentParser(prog="python -m bench.hits", description="Compare hits of two versions of Heed.")
    parser.add_argument("--against", type=Path, required=True, help="a checkout of the other version")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured (9)")
    parser.add_argument("--seconds", type=int, default=2, help="how long each time, after the warm-up (2)")
    options = parser.parse_args(arguments)
    kinds, compared = (PIXEL, CLICK), versions(options.against)
    contenders = [replace(kind, name=f"{kind.name}, {each.name}", version=each) for kind in kinds for each in compared]
    bench = Bench(Seats.choose(), choose_generator(own=False), options.rounds, options.seconds)
    found = measure_hits(bench, contenders)
    for this, other in zip(contenders[::2], contenders[1::2], strict=True):
        rates = [[each.load.rate for each in found[contender]] for contender in (this, other)]
        print(compare(f"hits/s of {this.name}", *rates))
        cpus = [[each.server_cpu / each.load.hits for each in found[contender]] for contender in (this, other)]
        print(compare(f"the server's CPU for a hit of {this.name}", *cpus))


if __name__ == "__main__":
    main(sys.argv[1:])
