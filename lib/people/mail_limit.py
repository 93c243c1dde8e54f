"""The limit of mails with links to an address: the recipient's page must not be a means to flood a mailbox.

Rows of the table `privacy`, partition `proof`, one for each address that has asked; the key is the address's hash. A
row goes when it limits nothing any more, and with an erasure of the address.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from lib.clock import Clock, milliseconds
from lib.storage import Conflict, Delete, Missing, Row, Tables, Value, put_if_unchanged
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import PRIVACY, table
from lib.storage.retry import retry_on_conflict

MOST = 3
"""Mails that an address gets within `WITHIN`."""

WITHIN = timedelta(hours=1)

_PARTITION = "proof"


class MailLimit:
    """Counts the mails with links. Every method raises StorageError."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def may_send(self, organization: str, address_hash: str, key: str) -> bool:
        """Count the mail with this key, unless there were too many; return whether it may be sent.

        A mail that is counted already is not counted again. Raises Stale.
        """

        async def count_once() -> bool:
            row = await self._tables.read_row(table(organization, PRIVACY), _PARTITION, address_hash)
            sent = self._lately_sent(row) if row else []
            if any(entry.endswith(key) for entry in sent):
                return True
            if len(sent) >= MOST:
                return False
            entry = f"{milliseconds(self._clock.now())}|{key}"
            values: dict[str, Value] = {"v": 1, "sent": " ".join([*sent, entry])}
            change = put_if_unchanged(Row(_PARTITION, address_hash, values, row.etag if row else None))
            await write_late_rows(self._tables, organization, PRIVACY, [change])
            return True

        return await retry_on_conflict("the number of mails to an address", count_once, on=Conflict)

    async def delete_old(self, organization: str) -> None:
        """Delete the rows that limit nothing any more."""
        async for row in self._tables.query(table(organization, PRIVACY), _PARTITION):
            if not self._lately_sent(row):
                await self._delete(organization, row.key, row.etag)

    async def forget_address(self, organization: str, address_hash: str) -> None:
        """Delete the row of an address that is being erased."""
        await self._delete(organization, address_hash)

    def _lately_sent(self, row: Row) -> list[str]:
        since = milliseconds(self._clock.now() - WITHIN)
        return [entry for entry in row.text("sent").split() if int(entry.split("|")[0]) > since]

    async def _delete(self, organization: str, address_hash: str, etag: str | None = None) -> None:
        with suppress(Missing, Conflict):
            await self._tables.write_rows(table(organization, PRIVACY), [Delete(_PARTITION, address_hash, etag)])
