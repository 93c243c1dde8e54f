"""Many opens of one mail, and as many of many: what an assessed event costs, from the queue to the right KPIs.

`python -m bench.busy` prints the figures alone; `make bench` writes them into RESULTS.md. The facts stand on the queue
and in the journal as the group commit puts them; then the whole app starts in the local host, and works them off.

`python -m bench.busy --against FOLDER --rounds 5` measures the version in another checkout as well, in turn with this
one, and says how many times the server's CPU of that one an open takes (`bench.versions`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azure.storage.queue.aio import QueueClient

from bench.bare_server import READY
from bench.heed_server import REQUESTS
from bench.processors import Seats, inherited, seconds_used
from bench.storage import Mail, prepare
from bench.versions import THIS, Version, compare, in_turn, versions
from infra.local.child import Child
from infra.local.servers.azurite import Azurite, start_azurite
from lib.assessment.summary import Summary
from lib.clock import SystemClock, milliseconds
from lib.storage import Range
from lib.storage.azure.account import Account
from lib.storage.azure.journal_writer import RestWriter
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.documents import unpack
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from lib.tracking.journal import QUEUE, Journal

OPENS = 10_000
OPENS_OF_EACH = 10
"""Where they are spread over many messages."""

MOST = 1.5
"""Times the cost of an open of many messages that one of a busy message may have."""

_COMMIT = 32
"""Facts of one group commit under load."""

_MESSAGES_OF_EACH = 100
"""Of an organization. Azurite reads a whole table for any query, Azure the range alone: with all messages in the same
tables, most of what is measured would be Azurite's reading."""

_PAUSE = 2.0
_PATIENCE = 3600.0
_QUIET = 65.0
"""Seconds; looks at busy messages wait for a minute at most."""

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0",
    "python-requests/2.32.3",
)


@dataclass(frozen=True, slots=True)
class Age:
    """Time since the mail was sent, and time since its first open."""

    name: str
    sent: timedelta
    opened: timedelta


