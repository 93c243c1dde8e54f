"""Lists: a page in every order out of very many messages, and what it takes to list a message again after a change.

`python -m bench.lists` prints the rows alone; `make bench` writes them into RESULTS.md. Pages are read from storage in
memory, as it takes Azurite hours to be filled with a million rows; a change is written to Azurite.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import uvloop

from bench.sending import Finding
from infra.local.servers.azurite import start_azurite
from lib.lists.keys import mailbox_block
from lib.lists.store import Listed, ListPlace, Lists, Sort, View
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.storage import Change, Range, Row, Tables
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from lib.verdicts.kpis import Counts, Kpis

MESSAGES = 100_000
ON_AZURITE = 300
CHANGES = 100
_PAGE = 50
_ORGANIZATION = "bench"
_INDEX = table(_ORGANIZATION, "index")
_START = datetime(2026, 1, 1, tzinfo=UTC)
_FOLLOWED = FollowState(state="on", reason="Every recipient allows it.")
_RARE, _OFTEN = "a" * 32, "b" * 32
"""Hashes of addresses."""

_VIEWS: tuple[View, ...] = ("followed", "all")


@dataclass(slots=True)
class _Counting:
    """Tables that count the requests that are made of them."""

    tables: Tables
    requests: int = 0

    async def create(self, name: str) -> None:
        await self.tables.create(name)

    async def drop(self, name: str) -> None:
        await self.tables.drop(name)

    async def read_row(self, name: str, partition: str, key: str) -> Row | None:
        self.requests += 1
        return await self.tables.read_row(name, partition, key)

    def query(
        self, name: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        self.requests += 1
        return self.tables.query(name, partition, keys, limit)

    async def write_rows(self, name: str, changes: Sequence[Change]) -> list[str | None]:
        self.requests += 1
        return await self.tables.write_rows(name, changes)


def measure_lists() -> list[Finding]:
    """All rows; some two minutes, and two gibibytes of memory."""
    rows = uvloop.run(_pages())
    with tempfile.TemporaryDirectory() as temporary:
        azurite = start_azurite(Path(temporary))
        try:
            return [*rows, *uvloop.run(_changes(azurite.connection_string))]
        finally:
            azurite.stop()


async def _pages() -> list[Finding]:
    print(f"listing {MESSAGES:,} messages …", flush=True)
    tables = _Counting(memory_storage().tables)
    lists = Lists(tables)
    await tables.create(_INDEX)
    for number in range(MESSAGES):
        rare = number % 1_000 == 0
        await lists.enter_message(_ORGANIZATION, _listed(number, number % 23, None), [], [_RARE if rare else _OFTEN])
    rows = [await _pages_of(lists, tables, view) for view in _VIEWS]
    return [*rows, await _page_of_mailbox(lists, tables)]


async def _page_of_mailbox(lists: Lists, tables: _Counting) -> Finding:
    """The first page of the messages to an address that one of a thousand went to."""
    block = mailbox_block(_RARE)
    tables.requests, begun = 0, time.process_time()
    page = [row async for row in lists.filter_page(_ORGANIZATION, block, None, _PAGE + 1)]
    taken = (time.process_time() - begun) * 1000
    assert len(page) == _PAGE + 1
    figure = f"{tables.requests} request, {taken:.1f} ms of CPU"
    return Finding(f"a page of {_PAGE} of {MESSAGES:,} messages, of one recipient of a thousandth", figure, "1 request")


async def _pages_of(lists: Lists, tables: _Counting, view: View) -> Finding:
    """The first page of every order, and the one after it."""
    requests, taken = [], []
    for sort in get_args(Sort):
        await _page(lists, view, sort, None)  # rows in memory are put in order when they are first read
        after: str | None = None
        for _ in range(2):
            tables.requests, begun = 0, time.process_time()
            page = await _page(lists, view, sort, after)
            taken.append((time.process_time() - begun) * 1000)
            requests.append(tables.requests)
            assert len(page) == _PAGE + 1
            after = page[_PAGE - 1][0]
    figure = f"{max(requests)} requests at most, {statistics.median(taken):.1f} ms of CPU"
    return Finding(f"a page of {_PAGE} of {MESSAGES:,} messages, view {view}, any order", figure, "4 requests at most")


async def _page(lists: Lists, view: View, sort: Sort, after: str | None) -> list[tuple[str, Listed]]:
    return [row async for row in lists.page(_ORGANIZATION, "all", view, sort, after, _PAGE + 1)]


async def _changes(connection_string: str) -> list[Finding]:
    """Messages that stand in four lists: everybody's, the sender's, a record's and an address's."""
    print(f"changing {CHANGES} of {ON_AZURITE} messages …", flush=True)
    storage = azure_storage(Account.parse(connection_string))
    tables = _Counting(storage.tables)
    lists = Lists(tables)
    try:
        await tables.create(_INDEX)
        places = [
            await lists.enter_message(_ORGANIZATION, _listed(number, 0, f"c{number}"), [], [_RARE])
            for number in range(ON_AZURITE)
        ]
        return [
            await _rewritten(lists, tables, places, "opened once more", 1),
            await _rewritten(lists, tables, places, "as it was", 1),
        ]
    finally:
        await close_storage(storage)


async def _rewritten(lists: Lists, tables: _Counting, places: list[list[ListPlace]], how: str, opens: int) -> Finding:
    tables.requests, begun = 0, time.process_time()
    for number in range(CHANGES):
        listed = _listed(number, opens, f"c{number}")
        places[number] = await lists.enter_message(_ORGANIZATION, listed, places[number], [_RARE])
    taken = (time.process_time() - begun) * 1000 / CHANGES
    figure = f"{tables.requests / CHANGES:.0f} requests, {taken:.1f} ms of CPU"
    return Finding(f"listing a message again, {how}", figure, "as little as possible")


def _listed(number: int, opens: int, record: str | None) -> Listed:
    """The message of this number, to a record if one is named."""
    to = {"email": "ada@example.com", "name": "Ada", "record": {"type": "contact", "id": record} if record else None}
    at = _START + timedelta(minutes=number)
    message = StoredMessage.model_validate(
        {
            "id": f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}",
            "sender": "rep1",
            "to": [to],
            "subject": f"Offer {number * 7919 % MESSAGES}",
            "state": "sent",
            "created_at": at,
            "sent_at": at,
            "follow_state": _FOLLOWED,
        }
    )
    last = at + timedelta(minutes=opens) if opens else None
    kpis = Kpis(opens=opens, clicks=opens // 5, last_opened_at=last, raw=Counts(opens=opens))
    return Listed(message=message, etag="1", follow_state=_FOLLOWED, kpis=kpis, updated_at=last or at)


def main() -> None:
    for row in measure_lists():
        print(f"{row.what}: {row.figure} (target: {row.target})")


if __name__ == "__main__":
    main()
