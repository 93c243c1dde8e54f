"""`Idempotency-Key`: a repeated POST gets the first answer, and does nothing a second time.

A row of the organization's table `requests` is made before the work and completed after it. Answers are stored sealed,
because one kind of answer holds a key that is shown once; they are deleted after a day, and with the message that they
show (`kept_answers`). A process that dies between the two steps leaves a row
without an answer. The first try after the row's lease does the work again with the same `made_id`, and so finds what
was made already.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from lib.clock import Clock
from lib.ids import new_id, short_hash
from lib.organizations.request_rows import (
    REMEMBERED,
    REQUEST_ROW,
    StoredRequest,
    delete_beside,
    hour_partition,
    message_partition,
    pointer,
)
from lib.storage import Conflict, Missing, Replace, Row, Storage, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import container, table
from lib.tokens import KeyRing, Purpose
from lib.workers.pool import INLINE, OffLoop

LEASE = timedelta(seconds=60)
"""Time after which a request without an answer counts as dead."""

_INLINE = 100_000
"""Characters of a sealed answer that stand in the row; a longer one is a blob."""


class OtherBody(Exception):
    """The key has come before with another body, query string, content type or acting user."""


class UnderWay(Exception):
    """The first request with this key is still being worked on."""


class AnswerGone(Exception):
    """The request was carried out, and its answer can no longer be given; the text says why, and what to do."""


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
    stored: StoredRequest


class Idempotency:
    """Requests and their answers in storage."""

    def __init__(self, storage: Storage, ring: KeyRing, clock: Clock, off_loop: OffLoop) -> None:
        self._off_loop = off_loop
        self._storage = storage
        self._tables = storage.tables
        self._blobs = storage.blobs
        self._ring = ring
        self._clock = clock

    async def begin(
        self, organization: str, path: str, key: str, body: bytes, query: str = "", sent_as: str | None = None
    ) -> Answered | Begun:
        """Return the first answer, or claim the work. The query string counts as part of the body.

        `sent_as` is a digest of what else makes the request another one. Raises OtherBody, UnderWay, AnswerGone;
        Missing if there is no such organization.
        """
        partition, digest, now = short_hash(path, key), await _digest(body, query), self._clock.now()
        name = table(organization, "requests")
        there, _ = await asyncio.gather(
            self._tables.read_row(name, partition, REQUEST_ROW),
            self._tables.write_rows(name, [pointer(hour_partition(now), partition)]),
        )
        made_id = new_id()
        if there is not None:
            stored = unpack(StoredRequest, there)
            if stored.begun_at + REMEMBERED > now:
                if stored.body_sha256 != digest or (sent_as and stored.sent_as not in (None, sent_as)):
                    raise OtherBody
                if stored.status is not None:
                    return await self._answered(organization, stored)
                if stored.begun_at + LEASE > now:
                    raise UnderWay
                made_id = stored.made_id
            else:
                await delete_beside(self._storage, organization, partition, stored)
        fresh = StoredRequest(body_sha256=digest, sent_as=sent_as, made_id=made_id, begun_at=now)
        row = Row(partition, REQUEST_ROW, pack(fresh), there.etag if there else None)
        try:
            [etag] = await self._tables.write_rows(name, [put_if_unchanged(row)])
        except Conflict as error:
            raise UnderWay from error
        return Begun(made_id, Row(partition, REQUEST_ROW, {}, etag), fresh)

    async def complete(
        self,
        organization: str,
        begun: Begun,
        status: int,
        body: bytes,
        version: str | None,
        message: str | None = None,
    ) -> None:
        """Store the answer. `version` is that of what it shows; `message` is the message that it shows."""
        request = begun.row.partition
        seal = self._off_loop.run(organization, len(body), self._ring.seal, Purpose.ANSWER, body)
        sealed: str | None = await seal
        blob = None
        try:
            if message:
                change = pointer(message_partition(message), request)
                await self._tables.write_rows(table(organization, "requests"), [change])
            if sealed and len(sealed) > _INLINE:
                # The name is of this request alone: one that comes after a day under the same key has another.
                blob, data, sealed = f"answers/{request}-{begun.made_id}", sealed.encode(), None
                await self._blobs.put_blob(container(organization), blob, data, "text/plain")
        except Missing:
            return  # the organization is gone
        update = {"status": status, "answer": sealed, "blob": blob, "etag": version, "message": message}
        await self._put(organization, begun, begun.stored.model_copy(update=update))

    async def read_kept_answer(self, organization: str, row: Row) -> str | None:
        """Read the answer that the row of a request keeps; None where it keeps none that can be read.

        Raises StorageError.
        """
        stored = unpack(StoredRequest, row)
        if stored.status is None or stored.forgotten:
            return None
        try:
            answered = await self._answered(organization, stored)
        except AnswerGone:
            return None
        return answered.body.decode("utf-8", "replace")

    async def abandon(self, organization: str, begun: Begun) -> None:
        """End the lease of work that was refused or failed, so that the next try can begin at once."""
        await self._put(organization, begun, begun.stored.model_copy(update={"begun_at": self._clock.now() - LEASE}))

    async def _put(self, organization: str, begun: Begun, stored: StoredRequest) -> None:
        row = Row(begun.row.partition, begun.row.key, pack(stored), begun.row.etag)
        try:
            await self._tables.write_rows(table(organization, "requests"), [Replace(row)])
        except (Conflict, Missing):
            return  # another try has taken over, or the organization is gone

    async def _answered(self, organization: str, stored: StoredRequest) -> Answered:
        """Open the first answer. Raises AnswerGone."""
        assert stored.status is not None
        if stored.forgotten:
            raise _gone("was deleted with the message that it showed", stored)
        sealed = stored.answer or ""
        if stored.blob:
            try:
                sealed = (await self._blobs.read_blob(container(organization), stored.blob)).decode()
            except Missing:
                raise _gone("was deleted", stored) from None
        body: bytes | None = await self._off_loop.run(
            organization, len(sealed), self._ring.unseal, Purpose.ANSWER, sealed
        )
        if body is None:
            raise _gone("was sealed with a token key that is retired", stored)
        return Answered(stored.status, body, stored.etag)


def _gone(why: str, stored: StoredRequest) -> AnswerGone:
    return AnswerGone(
        f"The request was carried out before, and its answer {why}. If it made something, that has the id "
        f"{stored.made_id}: look for it before sending the request again under a new Idempotency-Key."
    )


async def _digest(body: bytes, query: str) -> str:
    """SHA-256 in hexadecimal. Hashing releases the interpreter lock, so a thread hashes large bodies."""
    digest = sha256(f"{query}\n".encode() if query else b"")
    if len(body) <= INLINE:
        digest.update(body)
    else:
        await asyncio.to_thread(digest.update, body)
    return digest.hexdigest()