AGES = (
    Age("the last hours", timedelta(hours=6), timedelta(hours=5)),
    Age("the last minute", timedelta(seconds=70), timedelta(seconds=60)),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of `opens` of so many messages, from the first open to the right counts. CPU and `seconds` in seconds."""

    version: str
    age: str
    opens: int
    messages: int
    server_cpu: float
    storage_cpu: float
    requests: int
    seconds: float

    @property
    def of_server(self) -> float:
        """Milliseconds of the server's CPU for an open."""
        return self.server_cpu * 1000 / self.opens

    @property
    def of_storage(self) -> float:
        """Milliseconds of Azurite's CPU for an open."""
        return self.storage_cpu * 1000 / self.opens

    @property
    def of_each(self) -> float:
        """Milliseconds of CPU for an open."""
        return self.of_server + self.of_storage


class WrongCount(Exception):
    """The KPIs are not what they must be; the text says where."""


def measure_busy(
    opens: int = OPENS,
    ages: Sequence[Age] = AGES,
    which: str = "both",
    compared: Sequence[Version] = (THIS,),
    rounds: int = 1,
) -> list[Cost]:
    """For each age, one busy message and many quiet ones; each version in turn. Raises StartError, WrongCount."""
    many = max(1, opens // OPENS_OF_EACH)
    counts = {"both": (1, many), "busy": (1,), "quiet": (many,)}[which]
    return [
        _measure(version, opens, count, age)
        for number in range(rounds)
        for age in ages
        for count in counts
        for version in in_turn(compared, number)
    ]


def _measure(version: Version, opens: int, messages: int, age: Age) -> Cost:
    mails_opened = f"{messages:,} message{'s' if messages > 1 else ''}"
    print(f"{version.name}: {opens:,} opens of {mails_opened} within {age.name} …", flush=True)
    seats = Seats.choose()
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ending:
        folder = Path(temporary)
        with inherited(seats.storage):
            azurite = start_azurite(folder)
            ending.callback(azurite.stop)
            mails = _mails(messages)
            for organization, mail in mails.items():
                prepare(
                    azurite.connection_string,
                    mail,
                    with_messages=True,
                    organization=organization,
                    sent_at=now - age.sent,
                )
            asyncio.run(_put_facts(azurite, list(_facts(mails, opens, now, age))))
        with inherited(seats.server, _settings(mails, azurite, folder)):
            server = Child("Heed", version.command("bench.heed_server", "counted"), folder / "server.log")
            ending.callback(server.stop)
        with inherited(seats.storage):
            server.wait_until(lambda: READY in server.output())
            before = _used(server, azurite)
            begun = time.monotonic()
            seconds = asyncio.run(_until_done(azurite, server, messages)) - begun
            after = _used(server, azurite)
            server_cpu, storage_cpu, requests = (late - early for late, early in zip(after, before, strict=True))
            asyncio.run(_check(azurite, mails, opens))
    cost = Cost(version.name, age.name, opens, messages, server_cpu, storage_cpu, int(requests), seconds)
    print(f"  {_figures(cost)}", flush=True)
    return cost


def _mails(messages: int) -> dict[str, Mail]:
    """By organization."""
    ids = [secrets.token_hex(16) for _ in range(messages)]
    parts = [ids[start : start + _MESSAGES_OF_EACH] for start in range(0, messages, _MESSAGES_OF_EACH)]
    return {f"bench{number}": Mail(ids=part) for number, part in enumerate(parts)}


def _settings(mails: dict[str, Mail], azurite: Azurite, folder: Path) -> dict[str, str]:
    return {
        "HEED_BASE_URL": "https://mail.example.com",
        "HEED_ADMIN_KEY": "benchmark-of-heed",
        "HEED_REQUESTS_PER_SECOND": "1000000",
        "HEED_TOKEN_KEYS": next(iter(mails.values())).key,
        "HEED_MX_LOOKUP": "off",
        "HEED_HITS_PER_MINUTE": "1000000",
        "HEED_DATA_DIR": str(folder / "host"),
        "AzureWebJobsStorage": azurite.connection_string,
    }


def _facts(mails: dict[str, Mail], opens: int, now: datetime, age: Age) -> Iterator[tuple[str, Fact]]:
    """(organization, open) in order of time: from many networks, of any message."""
    chance = random.Random(1)
    places = [(organization, message) for organization, mail in mails.items() for message in mail.ids]
    end, span = milliseconds(now), int(age.opened.total_seconds() * 1000)
    for at in sorted(chance.randrange(end - span, end) for _ in range(opens)):
        organization, message = chance.choice(places)
        yield (
            organization,
            Fact(
                key=f"{at:013d}-{chance.getrandbits(48):012x}",
                message=message,
                kind="open",
                at=at,
                method="GET",
                recipient=0,
                agent=chance.choice(_AGENTS),
                network=f"{chance.randrange(80, 200)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24",
                headers={"accept-language": "en-GB,en;q=0.9"},
            ),
        )


async def _put_facts(azurite: Azurite, facts: Sequence[tuple[str, Fact]]) -> None:
    """Record opens as the hot path does under load: through the journal, `_COMMIT` of an organization at a time."""
    writer = RestWriter(Account.parse(azurite.connection_string))
    journal = Journal(writer, SystemClock())
    waiting: dict[str, list[Fact]] = {}
    commits: list[tuple[str, list[Fact]]] = []
    for organization, fact in facts:
        its_facts = waiting.setdefault(organization, [])
        its_facts.append(fact)
        if len(its_facts) == _COMMIT:
            commits.append((organization, waiting.pop(organization)))
    commits += waiting.items()
    try:
        for organization, its_facts in commits:
            stored = await asyncio.gather(*(journal.record(organization, fact) for fact in its_facts))
            if not all(stored):
                raise RuntimeError("a fact could not be put into the journal")
        await journal.settle()
    finally:
        await writer.close()


def _used(server: Child, azurite: Azurite) -> tuple[float, float, float]:
    """CPU seconds of the server and of Azurite so far, and the server's requests."""
    return (
        seconds_used(server.process.pid),
        seconds_used(azurite.child.process.pid),
        _requests(server),
    )


def _requests(server: Child) -> int:
    said = server.output().count(REQUESTS)
    os.kill(server.process.pid, signal.SIGUSR1)
    # It answers when it comes to that: a busy message is judged in one piece.
    server.wait_until(lambda: server.output().count(REQUESTS) > said)
    return int(server.output().rpartition(REQUESTS)[2].split()[0])


async def _until_done(azurite: Azurite, server: Child, messages: int) -> float:
    """Wait until nothing is on the queue but one look at each message, which comes a day later.

    Return when that began, by the monotonic clock. Looks that are soon to come are on the queue unseen, so that it has
    to stay like that for longer than any of them waits.
    """
    deadline, quiet_since = time.monotonic() + _PATIENCE, None
    async with QueueClient.from_connection_string(azurite.connection_string, QUEUE) as queue:
        said = time.monotonic()
        while quiet_since is None or time.monotonic() - quiet_since < _QUIET:
            left = (await queue.get_queue_properties()).approximate_message_count or 0
            is_quiet = left <= messages and not await queue.peek_messages()
            quiet_since = (quiet_since or time.monotonic()) if is_quiet else None
            if not server.running:
                raise WrongCount(f"Heed has ended: {server.last_words()}")
            if time.monotonic() > deadline:
                raise WrongCount(f"{left} messages are still on the queue")
            if time.monotonic() - said > 10:
                said = time.monotonic()
                print(f"  {left:,} messages on the queue", flush=True)
            await asyncio.sleep(_PAUSE)
    return quiet_since


async def _check(azurite: Azurite, mails: dict[str, Mail], opens: int) -> None:
    """Every open counts once, where it belongs. Raises WrongCount."""
    storage = azure_storage(Account.parse(azurite.connection_string))
    found: Counter[str] = Counter()
    try:
        for organization in mails:
            rows = storage.tables.query(table(organization, "messages"), EVERYTHING, Range(low="s", high="t"))
            async for row in rows:
                kpis = unpack(Summary, row).kpis
                found[row.partition] = kpis.raw.opens
                if kpis.opens + kpis.machine.opens + kpis.uncertain.opens != kpis.raw.opens:
                    raise WrongCount(f"classes do not add up: {kpis}")
    finally:
        await close_storage(storage)
    if found.total() != opens:
        raise WrongCount(f"{found.total():,} of {opens:,} opens are counted")


def _figures(cost: Cost) -> str:
    return (
        f"{cost.of_each:.2f} ms of CPU an open (server {cost.of_server:.2f}, Azurite {cost.of_storage:.2f}), "
        f"{cost.requests / cost.opens:.2f} requests, {cost.seconds:.0f} s"
    )


def pairs(costs: Sequence[Cost]) -> list[tuple[Cost, Cost]]:
    """(of one busy message, of many) for each age where both were measured."""
    one = {cost.age: cost for cost in costs if cost.messages == 1}
    return [(one[cost.age], cost) for cost in costs if cost.messages > 1 and cost.age in one]


def _compare(costs: Sequence[Cost]) -> None:
    for age, messages in dict.fromkeys((cost.age, cost.messages) for cost in costs):
        some = [cost for cost in costs if (cost.age, cost.messages) == (age, messages)]
        this = [cost.of_server for cost in some if cost.version == THIS.name]
        other = [cost.of_server for cost in some if cost.version != THIS.name]
        print(compare(f"the server's CPU for an open of one of {messages:,} messages within {age}", this, other))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.busy", description="Measure what an assessed open costs.")
    parser.add_argument("--opens", type=int, default=OPENS, help=f"of one message, and of many together ({OPENS})")
    parser.add_argument("--age", choices=[age.name for age in AGES], help="measure this one alone")
    parser.add_argument("--which", choices=("both", "busy", "quiet"), default="both", help="one message, or many")
    parser.add_argument("--against", type=Path, help="a checkout of another version, to measure in turn with this one")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is measured (1)")
    options = parser.parse_args(arguments)
    ages = [age for age in AGES if options.age in (None, age.name)]
    costs = measure_busy(options.opens, ages, options.which, versions(options.against), options.rounds)
    if options.against is not None:
        _compare(costs)
        return
    for busy, quiet in pairs(costs):
        ratio = busy.of_each / quiet.of_each
        print(f"opens within {busy.age}: one of a busy message costs {ratio:.2f} times one of many (target: {MOST})")


if __name__ == "__main__":
    main(sys.argv[1:])
