"""`Idempotency-Key`: a repeated POST gets the first answer, and does nothing a second time.

A row of the organization's table `requests` is made before the work and completed after it. Answers are stored sealed,
because one kind of answer holds a key that is shown once. A process that dies between the two steps leaves a row
without an answer. The first try after the row's lease does the work again with the same `made_id`, and so finds what
was made already.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from pydantic import BaseModel

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id, short_hash
from lib.storage import Conflict, Missing, Replace, Row, Storage, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import container, table
from lib.tokens import KeyRing, Purpose
from lib.workers.pool import INLINE, OffLoop

REMEMBERED = timedelta(hours=24)
"""Time for which an answer is repeated."""

LEASE = timedelta(seconds=60)
"""Time after which a request without an answer counts as dead."""

_ROW = "request"
_INLINE = 100_000
"""Characters of a sealed answer that stand in the row; a longer one is a blob."""


class OtherBody(Exception):
    """The key has come before with another body or another query string."""


class UnderWay(Exception):
    """The first request with this key is still being worked on."""


class _Stored(BaseModel):
    body_sha256: str
    made_id: str
    begun_at: Moment
    status: int | None = None
    answer: str | None = None
    blob: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The first answer, as it was given."""

    status: int
    body: bytes
    version: str | None
    """The version of what the body shows, as storage names it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The caller has to do the work."""

    made_id: str
    """The id for what the work makes, the same in every try."""
    row: Row
    stored: _Stored


class Idempotency:
    """Requests and their answers in storage."""

    def __init__(self, storage: Storage, ring: KeyRing, clock: Clock, off_loop: OffLoop) -> None:
        self._off_loop = off_loop
        self._tables = storage.tables
        self._blobs = storage.blobs
        self._ring = ring
        self._clock = clock

    async def begin(self, organization: str, path: str, key: str, body: bytes, query: str = "") -> Answered | Begun:
        """Return the first answer, or claim the work. The query string counts as part of the body.

        Raises OtherBody, UnderWay; Missing if there is no such organization.
        """
        partition, digest, now = short_hash(path, key), await _digest(body, query), self._clock.now()
        name = table(organization, "requests")
        there = await self._tables.read_row(name, partition, _ROW)
        made_id = new_id()
        if there is not None:
            stored = unpack(_Stored, there)
            if stored.begun_at + REMEMBERED > now:
                if stored.body_sha256 != digest:
                    raise OtherBody
                if stored.status is not None:
                    return await self._answered(organization, stored)
                if stored.begun_at + LEASE > now:
                    raise UnderWay
                made_id = stored.made_id
        fresh = _Stored(body_sha256=digest, made_id=made_id, begun_at=now)
        row = Row(partition, _ROW, pack(fresh), there.etag if there else None)
        try:
            [etag] = await self._tables.write_rows(name, [put_if_unchanged(row)])
        except Conflict as error:
            raise UnderWay from error
        return Begun(made_id, Row(partition, _ROW, {}, etag), fresh)

    async def complete(self, organization: str, begun: Begun, status: int, body: bytes, version: str | None) -> None:
        """Store the answer."""
        seal = self._off_loop.run(organization, len(body), self._ring.seal, Purpose.ANSWER, body)
        sealed: str | None = await seal
        blob = None
        if sealed and len(sealed) > _INLINE:
            blob, data, sealed = f"answers/{begun.row.partition}", sealed.encode(), None
            await self._blobs.put_blob(container(organization), blob, data, "text/plain")
        stored = begun.stored.model_copy(update={"status": status, "answer": sealed, "blob": blob, "etag": version})
        await self._put(organization, begun, stored)

    async def abandon(self, organization: str, begun: Begun) -> None:
        """End the lease of work that was refused or failed, so that the next try can begin at once."""
        await self._put(organization, begun, begun.stored.model_copy(update={"begun_at": self._clock.now() - LEASE}))

    async def _put(self, organization: str, begun: Begun, stored: _Stored) -> None:
        row = Row(begun.row.partition, begun.row.key, pack(stored), begun.row.etag)
        try:
            await self._tables.write_rows(table(organization, "requests"), [Replace(row)])
        except (Conflict, Missing):
            return  # another try has taken over, or the organization is gone

    async def _answered(self, organization: str, stored: _Stored) -> Answered:
        sealed = stored.answer or ""
        if stored.blob:
            sealed = (await self._blobs.read_blob(container(organization), stored.blob)).decode()
        assert stored.status is not None
        unseal = self._off_loop.run(organization, len(sealed), self._ring.unseal, Purpose.ANSWER, sealed)
        return Answered(stored.status, await unseal or b"", stored.etag)


async def _digest(body: bytes, query: str) -> str:
    """SHA-256 in hexadecimal. Hashing releases the interpreter lock, so a thread hashes large bodies."""
    digest = sha256(f"{query}\n".encode() if query else b"")
    if len(body) <= INLINE:
        digest.update(body)
    else:
        await asyncio.to_thread(digest.update, body)
    return digest.hexdigest()
