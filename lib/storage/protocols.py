"""What Heed asks of a storage account, and no more than that.

Two implementations keep these promises and pass the same tests: `lib.storage.azure.tables` and `lib.storage.memory`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

Value = str | int | float | bool
"""What a column can hold. None is not stored: leave the column out."""

MOST_CHANGES = 100
"""Of one entity-group transaction. Azurite takes more and then fails oddly, so it is checked here."""

MOST_DEAD_LETTERS = 100
"""Of one queue that are shown at once."""

_FORBIDDEN_IN_KEY = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f]")


class StorageError(Exception):
    """Anything that went wrong between us and the storage account."""


class Conflict(StorageError):
    """The row is there already, or is not the version that the change was made for."""


class Missing(StorageError):
    """The row, blob, table or container is not there."""


class Unavailable(StorageError):
    """The account does not answer, or answers 5xx or 429. What was asked may or may not have happened."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entity. `etag` is None until it was read or written."""

    partition: str
    key: str
    values: Mapping[str, Value]
    etag: str | None = None

    def text(self, column: str) -> str:
        value = self.values[column]
        assert isinstance(value, str), column
        return value


@dataclass(frozen=True, slots=True)
class Insert:
    """Fails with `Conflict` where the row exists."""

    row: Row


@dataclass(frozen=True, slots=True)
class Upsert:
    """Puts the whole row, whatever was there."""

    row: Row


@dataclass(frozen=True, slots=True)
class Replace:
    """Puts the whole row if its version is still `row.etag` (`*`: if there is one); else `Conflict` (or `Missing`)."""

    row: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes the row if its version is still `etag` (any version when None). `Missing` where there is none."""

    partition: str
    key: str
    etag: str | None = None


Change = Insert | Upsert | Replace | Delete


@dataclass(frozen=True, slots=True)
class Range:
    """Keys from `low` on (or strictly `after`), up to but not including `high`."""

    low: str | None = None
    high: str | None = None
    after: str | None = None

    @staticmethod
    def prefix(start: str) -> Range:
        """All keys that begin with `start`, which must not be empty."""
        return Range(low=start, high=start[:-1] + chr(ord(start[-1]) + 1))


EVERYTHING = Range()


class Tables(Protocol):
    async def create(self, table: str) -> None:
        """Make the table; nothing happens where it exists. `Conflict` while Azure still deletes its forerunner."""

    async def drop(self, table: str) -> None:
        """Delete the table with all its rows; nothing happens where there is none."""

    async def read_row(self, table: str, partition: str, key: str) -> Row | None: ...

    def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        """Rows in order of (partition, key). A missing table is an empty one."""
        ...

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        """All changes or none, in one partition; new etags in the same order (None for deletes)."""
        ...


@dataclass(frozen=True, slots=True)
class Grant:
    """Until when a blob can be read, and the headers `Content-Disposition` and `Content-Type` that it then has."""

    until: datetime
    disposition: str
    content_type: str


class Blobs(Protocol):
    async def create(self, container: str) -> None: ...

    async def drop(self, container: str) -> None: ...

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        """Readers see the old blob or the new one, never a part. Large data goes out block by block, copied nowhere."""

    async def read_blob(self, container: str, name: str) -> bytes:
        """`Missing` where there is none."""
        ...

    async def delete_blob(self, container: str, name: str) -> None:
        """Nothing happens where there is none."""

    async def reading_url(self, container: str, name: str, grant: Grant) -> str:
        """A URL by which anybody can read this one blob, and do nothing else, until the grant ends. It is a secret.

        Whether there is such a blob is not asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that failed every time. `tries` is None where nobody counts them.

    `since` is when it was given up, or, where nobody has noted that, when it was sent.
    """

    id: str
    body: bytes
    tries: int | None
    since: datetime
    reason: str


class DeadLetters(Protocol):
    """Messages that were given up, by the queue that they were on. A queue without any is an empty list."""

    async def count(self, queue: str) -> int:
        """How many there are; Service Bus counts no further than `MOST_DEAD_LETTERS`."""
        ...

    async def peek(self, queue: str, limit: int = MOST_DEAD_LETTERS) -> list[DeadLetter]:
        """The first ones; storage shows 32 at most."""
        ...

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        """Put these (all that are there now: None) back on their queue; how many that were.

        Each is sent first and removed then, so that a crash in between repeats it and does not lose it.
        """
        ...


class Queues(Protocol):
    @property
    def dead_letters(self) -> DeadLetters: ...

    async def create(self, queue: str) -> None:
        """Make the queue where that is the app's business; nothing happens where it exists."""

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        """Nobody sees the message before `delay` has passed. Up to 48 KiB of UTF-8.

        Of messages with the same `message_id` (128 characters at most) that come within the queue's window, a backend
        that knows duplicates keeps the first alone, even if that was consumed long ago: give one only to what need not
        come again. Storage queues keep them all.
        """


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage account."""

    tables: Tables
    blobs: Blobs
    queues: Queues
    closers: list[object] = field(default_factory=list)


def put_if_unchanged(row: Row) -> Insert | Replace:
    """Puts the row in place of the version `row.etag`; of one that was not there, if it is not there still."""
    return Insert(row) if row.etag is None else Replace(row)


def check_changes(changes: Sequence[Change]) -> None:
    """Refuse what Azure would refuse (or Azurite would swallow). A ValueError here is our own mistake."""
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
    if isinstance(change, Delete):
        return change.partition, change.key
    return change.row.partition, change.row.key
