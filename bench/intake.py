"""Measure what it takes to poll a mailbox that has nothing new, to take in a mail, and to load the IMAP library.

`python -m bench.intake` prints the figures, and answers with 1 where one misses its target. The mailbox lies on
Debian's Dovecot. Mails are taken in over storage in memory, whose CPU is taken off, and over Azurite, with the CPU of
the requests. Parsing is measured in turn with them, so that the machine's noise is the same for both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.sections import INTAKE, put
from infra.local.servers.azurite import start_azurite
from lib.inbound.origin import Origin
from lib.inbound.reading import read_inbound
from lib.storage import Blobs, Change, Queues, Range, Row, Storage, Tables
from lib.storage.azure.account import Account
from lib.storage.azure.journal_writer import RestWriter
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from tests.support.dovecot import running_dovecot, why_not
from tests.support.heed import Heed
from tests.support.inbound import ADA, REP, bounce_of
from tests.support.mailboxes import Polls
from tests.support.passing_storage import PassingBlobs, PassingQueues, PassingTables

MOST_MILLISECONDS = 5.0
"""Target for the CPU of taking in a mail beyond parsing."""

_POLLS = 40
_MAILS = 60
_IMPORTS = 7


class Poll(NamedTuple):
    """A poll that finds nothing."""

    folders: int
    commands: float
    """IMAP commands after the login, without the LOGOUT."""
    milliseconds: float
    """Of CPU, with TLS and the login."""
    reads: float
    writes: float
    """Calls of storage."""


class Intake(NamedTuple):
    """The taking in of one kind of mail; milliseconds of CPU in the median."""

    name: str
    parsing: float
    beyond: float
    """Without storage."""
    with_requests: float
    """Beyond parsing, over Azurite."""
    reads: float
    writes: float


@dataclass(slots=True)
class _Counting:
    """Storage that counts the calls that are made of it, and the CPU that they take where it lies in memory."""

    storage: Storage
    reads: int = 0
    writes: int = 0
    seconds: float = 0.0

    def counted(self) -> Storage:
        inner = self.storage
        return Storage(_Tables(inner.tables, self), _Blobs(inner.blobs, self), _Queues(inner.queues, self))

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.reads += 1
        with self._timed():
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.writes += 1
        with self._timed():
            yield

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.seconds += time.process_time() - begun


class _Tables(PassingTables):
    def __init__(self, tables: Tables, calls: _Counting) -> None:
        super().__init__(tables)
        self._calls = calls

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        with self._calls.reading():
            return await super().read_row(table, partition, key)

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        with self._calls.reading():
            rows = [row async for row in super().query(table, partition, keys, limit)]
        for row in rows:
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        with self._calls.writing():
            return await super().write_rows(table, changes)


class _Blobs(PassingBlobs):
    def __init__(self, blobs: Blobs, calls: _Counting) -> None:
        super().__init__(blobs)
        self._calls = calls

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        with self._calls.writing():
            await super().put_blob(container, name, data, content_type)


class _Queues(PassingQueues):
    def __init__(self, queues: Queues, calls: _Counting) -> None:
        super().__init__(queues)
        self._calls = calls

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        with self._calls.writing():
            await super().send(queue, body, delay, message_id)


async def measure_polls() -> list[Poll]:
    """Polls of mailboxes with 1 and with 5 folders; none where Dovecot cannot be started."""
    if why_not() is not None:
        return []
    found = []
    with running_dovecot() as dovecot:
        for folders in (1, 5):
            user, others = f"rep{folders}", [f"Folder{number}" for number in range(folders - 1)]
            dovecot.add_user(user, *others)
            calls = _Counting(memory_storage())
            polls = await Polls(tls=dovecot.trust, storage=calls.counted()).start()
            paths = [{"path": path} for path in ("INBOX", *others)]
            await polls.save(user=user, port=dovecot.port, folders=paths)
            await polls.run()
            assert await polls.error() is None
            dovecot.commands(user)
            calls.reads = calls.writes = 0
            begun = time.process_time()
            for _ in range(_POLLS):
                await polls.run()
            cpu = (time.process_time() - begun) / _POLLS * 1000
            commands = [each for each in dovecot.commands(user) if each != "LOGOUT"]
            counts = (len(commands) / _POLLS, cpu, calls.reads / _POLLS, calls.writes / _POLLS)
            found.append(Poll(folders, *counts))
    return found


async def measure_intake() -> list[Intake]:
    """Mails of each kind, taken in over both storages."""
    own = await _measure_kinds(memory_storage(), None)
    with tempfile.TemporaryDirectory() as temporary:
        azurite = start_azurite(Path(temporary))
        try:
            async with _azure(azurite.connection_string) as (storage, writer):
                real = await _measure_kinds(storage, writer)
        finally:
            azurite.stop()
    return [each._replace(with_requests=other.with_requests) for each, other in zip(own, real, strict=True)]


@asynccontextmanager
async def _azure(connection_string: str) -> AsyncIterator[tuple[Storage, RestWriter]]:
    account = Account.parse(connection_string)
    storage, writer = azure_storage(account), RestWriter(account)
    try:
        yield storage, writer
    finally:
        await writer.close()
        await close_storage(storage)


async def _measure_kinds(storage: Storage, writer: RestWriter | None) -> list[Intake]:
    calls = _Counting(storage)
    heed = await Heed(storage=calls.counted(), writer=writer).start()
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"]})
    ids = []
    for _ in range(_MAILS):
        message = await heed.draft()
        await heed.post(f"/messages/{message}/send")
        await heed.services.outbox.deliver("acme", message)
        ids.append(message)
    answers = [_mail(number, await _internet_id(heed, message)) for number, message in enumerate(ids)]
    bounces = [(await bounce_of(heed, each)).replace(b"<bounce-", b"<" + each.encode()) for each in ids]
    strangers = [_mail(1000 + number, None) for number in range(_MAILS)]
    kinds = {"an answer": answers, "a bounce": bounces, "a mail that is not kept": strangers}
    return [await _measure_kind(heed, calls, name, mails) for name, mails in kinds.items()]


async def _internet_id(heed: Heed, message: str) -> str:
    return str((await heed.get(f"/messages/{message}"))["message_id"])


async def _measure_kind(heed: Heed, calls: _Counting, name: str, mails: Sequence[bytes]) -> Intake:
    parsing, with_storage, without = [], [], []
    calls.reads = calls.writes = 0
    for raw in mails:
        calls.seconds = 0.0
        begun = time.process_time()
        read_inbound(raw)
        parsed = time.process_time()
        await heed.services.mail_intake.receive_mail("acme", raw, Origin())
        # Its own parsing is part of the second half.
        beyond = (time.process_time() - parsed) - (parsed - begun)
        parsing.append((parsed - begun) * 1000)
        with_storage.append(beyond * 1000)
        without.append((beyond - calls.seconds) * 1000)
    medians = statistics.median(parsing), statistics.median(without), statistics.median(with_storage)
    return Intake(name, *medians, calls.reads / len(mails), calls.writes / len(mails))


def _mail(number: int, answered: str | None) -> bytes:
    """A mail of some 10 KB in text and HTML, with the mail that it answers quoted below."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADA, REP, "Re: Hello"
    mail["Date"], mail["Message-ID"] = "Mon, 04 May 2026 09:20:00 +0000", f"<mail{number}@example.com>"
    if answered:
        mail["In-Reply-To"] = mail["References"] = answered
    quoted = "> We spoke of a hundred seats, with support in the first year.\n" * 40
    mail.set_content(f"Yes, please send the contract.\n\nOn Monday Rita wrote:\n{quoted}")
    paragraphs = "<p style='margin:0 0 1em'>We spoke of a hundred seats, with support.</p>\n" * 60
    mail.add_alternative(f"<p>Yes, please.</p><blockquote>{paragraphs}</blockquote>", subtype="html")
    return mail.as_bytes()


