"""Messages in storage: one partition of the table `messages` holds all that belongs to a message.

Rows: `m` the message, `s` what is derived of it (KPIs, places in lists), `r` when a busy one is judged again,
`f` what users say of its events (`lib.messages.feedback`), `c…` the copies that went out, `d` whose turn it is to
hand them over, `a…` files (`lib.files`), `body` the HTML and text (in a blob when they are over 32 KiB). The keys of
files and body sort outside `c…s`, so that reading the rest is one small query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel

from lib.errors import Stale
from lib.fields import Moment
from lib.messages.contents import BODY, Contents, body_blob
from lib.messages.copy_rows import Copy
from lib.messages.feedback import FEEDBACK_ROW, MessageFeedback
from lib.messages.models import Body, StoredMessage
from lib.storage import (
    Change,
    Conflict,
    Delete,
    Insert,
    Missing,
    Range,
    Replace,
    Row,
    Storage,
    Upsert,
    Value,
    put_if_unchanged,
)
from lib.storage import layout as tables
from lib.storage.batches import batches_of
from lib.storage.documents import SomeModel, pack, unpack

FILES = Range.prefix("a")
_FILES_AND_BODY = Range(low="a", high="c")
_SMALL_ROWS = Range(low="c", high="t")
_SMALL_ROWS_AND_BODY = Range(low="b", high="t")
_COPIES_AT_ONCE = 90
"""Copies in one transaction, which has room for some rows besides."""


class _Recount(BaseModel):
    """The row `r`: when a busy message is judged again. Its writer has sent the queue's message for that."""

    at: Moment


class Lease(BaseModel):
    """The row `d`: the worker that hands over the message's copies. Without a holder there is none.

    It changes with every copy, so that a worker whose time was over cannot write beside the next one.
    """

    until: Moment
    """The end of the lease, unless the holder renews it."""
    holder: str = ""


class _FileRow(BaseModel):
    """A row `a…`, as far as it names the blob that goes with it."""

    blob: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A message and the rows beside it. Etags are None where the row is not there yet."""

    message: StoredMessage
    etag: str
    copies: list[Copy]
    summary_row: Row | None = None
    """Row `s`, unread: `lib.assessment.summary` knows what it holds."""

    recount_at: datetime | None = None
    lease: Lease | None = None
    lease_etag: str | None = None
    feedback_row: Row | None = None
    """Row `f`, unread."""

    copy_rows: int = 0
    """The number of rows of copies, with those that an earlier and larger plan has left."""
    _summaries: dict[type[BaseModel], BaseModel] = field(default_factory=dict, init=False, compare=False, repr=False)

    def summary_as(self, model: type[SomeModel]) -> SomeModel:
        """Read the row `s` as the model, once; an empty one where there is no row."""
        if model not in self._summaries:
            self._summaries[model] = model() if self.summary_row is None else unpack(model, self.summary_row)
        found = self._summaries[model]
        assert isinstance(found, model)
        return found

    @property
    def feedback(self) -> MessageFeedback:
        """Words of users about the message's events."""
        return MessageFeedback() if self.feedback_row is None else unpack(MessageFeedback, self.feedback_row)

    @property
    def is_held(self) -> bool:
        """Whether a worker is at it, or died at it."""
        return self.lease is not None and self.lease.holder != ""


