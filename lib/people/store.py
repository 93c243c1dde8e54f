"""Users and records in storage: rows of the table `people`.

Keys: partition `user`, key = the user's id; partition `record|<type>`, key = the record's id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from lib.errors import Stale
from lib.fields import RecordRef
from lib.people.records import StoredRecord
from lib.people.users import StoredUser
from lib.storage import Tables
from lib.storage.batches import batches_of
from lib.storage.protocols import MOST_CHANGES
from lib.storage.repository import Repository
from lib.storage.retry import retry_on_conflict

USERS = "user"
"""The partition of users."""

"""Tries of an opt-in while others change the same users."""


def record_partition(record_type: str) -> str:
    """The partition of the records of one type."""
    return f"record|{record_type}"


class People:
    """Users and records of every organization."""

    def __init__(self, tables: Tables) -> None:
        self.users = Repository(tables, "people", StoredUser)
        self.records = Repository(tables, "people", StoredRecord)

    async def user(self, organization: str, user: str) -> StoredUser | None:
        """Load a user; None if there is none."""
        found = await self.users.load(organization, USERS, user)
        return found[0] if found else None

    async def record(self, organization: str, record: RecordRef) -> StoredRecord | None:
        """Load a record; None if there is none."""
        found = await self.stored_record(organization, record)
        return found[0] if found else None

    async def stored_record(self, organization: str, record: RecordRef) -> tuple[StoredRecord, str] | None:
        """Load a record with its etag; None if there is none."""
        return await self.records.load(organization, record_partition(record.type), record.id)

    async def set_opt_in(self, organization: str, users: Iterable[str] | None, value: bool) -> int:
        """Opt these users in or out (None: every user); return how many have changed. Unknown ids are skipped.

        Users are changed in batches of 100, each of them whole or not at all. Raises Stale.
        """
        changed, names = 0, None if users is None else list(dict.fromkeys(users))

        async def change_differing() -> None:
            nonlocal changed
            differing = [each async for each in self._users(organization, names) if each[1].opt_in is not value]
            for batch in batches_of(differing, MOST_CHANGES):
                some = {key: (user.model_copy(update={"opt_in": value}), etag) for key, user, etag in batch}
                await self.users.change_some(organization, USERS, some)
                changed += len(some)

        await retry_on_conflict("users", change_differing, on=Stale)
        return changed

    async def _users(self, organization: str, names: list[str] | None) -> AsyncIterator[tuple[str, StoredUser, str]]:
        """Load users as (key, user, etag)."""
        if names is None:
            async for each in self.users.list(organization, USERS):
                yield each
            return
        for name in names:
            if there := await self.users.load(organization, USERS, name):
                yield name, *there
