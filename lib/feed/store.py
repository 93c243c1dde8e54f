"""Feeds in storage: an organization's events in the order of their commits.

The table `feed` holds pages, a partition each (`page|<number>`): the row `head` counts the page's events, rows
`event|<number>` hold them, and a row `batch|<id>` stands for each batch. A writer puts the new head in place of the
version that it has read, in one transaction with its events and its batch. So numbers follow the order of commits
without a gap: a writer that was held up finds another head, and takes later numbers. What the head counts is there, and
a reader that goes no further than the head misses nothing, however late a writer commits.

A page that is full, or a day old, is closed; then no version of its head lets anything more in, and the next page
begins. The row `pages` says where the feed begins, and leads to the open page.

A batch is written once: in one page its row can be made once, and a writer looks for the row in the pages before,
back to the one at which the feed was when the batch was planned.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from cachetools import LRUCache
from pydantic import BaseModel

from lib.clock import Clock, milliseconds
from lib.errors import NoLongerKept
from lib.feed.models import KEPT_MILLISECONDS, Batch, FeedEvent, FeedPlace
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Replace, Row, Tables, put_if_unchanged
from lib.storage.batches import batches_of
from lib.storage.coalescing import PerKeyWorker
from lib.storage.documents import pack, unpack
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import FEED, table
from lib.storage.protocols import MOST_CHANGES
from lib.storage.retry import retry_on_conflict

log = logging.getLogger("heed.feed")

LARGEST_BATCH = MOST_CHANGES - 2
"""Events of one batch, which a transaction takes with the batch's row and the page's head."""

FULL_PAGE = 2_000
"""Number of events from which on a page is closed."""

_PAGE_LASTS = timedelta(days=1)
_MOST_REMEMBERED = 10_000
_MOST_TRIES = 16
_MOST_OLD = 5_000
"""Rows that one call deletes."""

_PAGES = "pages"
_HEAD = "head"


Tell = Callable[[str], Awaitable[None]]
"""Tells others that an organization's feed has new events; it raises nothing. A process may die before it."""


class Pages(BaseModel):
    """The row `pages`."""

    first: int = 0
    """The first page that is kept."""

    open: int = 0
    """The open page, or one before it."""

    before: int = 0
    """Number of events that the page before the first one had."""


class PageHead(BaseModel):
    """The head of a page. Times are in milliseconds since 1970."""

    count: int = 0
    begun_at: int
    written_at: int
    """Time of the latest write."""

    closed: bool = False


@dataclass(slots=True)
class _Tail:
    """The page that is written to, as this process knows it."""

    page: int
    head: PageHead
    etag: str