class MessageStore:
    """Reads and writes messages."""

    def __init__(self, storage: Storage) -> None:
        self._tables = storage.tables
        self._blobs = storage.blobs
        self._contents = Contents(storage.blobs)

    async def load(self, organization: str, message: str) -> Loaded | None:
        """Read the message and its rows except the body, in one request."""
        return _loaded(await self._rows_of(organization, message, _SMALL_ROWS))

    async def load_with_body(self, organization: str, message: str) -> tuple[Loaded | None, Body]:
        """Read the message, its rows and its body, in one request where the body is in no blob. Raises Unavailable."""
        found = await self._rows_of(organization, message, _SMALL_ROWS_AND_BODY)
        return _loaded(found), await self._contents.body_in_row(organization, message, found.get(BODY))

    async def _rows_of(self, organization: str, message: str, keys: Range) -> dict[str, Row]:
        rows = self._tables.query(tables.table(organization, "messages"), message, keys)
        return {row.key: row async for row in rows}

    async def find_ids(self, organization: str, beginning: str) -> list[str]:
        """Find up to two messages whose ids begin with these hexadecimal digits."""
        rows = self._tables.query(
            tables.table(organization, "messages"), Range.prefix(beginning), Range(low="m", high="m0"), 2
        )
        return [row.partition async for row in rows]

    async def body(self, organization: str, message: str) -> Body:
        """Read the body; an empty one where there is none. Raises Unavailable where it is not as it was stored."""
        row = await self._tables.read_row(tables.table(organization, "messages"), message, BODY)
        return await self._contents.body_in_row(organization, message, row)

    async def links(self, organization: str, copy: Copy) -> list[str]:
        """Read the destinations of a copy's links, by index. Raises StorageError."""
        return await self._contents.links_of(organization, copy)

    async def make(self, organization: str, message: StoredMessage, body: Body) -> str:
        """Store a new message. Return its etag. Raises Conflict where the id exists."""
        rows: list[Change] = [
            Insert(Row(message.id, "m", pack(message))),
            Upsert(await self._contents.body_row(organization, message.id, body)),
        ]
        etag, _ = await self._tables.write_rows(tables.table(organization, "messages"), rows)
        return etag or ""

    async def change(
        self,
        organization: str,
        message: StoredMessage,
        etag: str,
        *,
        body: Body | None = None,
        copies: Sequence[Copy] = (),
        also: Sequence[Change] = (),
    ) -> str:
        """Store the message if it still is the version `etag`, with a new body, copies and other rows if given.

        Raises Stale, also where one of the other rows is not as its change expects it.
        """
        changes: list[Change] = [Replace(Row(message.id, "m", pack(message), etag)), *also]
        if body is not None:
            changes.append(Upsert(await self._contents.body_row(organization, message.id, body)))
        changes += await self._copy_rows(organization, message.id, dict(enumerate(copies)))
        return (await self._write(organization, changes))[0]

    async def put_plan(
        self,
        organization: str,
        before: StoredMessage,
        after: StoredMessage,
        etag: str,
        copies: Sequence[Copy],
        lease: Lease,
    ) -> tuple[str, str]:
        """Store the message and all of its copies, which may be many. Return the etags of the message and the lease.

        Until the last copy is stored, the message is as it was `before`, and says that it has no copies. Copies with
        `links_of` have no links in their rows. Raises Stale.
        """
        rows = await self._copy_rows(organization, before.id, dict(enumerate(copies)))
        portions = list(batches_of(rows, _COPIES_AT_ONCE))
        between = pack(before.model_copy(update={"copy_count": 0}))
        for portion in portions[:-1]:
            [etag, *_] = await self._write(organization, [Replace(Row(before.id, "m", between, etag)), *portion])
        whole = pack(after.model_copy(update={"copy_count": len(copies)}))
        last: list[Change] = [Replace(Row(before.id, "m", whole, etag)), Upsert(Row(before.id, "d", pack(lease)))]
        etags = await self._write(organization, [*last, *portions[-1]])
        return etags[0], etags[1]

    async def put_copies(
        self,
        organization: str,
        message: str,
        copies: Mapping[int, Copy],
        lease: Lease,
        lease_etag: str,
    ) -> str:
        """Store some copies, by number, and renew the lease `lease_etag`. Return its new etag. Raises Stale."""
        renewed: Change = Replace(Row(message, "d", pack(lease), lease_etag))
        return (await self._write(organization, [renewed, *await self._copy_rows(organization, message, copies)]))[0]

    async def change_with_lease(
        self,
        organization: str,
        message: StoredMessage,
        etag: str,
        copies: Mapping[int, Copy],
        lease: Lease,
        lease_etag: str,
    ) -> tuple[str, str]:
        """Do `change` and `put_copies` as one. Return the etags of the message and the lease. Raises Stale."""
        changes: list[Change] = [
            Replace(Row(message.id, "m", pack(message), etag)),
            Replace(Row(message.id, "d", pack(lease), lease_etag)),
            *await self._copy_rows(organization, message.id, copies),
        ]
        etags = await self._write(organization, changes)
        return etags[0], etags[1]

    async def _write(self, organization: str, changes: Sequence[Change]) -> list[str]:
        """Raises Stale."""
        try:
            etags = await self._tables.write_rows(tables.table(organization, "messages"), changes)
        except (Conflict, Missing) as error:
            raise Stale from error
        return [etag or "" for etag in etags]

    async def put_summary(
        self, organization: str, message: str, columns: Mapping[str, Value], before: Row | None
    ) -> Row:
        """Put the columns of the row `s` in place of the version `before`; the row as it is then.

        Raises Stale where another process has put them since then.
        """
        row = Row(message, "s", columns, before.etag if before else None)
        [etag] = await self._write(organization, [put_if_unchanged(row)])
        return Row(message, "s", columns, etag)

    async def put_recount(self, organization: str, message: str, at: datetime) -> None:
        """Store the time when the message will be judged again."""
        await self._tables.write_rows(
            tables.table(organization, "messages"), [Upsert(Row(message, "r", pack(_Recount(at=at))))]
        )

    async def delete(self, organization: str, loaded: Loaded) -> None:
        """Delete the message and its rows, if it is still the version that was loaded. It deletes no facts. Raises
        Stale."""
        message = loaded.message.id
        found = self._tables.query(tables.table(organization, "messages"), message, _FILES_AND_BODY)
        beside = {row.key: row async for row in found}
        body = beside.pop(BODY, None)
        changes: list[Change] = [Delete(message, "m", loaded.etag)]
        if loaded.summary_row:
            changes.append(Delete(message, "s"))
        if loaded.recount_at:
            changes.append(Delete(message, "r"))
        if loaded.lease_etag:
            changes.append(Delete(message, "d"))
        if loaded.feedback_row:
            changes.append(Delete(message, FEEDBACK_ROW))
        if body is not None:
            changes.append(Delete(message, BODY))
        others: list[Change] = [Delete(message, key) for key in beside]
        others += [Delete(message, f"c{number:04d}") for number in range(loaded.copy_rows)]
        await self._write(organization, [*changes, *others[:_COPIES_AT_ONCE]])
        # Rows that are left if the process dies here belong to no message that can be asked for.
        for start in range(_COPIES_AT_ONCE, len(others), _COPIES_AT_ONCE):
            await self._write(organization, others[start : start + _COPIES_AT_ONCE])
        blobs = list(dict.fromkeys(copy.links for copy in loaded.copies if isinstance(copy.links, str)))
        if body is not None and (blob := body_blob(body)):
            blobs.append(blob)
        blobs += [unpack(_FileRow, row).blob for row in beside.values()]
        for blob in blobs:
            await self._blobs.delete_blob(tables.container(organization), blob)

    async def _copy_rows(self, organization: str, message: str, copies: Mapping[int, Copy]) -> list[Change]:
        return [
            Upsert(await self._contents.copy_row(organization, message, f"c{number:04d}", copy))
            for number, copy in copies.items()
        ]


