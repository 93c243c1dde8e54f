"""The limit of mails with links to an address: the page must not be a means to flood a mailbox.

Rows of the table `privacy`, partition `proof`, one for each address that has asked; the key is the address's hash.
"""

from __future__ import annotations

from datetime import timedelta

from lib.clock import Clock, milliseconds
from lib.storage import Conflict, Row, Tables, Value, put_if_unchanged
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict

MOST = 3
"""Mails that an address gets within `WITHIN`."""

WITHIN = timedelta(hours=1)

_KIND = "privacy"
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
            row = await self._tables.read_row(table(organization, _KIND), _PARTITION, address_hash)
            since = milliseconds(self._clock.now() - WITHIN)
            sent = [entry for entry in (row.text("sent").split() if row else ()) if int(entry.split("|")[0]) > since]
            if any(entry.endswith(key) for entry in sent):
                return True
            if len(sent) >= MOST:
                return False
            entry = f"{milliseconds(self._clock.now())}|{key}"
            values: dict[str, Value] = {"v": 1, "sent": " ".join([*sent, entry])}
            change = put_if_unchanged(Row(_PARTITION, address_hash, values, row.etag if row else None))
            await write_late_rows(self._tables, organization, _KIND, [change])
            return True

        return await retry_on_conflict("the number of mails to an address", count_once, on=Conflict)
