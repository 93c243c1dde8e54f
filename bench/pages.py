"""Measure the console's pages with the demo's data, and with 100,000 messages: `python -m bench.pages`.

Rounds, requests and bytes are those of pages over storage in memory, where each request is counted. CPU is that of the
same pages, without counting. The time until a page has come is measured over the local host with Azurite, for the
demo alone: Azurite reads a whole table for any query, which Azure does not.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bench.crm import running, servers
from bench.sections import PAGES, put
from demo.cast import ORGANIZATION
from demo.copying import copy_demo
from demo.making import MAILS, Made, make_demo
from demo.screens import Screen
from infra.local.host.asking import Response
from lib.clock import SetClock, milliseconds
from lib.ids import new_id
from lib.lists.keys import keys_of, mailbox_partition, partitions_of, standing_of
from lib.lists.store import Listed
from lib.people.addresses import same_mailbox
from lib.services import Services
from lib.storage import Row, Upsert
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.batches import batches_of
from lib.storage.documents import pack
from lib.storage.layout import table
from lib.storage.protocols import MOST_CHANGES
from tests.support.heed import ADMIN_KEY, BASE_URL, TOKEN_KEYS, Heed
from tests.support.onlooker import Ask, Onlooker
from tests.support.rounds import LARGEST, MOST_REQUESTS, MOST_ROUNDS, Counted, counting_rounds

MESSAGES, TIMES, MOST_MILLISECONDS = 100_000, 7, 150
_APART = timedelta(minutes=31)
"""Time between two copies of a mail."""

_WRITTEN_AT_ONCE = 1_000


@dataclass(slots=True)
class Figures:
    """Figures of one page."""

    screen: Screen
    rounds: int = 0
    requests: int = 0
    size: int = 0
    milliseconds: float = 0.0
    """CPU of the server, the median."""
    answered: float | None = None
    """Milliseconds until the page has come from a Heed over Azurite, the median; None where that was not measured."""

    @property
    def is_within(self) -> bool:
        """Tell whether the page keeps what is promised of pages."""
        slowest = max(self.milliseconds, self.answered or 0)
        sizes = self.rounds <= MOST_ROUNDS and self.requests <= MOST_REQUESTS and self.size < LARGEST
        return sizes and slowest < MOST_MILLISECONDS


@dataclass(slots=True)
class Measured:
    """Figures of all pages, with the data that they show."""

    data: str
    pages: list[Figures] = field(default_factory=list)


async def measure_pages(mails: int = MAILS, messages: int = MESSAGES, *, with_azurite: bool = True) -> list[Measured]:
    """Measure the pages of the demo, and those of the demo with `messages` messages; some ten minutes."""
    now = datetime.now(UTC)
    made = await make_demo(BASE_URL, TOKEN_KEYS, now, lambda at, sent: None, mails=mails)
    print("The demo is played.", flush=True)
    of_demo = Measured("the demo", await _in_memory(made, now))
    if with_azurite:
        await _over_azurite(made, of_demo.pages)
    count = await _multiply(made.stage.services, messages)
    print(f"There are {count:,} messages.", flush=True)
    # Copies of messages stand in lists alone: the pages of single messages are those of before.
    screens = [each.screen for each in of_demo.pages]
    of_many = Measured(f"{count:,} messages", await _in_memory(made, now, screens))
    await made.stage.close()
    return [of_demo, of_many]


async def _in_memory(made: Made, now: datetime, screens: Sequence[Screen] = ()) -> list[Figures]:
    """Count the requests of each page, then measure its CPU without counting. `screens` are by default the demo's."""
    counted = Counted()
    storage = made.stage.storage
    counting = await _onlooker(Heed(clock=SetClock(now), storage=counting_rounds(storage, counted)).request, ADMIN_KEY)
    plain = await _onlooker(Heed(clock=SetClock(now), storage=storage).request, ADMIN_KEY)
    found = []
    for screen in screens or await plain.find_screens():
        await counting.look(screen)  # settings are remembered for a minute, as in a process that has worked before
        counted.clear()
        answer = await counting.look(screen)
        assert answer.status == 200, (screen.path, answer.status)
        figures = Figures(screen, counted.rounds, counted.requests, len(answer.body))
        figures.milliseconds = await _median(plain, screen, time.process_time)
        found.append(figures)
    return found


async def _over_azurite(made: Made, pages: Sequence[Figures]) -> None:
    """Measure how long pages take to come from the local host over Azurite."""

    async def nothing() -> None: ...

    with tempfile.TemporaryDirectory() as temporary, servers(Path(temporary)) as there:
        storage = azure_storage(Account.parse(there.azurite.connection_string))
        try:
            await copy_demo(made.stage, storage, nothing, lambda done, total: None)
        finally:
            await close_storage(storage)
        async with running(there, "http") as (crm, _), aiohttp.ClientSession() as session:
            onlooker = await _onlooker(_over_http(session, crm.base_url), crm.key)
            # Keys differ from those in memory, and with them the page that revokes one.
            by_name = {each.name: each for each in await onlooker.find_screens()}
            for figures in pages:
                figures.answered = await _median(onlooker, by_name[figures.screen.name], time.perf_counter)


