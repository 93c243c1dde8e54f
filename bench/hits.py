"""Throughput and latency of hits that are durable before they are answered: Heed, and two bare handlers beside it.

Rounds are interleaved, because machines are noisy: each round measures every contender once, in another order, each
on an Azurite of its own that is empty at the start; ratios are those of the same round.
"""

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bare_server import READY
from bench.bare_server import TABLE as BARE
from bench.load import CONNECTIONS, Load, LoadError, make_load
from bench.processors import Seats, inherited, seconds_busy, seconds_used
from bench.storage import JOURNAL, Mail, count_facts, prepare
from infra.local.azurite import Azurite, start_azurite
from infra.local.child import Child
from lib.tokens import Purpose

WARM_UP_SECONDS = 1.0
SETTLE_SECONDS = 20.0
_NOT_HITS = ("assess", "send", "sweep_journal")
"""Functions that do what follows a hit, later and elsewhere."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Who answers hits: a module to start, with which functions disabled, and the table in which its facts end."""

    name: str
    module: tuple[str, ...]
    purpose: Purpose
    table: str
    disabled: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, str]:
        return {f"AzureWebJobs.{function}.Disabled": "true" for function in self.disabled}

    @property
    def is_assessed(self) -> bool:
        return self.table == JOURNAL and not self.disabled


_HEED = ("bench.heed_server",)
PIXEL = Contender("Heed, pixel", _HEED, Purpose.OPEN, JOURNAL, _NOT_HITS)
CLICK = Contender("Heed, click", _HEED, Purpose.CLICK, JOURNAL, _NOT_HITS)
REST = Contender("bare handler, REST insert", ("bench.bare_server", "rest"), Purpose.OPEN, BARE)
SDK = Contender("bare handler, SDK insert", ("bench.bare_server", "sdk"), Purpose.OPEN, BARE)
ASSESSED = Contender("Heed, pixel, assessor on the same CPU", _HEED, Purpose.OPEN, JOURNAL)
CONTENDERS = (PIXEL, CLICK, REST, SDK, ASSESSED)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One contender in one round. CPU in seconds; `others` is what processes of no part in it took of both CPUs.

    `answered` counts the warm-up, too; `stored` are the facts found afterwards.
    """

    load: Load
    server_cpu: float
    storage_cpu: float
    others: float
    answered: int
    stored: int

    @property
    def is_durable(self) -> bool:
        """Every answered hit is stored. Besides, each load leaves at most one unanswered hit on each connection."""
        return self.answered <= self.stored <= self.answered + 2 * CONNECTIONS


Rounds = dict[Contender, list[Measurement]]


def measure_hits(seats: Seats, rounds: int, seconds: float) -> Rounds:
    """Measure every contender in every round. Raises LoadError when one does not answer, StartError."""
    mail = Mail()
    found: Rounds = {contender: [] for contender in CONTENDERS}
    for number in range(rounds):
        for contender in _in_turn(number):
            measurement = _measure(contender, mail, seats, seconds)
            found[contender].append(measurement)
            _report(f"round {number + 1} of {rounds}", contender, measurement)
    return found


def _in_turn(number: int) -> Sequence[Contender]:
    start = number % len(CONTENDERS)
    return (*CONTENDERS[start:], *CONTENDERS[:start])


def _report(prefix: str, contender: Contender, measurement: Measurement) -> None:
    load = measurement.load
    print(
        f"{prefix}: {contender.name:<38} {load.rate:7,.0f} hits/s  p50 {load.median:5.1f} ms  p99 {load.slowest:6.1f} ms"
        f"  {measurement.stored:,} facts of {measurement.answered:,} answers",
        flush=True,
    )


def _measure(contender: Contender, mail: Mail, seats: Seats, seconds: float) -> Measurement:
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ending:
        folder = Path(temporary)
        paths = folder / "paths"
        mail.write_paths(contender.purpose, paths)
        with inherited(seats.storage):
            azurite = start_azurite(folder)
            ending.callback(azurite.stop)
            prepare(azurite.connection_string, mail, with_messages=contender.is_assessed)
        server, base_url = _start_server(contender, azurite, mail, seats, folder)
        ending.callback(server.stop)
        with inherited(seats.storage):
            return _under_load(contender, azurite, server, base_url, paths, seats, seconds)


def _start_server(contender: Contender, azurite: Azurite, mail: Mail, seats: Seats, folder: Path) -> tuple[Child, str]:
    settings = {
        "HEED_BASE_URL": "https://mail.example.com",
        "HEED_ADMIN_KEY": "benchmark",
        "HEED_TOKEN_KEYS": mail.key,
        "HEED_TRUSTED_HOPS": "1",
        "AzureWebJobsStorage": azurite.connection_string,
        **contender.settings,
    }
    with inherited(seats.server, settings):
        server = Child(contender.name, [sys.executable, "-m", *contender.module], folder / "server.log")
    server.wait_until(lambda: READY in server.output())
    found = re.search(rf"{READY}(\S+)", server.output())
    assert found
    return server, found[1]


def _under_load(
    contender: Contender, azurite: Azurite, server: Child, base_url: str, paths: Path, seats: Seats, seconds: float
) -> Measurement:
    warm_up = make_load(base_url, paths, WARM_UP_SECONDS)

    def used() -> tuple[float, float, float]:
        busy = sum(seconds_busy(cpu) for cpu in {seats.server, seats.storage})
        return seconds_used(server.process.pid), seconds_used(azurite.child.process.pid), busy

    before, own_before = used(), _own_seconds()
    load = make_load(base_url, paths, seconds)
    server_cpu, storage_cpu, busy = (after - earlier for after, earlier in zip(used(), before, strict=True))
    others = busy - server_cpu - storage_cpu - (_own_seconds() - own_before)
    answered = warm_up.hits + load.hits
    stored = _facts_when_settled(azurite.connection_string, contender.table, answered)
    if not server.running:
        raise LoadError(f"{contender.name} has ended: {server.last_words()}")
    return Measurement(load, server_cpu, storage_cpu, max(0.0, others), answered, stored)


def _own_seconds() -> float:
    """CPU seconds of this process and of the load generators that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _facts_when_settled(connection_string: str, table: str, expected: int) -> int:
    """Heed answers as soon as one of its two writes is done, so the journal's own may come in a little later."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        time.sleep(0.5)
        stored = count_facts(connection_string, table)
        if stored >= expected or time.monotonic() > deadline:
            return stored