def _loaded(found: Mapping[str, Row]) -> Loaded | None:
    """Read the rows of a message, by key; None where it is not among them."""
    if "m" not in found:
        return None
    message_row = unpack(StoredMessage, found["m"])
    copies = [unpack(Copy, row) for key, row in found.items() if key.startswith("c")]
    return Loaded(
        message=message_row,
        etag=found["m"].etag or "",
        copies=_with_links(copies[: message_row.copy_count]),
        summary_row=found.get("s"),
        recount_at=unpack(_Recount, found["r"]).at if "r" in found else None,
        lease=unpack(Lease, found["d"]) if "d" in found else None,
        lease_etag=found["d"].etag if "d" in found else None,
        feedback_row=found.get(FEEDBACK_ROW),
        copy_rows=len(copies),
    )


def sharing_links(copies: Sequence[Copy]) -> list[Copy]:
    """Return the copies with equal links shared: as a rule, links stand in the row of the first copy that has any."""
    shared, first = list[Copy](), dict[tuple[str, ...], int]()
    for number, copy in enumerate(copies):
        there = first.setdefault(tuple(copy.links), number) if isinstance(copy.links, list) and copy.links else number
        shared.append(copy.model_copy(update={"links_of": None if there == number else there}))
    return shared


def _with_links(copies: Sequence[Copy]) -> list[Copy]:
    """Return each copy with its links, or their blob's name: the inverse of `sharing_links`."""
    return [
        copy if copy.links_of is None else copy.model_copy(update={"links": copies[copy.links_of].links})
        for copy in copies
    ]