def measure_imports() -> dict[str, float]:
    """Milliseconds of CPU to import each library in a new process, in the median; they take turns."""
    names = ("imapclient", "azure.data.tables.aio")
    code = "import time; t = time.process_time(); import {}; print((time.process_time() - t) * 1000)"
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(_IMPORTS):
        for name in names:
            command = [sys.executable, "-c", code.format(name)]
            found[name].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return {name: statistics.median(each) for name, each in found.items()}


def describe(polls: Sequence[Poll], intakes: Sequence[Intake], imports: dict[str, float]) -> str:
    """Return the section's text."""
    lines = [
        "| a poll that finds nothing | IMAP commands | our CPU | storage: reads | writes |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.folders} folder{'s' * (each.folders > 1)} | {each.commands:.0f} | {each.milliseconds:.1f} ms | "
        f"{each.reads:.0f} | {each.writes:.0f} |"
        for each in polls
    ]
    if not polls:
        lines += ["| not measured: Dovecot cannot be started here | | | | |"]
    lines += [
        "",
        "The commands are those after the login; one for each folder and no write is the target. The CPU is the "
        "client's, with TCP, TLS and the login.",
        "",
        "| taken in | parsing | beyond it, without storage | times parsing | with the requests to Azurite | storage: "
        "reads | writes |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.name} | {each.parsing:.2f} ms | {each.beyond:.2f} ms | {each.beyond / each.parsing:.1f} | "
        f"{each.with_requests:.2f} ms | {each.reads:.1f} | {each.writes:.1f} |"
        for each in intakes
    ]
    imap, tables = imports.values()
    lines += [
        "",
        f"Milliseconds of our CPU, in the median of {_MAILS} mails each; under {MOST_MILLISECONDS:.0f} ms beyond "
        f"parsing, without storage, is the target: {_verdict(intakes)}. Parsing is reading, telling the kind, "
        "and making the excerpt. What the requests to storage cost our CPU comes on top, as the column beside it says.",
        "",
        f"Importing the IMAP library takes {imap:.0f} ms of CPU, {imap / tables:.2f} times what the tables' library "
        f"takes ({tables:.0f} ms). It is imported when a first IMAP mailbox is polled.",
    ]
    return "\n".join(lines)


def _verdict(intakes: Sequence[Intake]) -> str:
    missed = [each.name for each in intakes if each.beyond >= MOST_MILLISECONDS]
    return f"missed for {' and '.join(missed)}" if missed else "reached"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.intake", description="Measure polling and taking in mail.")
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did, for the section")
    options = parser.parse_args(arguments)
    polls, intakes, imports = uvloop.run(measure_polls()), uvloop.run(measure_intake()), measure_imports()
    text = describe(polls, intakes, imports)
    print(text)
    if options.write:
        put(INTAKE, text, options.conditions)
    cheap_polls = all(each.commands == each.folders and each.writes == 0 for each in polls)
    return 0 if cheap_polls and _verdict(intakes) == "reached" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