def _over_http(session: aiohttp.ClientSession, base_url: str) -> Ask:
    async def ask(
        method: str, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str]
    ) -> Response:
        sent = {**headers, **({"authorization": f"Bearer {key}"} if key else {})}
        content: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with session.request(method, base_url + path, headers=sent, allow_redirects=False, **content) as answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, named, await answer.read())

    return ask


async def _onlooker(ask: Ask, admin_key: str) -> Onlooker:
    onlooker = Onlooker(ask)
    await onlooker.sign_in(admin_key)
    return onlooker


async def _median(onlooker: Onlooker, screen: Screen, clock: Callable[[], float]) -> float:
    """Load a page some times after a first one; milliseconds."""
    await onlooker.look(screen)
    taken = list[float]()
    for _ in range(TIMES):
        began = clock()
        answer = await onlooker.look(screen)
        taken.append((clock() - began) * 1000)
        assert answer.status == 200, (screen.path, answer.status)
    return statistics.median(taken)


async def _multiply(services: Services, messages: int) -> int:
    """List so many messages: those of the demo, and copies of them that were sent earlier and earlier.

    Rows are written as lists have them, without the looks at what is there that a single message takes.
    """
    everything = services.lists.page(ORGANIZATION, "all", "all", "-sent_at", None, messages)
    there = [listed async for _, listed in everything]
    rows: dict[str, list[Row]] = defaultdict(list)
    for number in range(messages - len(there)):
        listed = _earlier(there[number % len(there)], _APART * (1 + number // len(there)))
        addresses = dict.fromkeys(map(same_mailbox, listed.message.addresses()))
        mailboxes = [
            mailbox_partition(await services.address_hashes.hash_address(ORGANIZATION, each)) for each in addresses
        ]
        assert listed.updated_at is not None
        standing = standing_of(listed.message, listed.kpis, updated_at=milliseconds(listed.updated_at))
        columns = pack(listed)
        for partition in (*partitions_of(listed.message, standing), *mailboxes):
            rows[partition] += [Row(partition, key, columns) for key in keys_of(partition, listed.message.id, standing)]
            if len(rows[partition]) >= _WRITTEN_AT_ONCE:
                await _write(services, rows.pop(partition))
    for some in rows.values():
        await _write(services, some)
    return max(messages, len(there))


async def _write(services: Services, rows: Sequence[Row]) -> None:
    for some in batches_of(rows, MOST_CHANGES):
        await services.storage.tables.write_rows(table(ORGANIZATION, "index"), [Upsert(row) for row in some])


def _earlier(listed: Listed, by: timedelta) -> Listed:
    """Make a copy of a message, with all times of what has happened earlier."""
    message, kpis = listed.message, listed.kpis
    moved = {name: at - by for name in ("created_at", "sent_at", "told_at") if (at := getattr(message, name))}
    opened = kpis.last_opened_at and kpis.last_opened_at - by
    return listed.model_copy(
        update={
            "message": message.model_copy(update={"id": new_id(), **moved}),
            "kpis": kpis.model_copy(update={"last_opened_at": opened}),
            "updated_at": listed.changed_at() - by,
        }
    )


def section(found: Sequence[Measured]) -> str:
    """Write the table of the pages, and which of them take more than is promised."""
    parts = [
        f"Promised are at most {MOST_ROUNDS} rounds of requests to storage, {MOST_REQUESTS} requests, "
        f"{LARGEST // 1000} KB of HTML and {MOST_MILLISECONDS} ms. Rounds and requests are counted over storage in "
        f"memory; CPU is that of the whole page there, medians of {TIMES}. `answered` is the time until the page has "
        "come from the local host over Azurite, on two CPUs that they share with the client.\n"
    ]
    for measured in found:
        has_answers = any(each.answered for each in measured.pages)
        wrong = [each.screen.path for each in measured.pages if not each.is_within]
        verdict = f"**More than promised: {', '.join(wrong)}.**" if wrong else "All pages keep what is promised."
        head = "| page | rounds | requests | KB | ms of CPU |" + (" ms until answered |" if has_answers else "")
        rule = "|---|" + "---:|" * (head.count("|") - 2)
        rows = [_row(each, has_answers) for each in measured.pages]
        parts += [f"With {measured.data}: {verdict}\n", "\n".join([head, rule, *rows]) + "\n"]
    return "\n".join(parts)


def _row(page: Figures, has_answers: bool) -> str:
    columns = [page.screen.title, f"{page.rounds}", f"{page.requests}", f"{page.size / 1000:.0f}"]
    columns.append(f"{page.milliseconds:.0f}")
    return f"| {' | '.join(columns + ([f'{page.answered:.0f}'] if has_answers else []))} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--mails", type=int, default=MAILS, help=f"mails of the demo ({MAILS})")
    parser.add_argument("--messages", type=int, default=MESSAGES, help=f"messages of the larger one ({MESSAGES:,})")
    parser.add_argument("--conditions", default="nothing else ran", help="what else the machine did")
    parser.add_argument("--no-azurite", action="store_true", help="leave out the time until pages are answered")
    parser.add_argument("--print", action="store_true", help="write nothing into RESULTS.md")
    options = parser.parse_args()
    found = asyncio.run(measure_pages(options.mails, options.messages, with_azurite=not options.no_azurite))
    text = section(found)
    print(text)
    if not options.print:
        put(PAGES, text, options.conditions)


if __name__ == "__main__":
    main()
