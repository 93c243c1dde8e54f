"""Protocols of a storage account: the tables, blobs and queues that Heed needs, and no more than that.

Two implementations keep these promises and pass the same tests: `lib.storage.azure.tables` and `lib.storage.memory`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lib.storage.accounts import Routes

Value = str | int | float | bool
"""A value of a column. None is not stored: leave the column out."""

MOST_CHANGES = 100
"""Changes of one entity-group transaction. Azurite accepts more and then fails oddly, so the number is checked here."""

LARGEST_PIECE = 4 * 1024 * 1024
"""Bytes of a blob that are read, or go out, in one request, where it is read or written piece by piece."""

MOST_DEAD_LETTERS = 100
"""Dead letters of one queue that are shown at once."""

_FORBIDDEN_IN_KEY = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class StorageError(Exception):
    """A call of the storage account failed. The base of all errors of storage."""


class Conflict(StorageError):
    """The row exists already, or is not the version that the change was made for."""


class Missing(StorageError):
    """The row, blob, table, container or queue does not exist."""


class Unavailable(StorageError):
    """The account does not answer, or answers 5xx, 408 or 429. The change may or may not have been made."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entity of a table."""

    partition: str
    key: str
    values: Mapping[str, Value]

    etag: str | None = None
    """The version; None for a row that was neither read nor written."""

    def text(self, column: str) -> str:
        """The text in a column, which must hold one."""
        value = self.values[column]
        assert isinstance(value, str), column
        return value


@dataclass(frozen=True, slots=True)
class Insert:
    """Make the row; `Conflict` where it exists."""

    row: Row


@dataclass(frozen=True, slots=True)
class Upsert:
    """Put the whole row, whatever stood in its place."""

    row: Row


@dataclass(frozen=True, slots=True)
class Replace:
    """Put the whole row if its version is still `row.etag` (`*`: any version).

    `Conflict` where the version is another one, `Missing` where there is no row.
    """

    row: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the row; `Missing` where there is none."""

    partition: str
    key: str

    etag: str | None = None
    """The version to remove, else `Conflict`; None for any version."""


Change = Insert | Upsert | Replace | Delete


@dataclass(frozen=True, slots=True)
class Range:
    """A range of keys; None for an end that is open."""

    low: str | None = None
    """The first key of the range."""

    high: str | None = None
    """The first key behind the range."""

    after: str | None = None
    """A key such that only later ones are in the range, as a cursor."""

    @staticmethod
    def prefix(start: str) -> Range:
        """The range of all keys that begin with `start`, which must not be empty."""
        return Range(low=start, high=start[:-1] + chr(ord(start[-1]) + 1))


EVERYTHING = Range()


class Tables(Protocol):
    """Tables of rows with a partition and a key. Every method raises StorageError."""

    async def create(self, table: str) -> None:
        """Make the table, unless it exists. Raises Conflict while Azure still deletes an older one of that name."""

    async def drop(self, table: str) -> None:
        """Delete the table with all its rows, if it exists."""

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        """The row; None where the row or the table does not exist."""
        ...

    def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        """The rows in order of (partition, key), up to `limit`. A missing table is an empty one."""
        ...

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        """Make all changes or none, in one partition; the new etags in their order (None for deletes).

        Raises Conflict, Missing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission to read one blob."""

    until: datetime

    disposition: str
    """The header `Content-Disposition` of the answer."""

    content_type: str
    """The header `Content-Type` of the answer."""


class Blobs(Protocol):
    """Blobs in containers. Every method raises StorageError."""

    async def create(self, container: str) -> None:
        """Make the container, unless it exists. Raises Conflict while Azure still deletes an older one of that name."""

    async def drop(self, container: str) -> None:
        """Delete the container with all its blobs, if it exists."""

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        """Write the blob: readers see the old one or the new one, never a part.

        Large data is sent block by block, without a copy of the whole. Raises Missing where there is no container.
        """

    async def read_blob(self, container: str, name: str) -> bytes:
        """The bytes of the blob. Raises Missing."""
        ...

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        """Write a blob of these pieces, of any sizes, with no more than a few in memory.

        Readers see the old blob until all pieces are there. Raises what `pieces` raises, and then writes nothing;
        Missing where there is no container.
        """

    def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        """The bytes of the blob, in pieces of `LARGEST_PIECE`; the last one may be smaller, an empty blob has none.

        Raises Missing, Conflict where the blob is replaced while it is read.
        """
        ...

    async def delete_blob(self, container: str, name: str) -> None:
        """Delete the blob, if it exists."""

    def list_blobs(self, container: str, after: str | None = None) -> AsyncIterator[str]:
        """The names of a container's blobs, in order, from behind `after`. A missing container is an empty one."""
        ...

    def list_versions(self, container: str) -> AsyncIterator[tuple[str, str]]:
        """The names of a container's blobs with a text each that is another one after every change of the blob."""
        ...

    async def reading_url(self, container: str, name: str, grant: Grant) -> str:
        """A URL that lets its bearer read this one blob, and nothing else, until the grant ends. The URL is a secret.

        The blob need not exist.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed every time."""

    id: str
    body: bytes

    tries: int | None
    """Times that a function has failed on the message; None where the queue does not count them."""

    since: datetime
    """The time at which the message was given up, or, where the queue does not note that, at which it was sent."""

    reason: str


