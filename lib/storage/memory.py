"""A storage account in memory, for tests.

It keeps the same promises as `lib.storage.azure.tables` and passes the same tests; it is not durable and not shared.
"""

from __future__ import annotations

import itertools
import secrets
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

from lib.storage.protocols import (
    EVERYTHING,
    LARGEST_PIECE,
    MOST_DEAD_LETTERS,
    Backlog,
    Change,
    Conflict,
    DeadLetter,
    Delete,
    Grant,
    Insert,
    Missing,
    Range,
    Replace,
    Row,
    Storage,
    Upsert,
    check_changes,
    place_of,
)


def memory_storage() -> Storage:
    """Make an empty account."""
    return Storage(MemoryTables(), MemoryBlobs(), MemoryQueues(), address=secrets.token_hex(16))


@dataclass(slots=True)
class _Partition:
    """Rows by key. They are sorted when they are read."""

    rows: dict[str, Row] = field(default_factory=dict)
    _ordered: list[str] | None = None

    def put_row(self, key: str, row: Row | None) -> None:
        """Put the row, or remove it."""
        if (row is None) != (key not in self.rows):
            self._ordered = None
        if row is None:
            del self.rows[key]
        else:
            self.rows[key] = row

    def within(self, keys: Range) -> Iterator[Row]:
        """The rows of a range, in order."""
        if self._ordered is None:
            self._ordered = sorted(self.rows)
        start = 0 if keys.low is None else bisect_left(self._ordered, keys.low)
        after = 0 if keys.after is None else bisect_right(self._ordered, keys.after)
        end = len(self._ordered) if keys.high is None else bisect_left(self._ordered, keys.high)
        return (self.rows[self._ordered[place]] for place in range(max(start, after), end))