class Feed:
    """Feeds of all organizations. Methods raise StorageError."""

    def __init__(self, tables: Tables, clock: Clock, tell: Tell | None = None) -> None:
        self._tables = tables
        self._clock = clock
        self._tell = tell
        self._tails: LRUCache[str, _Tail] = LRUCache(_MOST_REMEMBERED)
        self._lately: LRUCache[str, int] = LRUCache(_MOST_REMEMBERED)
        self._written: LRUCache[str, bool] = LRUCache(_MOST_REMEMBERED)
        self._batches: PerKeyWorker[str, Batch] = PerKeyWorker(
            self._append, MOST_CHANGES - 1, size_of=lambda batch: len(batch.events) + 1
        )

    async def find_page(self, organization: str) -> int:
        """Return the page at which the feed is, or one before it, for `Batch.since`."""
        if organization in self._tails:
            return self._tails[organization].page
        if organization not in self._lately:
            self._lately[organization] = (await self._read_pages(organization))[0].open
        return self._lately[organization]

    async def append_batch(self, organization: str, batch: Batch) -> None:
        """Write the batch at the feed's end, unless it was written already. Raises Stale.

        Where the organization is gone, nothing happens.
        """
        assert len(batch.events) <= LARGEST_BATCH
        if batch.id not in self._written:
            await self._batches.do_items(organization, [batch])

    async def _append(self, organization: str, batches: Sequence[Batch]) -> None:
        left = {batch.id: batch for batch in batches if batch.id not in self._written}
        looked_at: dict[str, int] = {}
        try:
            await retry_on_conflict(
                f"the feed of {organization}",
                lambda: self._append_once(organization, left, looked_at),
                tries=_MOST_TRIES,
            )
        except Missing:
            log.info("organization %s is gone: %d events dropped", organization, len(batches))
            self._forget(organization)
            return
        if self._tell is not None:
            await self._tell(organization)

    async def _append_once(self, organization: str, left: dict[str, Batch], looked_at: dict[str, int]) -> None:
        """Raises Conflict, for another try.

        `looked_at`: by batch, the first page in which it was not looked for.
        """
        is_known = organization in self._tails
        tail = await self._open_tail(organization)
        # In the tail that was known, the batch's own row tells: its second insert fails.
        await self._drop_written(organization, left, looked_at, tail.page + (0 if is_known else 1))
        if not left:
            return
        changes: list[Change] = []
        number, taken = tail.head.count, list[Batch]()
        for batch in left.values():
            if len(changes) + len(batch.events) + 2 > MOST_CHANGES:
                break
            changes.append(Insert(Row(_partition(tail.page), f"batch|{batch.id}", {"v": 1})))
            for event in batch.events:
                changes.append(Insert(Row(_partition(tail.page), _event_key(number), pack(event))))
                number += 1
            taken.append(batch)
        head = tail.head.model_copy(update={"count": number, "written_at": self._now()})
        await self._write_head(organization, tail, head, changes)
        for batch in taken:
            self._written[batch.id] = True
            del left[batch.id]
        if left:
            await self._append_once(organization, left, looked_at)

    async def _drop_written(
        self, organization: str, left: dict[str, Batch], looked_at: dict[str, int], end: int
    ) -> None:
        """Drop batches that are in a page before `end`, or that are older than what is kept."""
        oldest = self._now() - KEPT_MILLISECONDS
        earliest = min((looked_at.get(batch.id, batch.since) for batch in left.values()), default=end)
        first = (await self._read_pages(organization))[0].first if earliest < end else 0
        for batch in list(left.values()):
            start = looked_at.get(batch.id, batch.since)
            is_over = start < first and batch.planned_at <= oldest
            pages = range(max(start, first), end)
            if is_over or await self._is_in(organization, batch.id, pages):
                self._written[batch.id] = True
                del left[batch.id]
            looked_at[batch.id] = max(start, end - 1)

    async def _is_in(self, organization: str, batch: str, pages: Iterable[int]) -> bool:
        for page in pages:
            if await self._tables.read_row(table(organization, FEED), _partition(page), f"batch|{batch}"):
                return True
        return False

    async def _write_head(self, organization: str, tail: _Tail, head: PageHead, changes: Sequence[Change]) -> None:
        """Put the head in place of the one that the tail knows, with these changes. Raises Conflict."""
        row = Row(_partition(tail.page), _HEAD, pack(head), tail.etag)
        try:
            etags = await self._tables.write_rows(table(organization, FEED), [Replace(row), *changes])
        except Missing as missing:
            # The page, or the whole table, is another one: what this process knows is of before.
            self._forget(organization)
            raise Conflict("the page is gone") from missing
        except BaseException:
            # What was written is not known, or another writer was first.
            self._tails.pop(organization, None)
            raise
        tail.head, tail.etag = head, etags[0] or ""

    async def _open_tail(self, organization: str) -> _Tail:
        """Find the page that is written to; begin a page where that one is full. Raises Missing, Conflict."""
        tail = self._tails.get(organization) or await self._load_tail(organization)
        while tail.head.closed or self._is_over(tail.head):
            if not tail.head.closed:
                await self._write_head(organization, tail, tail.head.model_copy(update={"closed": True}), ())
            tail = await self._begin_page(organization, tail.page + 1)
        self._tails[organization] = tail
        return tail

    def _is_over(self, head: PageHead) -> bool:
        return head.count > 0 and (
            # A page that begins a day ahead is of a clock since set back.
            head.count >= FULL_PAGE or abs(self._now() - head.begun_at) >= _PAGE_LASTS // timedelta(milliseconds=1)
        )

    async def _load_tail(self, organization: str) -> _Tail:
        page = (await self._read_pages(organization))[0].open
        return await self._read_head(organization, page) or await self._begin_page(organization, page)

    async def _read_head(self, organization: str, page: int) -> _Tail | None:
        row = await self._tables.read_row(table(organization, FEED), _partition(page), _HEAD)
        return None if row is None else _Tail(page, unpack(PageHead, row), row.etag or "")

    async def _begin_page(self, organization: str, page: int) -> _Tail:
        """Make the page, unless it is there, and let the row `pages` lead to it. Raises Missing, Conflict."""
        tail = await self._read_head(organization, page)
        if tail is None:
            head = PageHead(begun_at=self._now(), written_at=self._now())
            row = Row(_partition(page), _HEAD, pack(head))
            [etag] = await write_late_rows(self._tables, organization, FEED, [Insert(row)])
            tail = _Tail(page, head, etag or "")
        pages, etag = await self._read_pages(organization)
        if page > pages.open or etag is None:
            await self._save_pages(organization, pages.model_copy(update={"open": max(page, pages.open)}), etag)
        elif page < pages.first:
            raise Conflict("the feed has gone on")
        return tail

    async def _read_pages(self, organization: str) -> tuple[Pages, str | None]:
        """Read the row `pages` with its etag; None where the feed has not begun."""
        row = await self._tables.read_row(table(organization, FEED), _PAGES, _PAGES)
        return (Pages(), None) if row is None else (unpack(Pages, row), row.etag)

    async def _save_pages(self, organization: str, pages: Pages, etag: str | None) -> None:
        change = put_if_unchanged(Row(_PAGES, _PAGES, pack(pages), etag))
        await self._tables.write_rows(table(organization, FEED), [change])

    async def read_events(
        self, organization: str, after: FeedPlace | None, limit: int
    ) -> tuple[list[tuple[FeedPlace, FeedEvent]], FeedPlace]:
        """Read up to `limit` events from behind the place (None: all that are kept), each with the place behind it.

        Return them and the place from which to read on. Raises NoLongerKept.
        """
        pages, _ = await self._read_pages(organization)
        place = _resolved(pages, after)
        found: list[tuple[FeedPlace, FeedEvent]] = []
        while True:
            there = await self._read_head(organization, place.page)
            if there is None:
                if place.number or place.page < pages.open:
                    raise NoLongerKept("The events behind this place are not kept any more.")
                return found, place
            head = there.head
            if place.number > head.count:
                raise NoLongerKept("The place is none of this feed.")
            end = min(head.count, place.number + limit - len(found))
            if place.number < end:
                keys = Range(low=_event_key(place.number), high=_event_key(end))
                async for row in self._tables.query(table(organization, FEED), _partition(place.page), keys):
                    behind = FeedPlace(place.page, int(row.key.partition("|")[2]) + 1)
                    found.append((behind, unpack(FeedEvent, row)))
                place = FeedPlace(place.page, end)
            if place.number == head.count and head.closed:
                place = FeedPlace(place.page + 1, 0)
            elif place.number == head.count or len(found) >= limit:
                return found, place
            if len(found) >= limit:
                return found, place

    async def read_event(self, organization: str, page: int, number: int) -> FeedEvent | None:
        """Read one event, counted from 0 in its page; None where it is not kept any more."""
        row = await self._tables.read_row(table(organization, FEED), _partition(page), _event_key(number))
        return None if row is None else unpack(FeedEvent, row)

    async def find_beginning(self, organization: str) -> int:
        """Return the first page that is kept."""
        return (await self._read_pages(organization))[0].first

    async def find_end(self, organization: str) -> FeedPlace:
        """Return the place behind all events that are there."""
        page = (await self._read_pages(organization))[0].open
        while True:
            there = await self._read_head(organization, page)
            if there is None:
                return FeedPlace(page, 0)
            if not there.head.closed:
                return FeedPlace(page, there.head.count)
            page += 1

    async def delete_old(self, organization: str, until: int) -> None:
        """Delete pages whose latest event was written up to that time (milliseconds since 1970).

        A call deletes some thousand rows at most: the next call goes on. So it does where others write meanwhile.
        """
        with suppress(Conflict):
            await self._move_beginning(organization, until)
        pages, _ = await self._read_pages(organization)
        name, keys = table(organization, FEED), Range(low=_partition(0), high=_partition(pages.first))
        old = [row async for row in self._tables.query(name, keys, limit=_MOST_OLD)]
        for partition in dict.fromkeys(row.partition for row in old):
            rows = [Delete(row.partition, row.key) for row in old if row.partition == partition]
            for some in batches_of(rows, MOST_CHANGES):
                with suppress(Missing):  # another process deletes them, too
                    await self._tables.write_rows(name, some)

    async def _move_beginning(self, organization: str, until: int) -> None:
        """Let the feed begin behind the pages of up to that time. Raises Conflict."""
        pages, etag = await self._read_pages(organization)
        first, before = pages.first, pages.before
        while (there := await self._read_head(organization, first)) and there.head.written_at <= until:
            if not there.head.count:
                break  # the open page, in which nothing is old
            if not there.head.closed:
                await self._write_head(organization, there, there.head.model_copy(update={"closed": True}), ())
            await self._begin_page(organization, first + 1)
            first, before = first + 1, there.head.count
        if first > pages.first:
            pages, etag = await self._read_pages(organization)
            await self._save_pages(organization, Pages(first=first, before=before, open=max(pages.open, first)), etag)

    def _forget(self, organization: str) -> None:
        self._tails.pop(organization, None)
        self._lately.pop(organization, None)

    def _now(self) -> int:
        return milliseconds(self._clock.now())


def _resolved(pages: Pages, after: FeedPlace | None) -> FeedPlace:
    """Return where to begin reading. Raises NoLongerKept.

    A reader who had read the last page that was deleted has missed nothing.
    """
    if after is None or after == (pages.first - 1, pages.before):
        return FeedPlace(pages.first, 0)
    if after.page < pages.first:
        raise NoLongerKept("The events behind this place are not kept any more.")
    return after


def _partition(page: int) -> str:
    return f"page|{page:010d}"


def _event_key(number: int) -> str:
    return f"event|{number:06d}"