class DeadLetters(Protocol):
    """Messages that were given up, by the queue that they were on. Every method raises StorageError."""

    async def count(self, queue: str) -> int:
        """The number of dead letters; Service Bus counts no further than `MOST_DEAD_LETTERS`."""
        ...

    async def peek(self, queue: str, limit: int = MOST_DEAD_LETTERS) -> list[DeadLetter]:
        """The first dead letters; storage queues show 32 at most."""
        ...

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        """Put the dead letters with these ids (None: all that are there now) back on their queue; their number.

        Each is sent first and removed afterwards, so that a crash in between repeats a message and never loses one.
        """
        ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """The messages of a queue that no function has done yet."""

    count: int
    """Storage queues count roughly; Service Bus counts no further than `MOST_DEAD_LETTERS`."""

    oldest: datetime | None
    """The time at which the first of those that wait was sent; None where none waits, or that is not known."""


class Queues(Protocol):
    """Queues of messages. Every method raises StorageError."""

    @property
    def dead_letters(self) -> DeadLetters:
        """The messages that were given up."""
        ...

    async def create(self, queue: str) -> None:
        """Make the queue, unless it exists or the backend leaves that to the namespace's operator."""

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        """Send a message of up to 48 KiB of UTF-8, which stays hidden until `delay` has passed.

        A backend that detects duplicates keeps only the first message with a `message_id` (128 characters at most)
        within the queue's window, even after it was consumed: give an id only to a message that need not come again.
        Storage queues keep all messages.
        """

    async def backlog(self, queue: str) -> Backlog:
        """Count the messages that wait, delayed ones included; a missing queue has none."""
        ...


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage account, or a shared one with the own accounts of organizations."""

    tables: Tables
    blobs: Blobs
    queues: Queues

    closers: list[object] = field(default_factory=list)
    """Clients with a coroutine method `close`, for `close_storage`."""

    routes: Routes | None = None
    """The way to organizations' own accounts; None where all are in this one."""

    address: str = ""
    """Tells one account from others."""


def put_if_unchanged(row: Row) -> Insert | Replace:
    """The change that puts the row in place of the version `row.etag`, or, where that is None, makes a new row."""
    return Insert(row) if row.etag is None else Replace(row)


def check_changes(changes: Sequence[Change]) -> None:
    """Raise ValueError for a transaction that Azure would refuse, or Azurite would swallow: a mistake of ours."""
    if not 0 < len(changes) <= MOST_CHANGES:
        raise ValueError(f"a transaction has 1 to {MOST_CHANGES} changes, not {len(changes)}")
    places = [place_of(change) for change in changes]
    if len({partition for partition, _ in places}) != 1:
        raise ValueError("a transaction stays in one partition")
    if len(set(places)) != len(places):
        raise ValueError("a transaction changes a row at most once")
    for partition, key in places:
        for part in (partition, key):
            if _FORBIDDEN_IN_KEY.search(part) or len(part) > 512:
                raise ValueError(f"not a key: {part!r}")
    for change in changes:
        if isinstance(change, Replace) and change.row.etag is None:
            raise ValueError("a replacement needs the etag that it replaces")


def place_of(change: Change) -> tuple[str, str]:
    """Partition and key of the row that is changed."""
    if isinstance(change, Delete):
        return change.partition, change.key
    return change.row.partition, change.row.key
