"""Instances of the app, and which token keys each one has: whether a key may seal by now, and whether one may go.

Each process of the app that works leaves a row in the shared account, and puts it anew every five minutes while it
lives. The row holds ids of keys, never a key. Rows are counted for 20 minutes: that bridges an outage of storage and
clocks that differ, and an instance that has gone is told of for so long. An instance whose storage is down longer, or
of a release that leaves no row, is not counted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from datetime import timedelta

from pydantic import BaseModel, Field

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id
from lib.storage import Delete, Missing, Row, StorageError, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import ORGANIZATIONS
from lib.storage.protocols import MOST_CHANGES

log = logging.getLogger("heed.instances")

COUNTED = timedelta(minutes=20)
"""Time for which an instance counts after it was seen."""

_FORGOTTEN = timedelta(days=1)
"""Age of rows that the next process to start deletes: so much that a clock that is wrong hides no instance."""

TOLD_EVERY = 300.0
"""Seconds between two times at which a process tells that it is there."""

_FIRST_AFTER = 5.0
"""Seconds before the first time: a recipient may be waiting for the process to be ready."""

_PARTITION = "token-keys"
"""Partition of the rows, whose keys are ids of processes. No organization is called so, and their rows come later."""

_NAMED_BY_AZURE = ("WEBSITE_INSTANCE_ID", "CONTAINER_NAME")
"""Names of an instance, as Application Insights has them in `cloud_RoleInstance`, too."""

_LONGEST_NAME = 64


class Instance(BaseModel):
    """A process of the app that was seen of late."""

    name: str = Field(description="the instance, as Azure calls it; elsewhere the machine's name")
    part: str = Field(description="the part of the app's functions that it has, or `all`")
    token_keys: list[str] = Field(description="the ids of its token keys; the first one seals")
    started_at: Moment = Field(description="when the process was made")
    seen_at: Moment = Field(description="when it last told that it is there, by its own clock")


class Instances:
    """The instances that were seen of late."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def list_seen(self) -> list[Instance]:
        """List them by ring, part and name. Raises StorageError."""
        found, since = list[Instance](), self._clock.now() - COUNTED
        async for row in self._tables.query(ORGANIZATIONS, _PARTITION):
            with suppress(UnreadableRow):
                instance = unpack(Instance, row)
                if instance.seen_at > since:
                    found.append(instance)
        return sorted(found, key=lambda each: (each.token_keys, each.part, each.name))


def lacking(instances: Sequence[Instance], key: str) -> list[Instance]:
    """The instances that cannot open what a key seals."""
    return [each for each in instances if key not in each.token_keys]


def sealing(instances: Sequence[Instance], key: str) -> list[Instance]:
    """The instances that seal with a key."""
    return [each for each in instances if each.token_keys[:1] == [key]]


def find_split(instances: Sequence[Instance]) -> str | None:
    """Say which key seals somewhere and cannot be opened elsewhere; None where each opens what all others seal."""
    for key in sorted({each.token_keys[0] for each in instances if each.token_keys}):
        if without := lacking(instances, key):
            return f"{len(without)} of {len(instances)} instances cannot open what the key {key} seals"
    return None


def tell_parts(instances: Sequence[Instance]) -> str:
    """Say how many instances there are of each part, such as `crm 1, work 2`."""
    return ", ".join(f"{part} {number}" for part, number in sorted(Counter(each.part for each in instances).items()))


class Presence:
    """Tells that this process is there. `load_tables` gives the tables once their libraries are imported."""

    def __init__(
        self,
        load_tables: Callable[[], Awaitable[Tables]],
        token_keys: Sequence[str],
        part: str,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._load_tables = load_tables
        self._clock = clock
        self._sleep = sleep
        self._key = new_id()
        now = clock.now()
        self._instance = Instance(name=_own_name(), part=part, token_keys=list(token_keys), started_at=now, seen_at=now)
        self._telling: asyncio.Task[None] | None = None
        self._has_cleaned = False

    def begin(self) -> None:
        """Have it told from now on, beside all else. Again is the same."""
        if self._telling is None or self._telling.done():
            # In a context of its own: what it logs belongs to no request.
            self._telling = asyncio.get_running_loop().create_task(self._keep_telling(), context=Context())

    async def tell_once(self) -> None:
        """Tell that the process is there now. Raises StorageError."""
        tables, now = await self._load_tables(), self._clock.now()
        self._instance.seen_at = now
        try:
            await tables.write_rows(ORGANIZATIONS, [Upsert(Row(_PARTITION, self._key, pack(self._instance)))])
        except Missing:
            return  # no organization was made yet, so there is nothing that a key has sealed
        if not self._has_cleaned:
            await self._delete_forgotten(tables)
            self._has_cleaned = True

    async def close(self) -> None:
        """Stop, and take the row away where that can be done at once."""
        if self._telling is None:
            return
        self._telling.cancel()
        with suppress(asyncio.CancelledError):
            await self._telling
        with suppress(StorageError, TimeoutError):
            async with asyncio.timeout(1):
                await (await self._load_tables()).write_rows(ORGANIZATIONS, [Delete(_PARTITION, self._key)])

    async def _keep_telling(self) -> None:
        await self._sleep(_FIRST_AFTER)
        while True:
            try:
                await self.tell_once()
            except StorageError as error:
                log.warning("this instance could not tell that it is there: %s", error)
            except Exception:
                log.exception("this instance could not tell that it is there for an unforeseen reason")
            await self._sleep(TOLD_EVERY)

    async def _delete_forgotten(self, tables: Tables) -> None:
        since, forgotten = self._clock.now() - _FORGOTTEN, list[Delete]()
        async for row in tables.query(ORGANIZATIONS, _PARTITION):
            try:
                is_forgotten = unpack(Instance, row).seen_at < since
            except UnreadableRow:
                continue  # of a later release
            if is_forgotten:
                forgotten.append(Delete(row.partition, row.key))
        for some in batches_of(forgotten, MOST_CHANGES):
            with suppress(Missing):  # another process deletes them, too
                await tables.write_rows(ORGANIZATIONS, some)


def _own_name() -> str:
    named = next((os.environ[name] for name in _NAMED_BY_AZURE if os.environ.get(name)), None)
    return (named or socket.gethostname())[:_LONGEST_NAME]
