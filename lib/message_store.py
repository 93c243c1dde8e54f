"""Messages in storage: one partition of the table `messages` holds all that belongs to a message.

Rows: `m` the message, `s` what is derived of it (KPIs, places in lists), `r` when a busy one is judged again,
`c…` the copies that went out, `body` the HTML
and text (in a blob when they are over 32 KiB). The body's key sorts outside `c…s`, so that reading the rest is one
small query.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from pydantic import BaseModel

from lib import tables
from lib.documents import pack, unpack
from lib.engagement import Contribution
from lib.fields import Moment
from lib.folded import Folded
from lib.kpis import Kpis
from lib.list_keys import Place
from lib.messages import Body, Copy, StoredMessage
from lib.repository import Stale
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Replace, Row, Storage, Upsert
from lib.verdicts.forwards import OtherReader

_INLINE_BYTES = 32 * 1024
_BODY = "body"
_SMALL_ROWS = Range(low="c", high="t")
_JSON = "application/json"


class Summary(BaseModel):
    """The row `s`: derived, and computed again at will.

    `places` are where it stands in lists, `cards` the ids and kinds of cards that were called for;
    `again_at` is when the assessor looks at the message again by itself. `records` are what the message has contributed
    to, `folded` are the facts that are no longer looked at one by one, `live` counts those that are.
    """

    kpis: Kpis = Kpis()
    places: list[Place] = []
    cards: dict[str, str] = {}
    again_at: Moment | None = None
    records: list[Contribution] = []
    folded: Folded | None = None
    live: int = 0
    other_readers: list[OtherReader] = []


class _Recount(BaseModel):
    """The row `r`: when a busy message is judged again. It is put by whoever sends the queue's message for that."""

    at: Moment


class _StoredBody(BaseModel):
    """Either the body itself, or the name of the blob that holds it."""

    body: Body | None = None
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A message and what hangs on it. Etags are None where the row is not there yet."""

    message: StoredMessage
    etag: str
    summary: Summary
    summary_etag: str | None
    copies: list[Copy]
    recount_at: datetime | None = None


class MessageStore:
    def __init__(self, storage: Storage) -> None:
        self._tables = storage.tables
        self._blobs = storage.blobs

    async def load(self, organization: str, message: str) -> Loaded | None:
        """All but the body, in one request."""
        found = {
            row.key: row
            async for row in self._tables.query(tables.table(organization, "messages"), message, _SMALL_ROWS)
        }
        if "m" not in found:
            return None
        return Loaded(
            message=unpack(StoredMessage, found["m"]),
            etag=found["m"].etag or "",
            summary=unpack(Summary, found["s"]) if "s" in found else Summary(),
            summary_etag=found["s"].etag if "s" in found else None,
            copies=[unpack(Copy, row) for key, row in found.items() if key.startswith("c")],
            recount_at=unpack(_Recount, found["r"]).at if "r" in found else None,
        )

    async def body(self, organization: str, message: str) -> Body:
        row = await self._tables.get(tables.table(organization, "messages"), message, _BODY)
        if row is None:
            return Body()
        stored = unpack(_StoredBody, row)
        if stored.blob is None:
            return stored.body or Body()
        return Body.model_validate_json(await self._blobs.get(tables.container(organization), stored.blob))

    async def links(self, organization: str, copy: Copy) -> list[str]:
        """The destinations of a copy's links, by index."""
        if isinstance(copy.links, list):
            return copy.links
        found: list[str] = json.loads(await self._blobs.get(tables.container(organization), copy.links))
        return found

    async def make(self, organization: str, message: StoredMessage, body: Body) -> str:
        """A new message; its etag. Raises Conflict where the id exists."""
        rows: list[Change] = [
            Insert(Row(message.id, "m", pack(message))),
            Upsert(await self._body_row(organization, message.id, body)),
        ]
        etag, _ = await self._tables.write(tables.table(organization, "messages"), rows)
        return etag or ""

    async def change(
        self,
        organization: str,
        message: StoredMessage,
        etag: str,
        *,
        body: Body | None = None,
        copies: Sequence[Copy] = (),
    ) -> str:
        """Put the message if it still is the version `etag`, with a new body and copies if given. Raises Stale."""
        changes: list[Change] = [Replace(Row(message.id, "m", pack(message), etag))]
        if body is not None:
            changes.append(Upsert(await self._body_row(organization, message.id, body)))
        for number, copy in enumerate(copies):
            changes.append(Upsert(await self._copy_row(organization, message.id, f"c{number:04d}", copy)))
        try:
            answers = await self._tables.write(tables.table(organization, "messages"), changes)
        except (Conflict, Missing) as error:
            raise Stale from error
        return answers[0] or ""

    async def put_summary(self, organization: str, message: str, summary: Summary, etag: str | None) -> None:
        """Raises Stale when somebody else has put one since `etag` (None: since there was none)."""
        row = Row(message, "s", pack(summary), etag)
        try:
            await self._tables.write(
                tables.table(organization, "messages"), [Insert(row) if etag is None else Replace(row)]
            )
        except (Conflict, Missing) as error:
            raise Stale from error

    async def put_recount(self, organization: str, message: str, at: datetime) -> None:
        """The message will be judged again then."""
        await self._tables.write(
            tables.table(organization, "messages"), [Upsert(Row(message, "r", pack(_Recount(at=at))))]
        )

    async def delete(self, organization: str, loaded: Loaded) -> None:
        """The message and its rows, if it is still the version that was loaded. Raises Stale. Deletes no facts."""
        message = loaded.message.id
        body = await self._tables.get(tables.table(organization, "messages"), message, _BODY)
        changes: list[Change] = [Delete(message, "m", loaded.etag)]
        if loaded.summary_etag:
            changes.append(Delete(message, "s"))
        if loaded.recount_at:
            changes.append(Delete(message, "r"))
        if body is not None:
            changes.append(Delete(message, _BODY))
        changes += [Delete(message, f"c{number:04d}") for number in range(len(loaded.copies))]
        try:
            await self._tables.write(tables.table(organization, "messages"), changes)
        except (Conflict, Missing) as error:
            raise Stale from error
        blobs = [copy.links for copy in loaded.copies if isinstance(copy.links, str)]
        if body is not None and (blob := unpack(_StoredBody, body).blob):
            blobs.append(blob)
        for blob in blobs:
            await self._blobs.delete(tables.container(organization), blob)

    async def _body_row(self, organization: str, message: str, body: Body) -> Row:
        """A large body's blob is named by its content: a crash leaves a blob too many, never a row without one."""
        data = body.model_dump_json().encode()
        if len(data) <= _INLINE_BYTES:
            return Row(message, _BODY, pack(_StoredBody(body=body)))
        return Row(message, _BODY, pack(_StoredBody(blob=await self._put_blob(organization, message, data))))

    async def _copy_row(self, organization: str, message: str, key: str, copy: Copy) -> Row:
        data = json.dumps(copy.links).encode()
        if len(data) > _INLINE_BYTES:
            copy = copy.model_copy(update={"links": await self._put_blob(organization, message, data)})
        return Row(message, key, pack(copy))

    async def _put_blob(self, organization: str, message: str, data: bytes) -> str:
        name = f"messages/{message}/{blake2b(data, digest_size=16).hexdigest()}.json"
        await self._blobs.put(tables.container(organization), name, data, _JSON)
        return name