class MemoryTables:
    """Tables of one account."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, _Partition]] = {}
        self._versions = itertools.count(1)

    def names(self) -> list[str]:
        """The names of all tables, in order."""
        return sorted(self._tables)

    async def create(self, table: str) -> None:
        self._tables.setdefault(table, defaultdict(_Partition))

    async def drop(self, table: str) -> None:
        self._tables.pop(table, None)

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        there = self._tables.get(table, {}).get(partition)
        return there.rows.get(key) if there else None

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        partitions = self._tables.get(table, {})
        if isinstance(partition, Range):
            chosen = [partitions[name] for name in sorted(partitions) if _within(name, partition)]
        else:
            chosen = [partitions[partition]] if partition in partitions else []
        # A list, because rows may change between two of them.
        for row in list(itertools.islice((row for each in chosen for row in each.within(keys)), limit)):
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        check_changes(changes)
        if table not in self._tables:
            raise Missing(f"no table {table}")
        partition = self._tables[table][place_of(changes[0])[0]]
        # All of them, before the first one is seen.
        rows = [self._changed(partition, change) for change in changes]
        for change, row in zip(changes, rows, strict=True):
            partition.put_row(place_of(change)[1], row)
        return [row.etag if row else None for row in rows]

    def _changed(self, partition: _Partition, change: Change) -> Row | None:
        place = place_of(change)
        there = partition.rows.get(place[1])
        if isinstance(change, Delete | Replace):
            if there is None:
                raise Missing(f"no row {place}")
            expected = change.etag if isinstance(change, Delete) else change.row.etag
            if expected not in (None, "*", there.etag):
                raise Conflict(f"row {place} has changed")
        if isinstance(change, Delete):
            return None
        if isinstance(change, Insert) and there is not None:
            raise Conflict(f"row {place} exists")
        return replace(change.row, values=dict(change.row.values), etag=f'W/"{next(self._versions)}"')


def _within(key: str, keys: Range) -> bool:
    return (
        (keys.low is None or key >= keys.low)
        and (keys.high is None or key < keys.high)
        and (keys.after is None or key > keys.after)
    )


class MemoryBlobs:
    """Blobs of one account."""

    def __init__(self) -> None:
        self._containers: dict[str, dict[str, bytes]] = {}
        self._grants: dict[str, tuple[str, str, Grant]] = {}

    async def create(self, container: str) -> None:
        self._containers.setdefault(container, {})

    async def drop(self, container: str) -> None:
        self._containers.pop(container, None)

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:  # noqa: ARG002
        if container not in self._containers:
            raise Missing(f"no container {container}")
        self._containers[container][name] = bytes(data)

    async def read_blob(self, container: str, name: str) -> bytes:
        try:
            return self._containers[container][name]
        except KeyError:
            raise Missing(f"no blob {container}/{name}") from None

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        await self.put_blob(container, name, b"".join([piece async for piece in pieces]), content_type)

    async def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        data = await self.read_blob(container, name)
        for start in range(0, len(data), LARGEST_PIECE):
            if self._containers.get(container, {}).get(name) is not data:
                raise Conflict(f"blob {container}/{name} has changed")
            yield data[start : start + LARGEST_PIECE]

    async def delete_blob(self, container: str, name: str) -> None:
        self._containers.get(container, {}).pop(name, None)

    def names(self, container: str) -> list[str]:
        """The names of all blobs of a container, in order."""
        return sorted(self._containers.get(container, {}))

    async def list_blobs(self, container: str, after: str | None = None) -> AsyncIterator[str]:
        for name in self.names(container):
            if after is None or name > after:
                yield name

    async def list_versions(self, container: str) -> AsyncIterator[tuple[str, str]]:
        for name in self.names(container):
            yield name, sha256(self._containers[container][name]).hexdigest()

    async def reading_url(self, container: str, name: str, grant: Grant) -> str:
        url = f"memory://{container}/{quote(name)}?{secrets.token_hex(16)}"
        self._grants[url] = (container, name, grant)
        return url

    def request(self, method: str, url: str, now: datetime) -> tuple[int, dict[str, str], bytes]:
        """The answer to a request for a URL of `reading_url`: status, headers, body."""
        found = self._grants.get(url)
        if found is None or found[2].until <= now or method not in ("GET", "HEAD"):
            return 403, {}, b""
        container, name, grant = found
        data = self._containers.get(container, {}).get(name)
        if data is None:
            return 404, {}, b""
        return 200, {"content-type": grant.content_type, "content-disposition": grant.disposition}, data


class StorageWriter:
    """A journal's writer on any storage: rows and messages go through its tables and queues."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        await self._storage.tables.write_rows(table, [Upsert(Row(partition, key, columns))])

    async def put_message(self, queue: str, body: str) -> None:
        await self._storage.queues.send(queue, body)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that waits in a queue."""

    queue: str
    body: str
    delay: timedelta = timedelta(0)
    message_id: str | None = None


class MemoryQueues:
    """Queues without a consumer: a test takes messages out of `waiting`."""

    def __init__(self) -> None:
        self.waiting: list[Sent] = []
        self.dead_letters = MemoryDeadLetters(self.waiting)

    async def create(self, queue: str) -> None: ...

    async def send(self, queue: str, body: str, delay: timedelta = timedelta(0), message_id: str | None = None) -> None:
        self.waiting.append(Sent(queue, body, delay, message_id))

    async def backlog(self, queue: str) -> Backlog:
        return Backlog(sum(sent.queue == queue for sent in self.waiting), None)

    def take_message(self, queue: str) -> Sent | None:
        """The oldest message of the queue, whatever its delay; None when it is empty."""
        for place, sent in enumerate(self.waiting):
            if sent.queue == queue:
                return self.waiting.pop(place)
        return None


class MemoryDeadLetters:
    """Dead letters of one account: a test gives up on a message by `bury`."""

    def __init__(self, waiting: list[Sent]) -> None:
        self._waiting = waiting
        self._dead: dict[str, list[DeadLetter]] = {}
        self._ids = itertools.count(1)

    def bury(self, queue: str, body: bytes, since: datetime, tries: int = 5) -> None:
        """Give up on a message."""
        letter = DeadLetter(f"dead{next(self._ids)}", body, tries, since, "MaxDeliveryCountExceeded")
        self._dead.setdefault(queue, []).append(letter)

    async def count(self, queue: str) -> int:
        return len(self._dead.get(queue, []))

    async def peek(self, queue: str, limit: int = MOST_DEAD_LETTERS) -> list[DeadLetter]:
        return self._dead.get(queue, [])[:limit]

    async def replay(self, queue: str, ids: Collection[str] | None = None) -> int:
        there = self._dead.get(queue, [])
        again = [letter for letter in there if ids is None or letter.id in ids]
        self._waiting += [Sent(queue, letter.body.decode("utf-8", "replace")) for letter in again]
        self._dead[queue] = [letter for letter in there if letter not in again]
        return len(again)
