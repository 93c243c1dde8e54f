"""Received mail of the last days as rules look at it: of the list of received messages, and their rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from pydantic import BaseModel

from lib.fields import Moment, RecordRef
from lib.inbound.rules.models import RuleMail
from lib.lists.store import Lists, scope_of
from lib.storage import Tables
from lib.storage.at_once import some_at_once
from lib.storage.batches import batches_of
from lib.storage.documents import unpack
from lib.storage.layout import table

_AT_ONCE = 100


class _Address(BaseModel):
    email: str = ""
    name: str = ""


class ReceivedRow(BaseModel):
    """The fields of a received message's row `m` that rules look at."""

    id: str
    sender: str | None = None
    """The user whose mail it is."""
    from_address: _Address | None = None
    to: list[_Address] = []
    cc: list[_Address] = []
    subject: str = ""
    kind: str | None = None
    category: str | None = None
    regarding: RecordRef | None = None
    record: RecordRef | None = None
    received_at: Moment | None = None
    created_at: Moment

    def as_rules_see_it(self) -> RuleMail:
        """Return the mail as rules look at it."""
        writer = self.from_address or _Address()
        return RuleMail(
            id=self.id,
            email=writer.email,
            name=writer.name,
            to=[each.email for each in (*self.to, *self.cc)],
            subject=self.subject,
            kind=self.kind or "new",
            category=self.category,
            user=self.sender,
            record=self.regarding or self.record,
            at=self.received_at or self.created_at,
        )


class ReceivedMails:
    """Reads received mail for trying a rule."""

    def __init__(self, tables: Tables, lists: Lists) -> None:
        self._tables = tables
        self._lists = lists

    async def list_since(self, organization: str, since: datetime, limit: int) -> AsyncIterator[RuleMail]:
        """List mails that came since then, newest first, up to the limit. Raises StorageError."""
        listed = self._lists.page(organization, scope_of(), "received", "-sent_at", None, limit)
        found = [each.message.id async for _, each in listed if each.message.sort_time() >= since]
        for some in batches_of(found, _AT_ONCE):
            rows = await some_at_once(
                self._tables.read_row(table(organization, "messages"), message, "m") for message in some
            )
            for row in rows:
                if row is not None:
                    yield unpack(ReceivedRow, row).as_rules_see_it()
