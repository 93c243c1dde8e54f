"""Users and records in storage: rows of the table `people`.

Keys: partition `user`, key = the user's id; partition `record|<type>`, key = the record's id.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from pydantic import BaseModel

from lib.errors import Stale
from lib.fields import RecordRef
from lib.people.records import StoredRecord
from lib.people.users import OptInShare, StoredUser
from lib.storage import Range, Row, Tables
from lib.storage.batches import batches_of
from lib.storage.documents import unpack
from lib.storage.layout import table
from lib.storage.protocols import MOST_CHANGES
from lib.storage.repository import Repository
from lib.storage.retry import retry_on_conflict

log = logging.getLogger("heed.people")

USERS = "user"
"""The partition of users."""

_MOST_REDIRECTS = 8
"""Redirects that are followed, one after the other. A merge leaves one; more are left by one that was cut short."""

_MOST_LOOKED_AT = 5_000
"""Users that one page of a filtered list looks at."""


class _OptedIn(BaseModel):
    """The one field of a user that counting needs; reading it alone takes a tenth of the time."""

    opt_in: bool = False


@dataclass(frozen=True, slots=True)
class UsersPage:
    """A page of users."""

    users: list[tuple[StoredUser, str]]
    """Users with their etags."""
    after: str | None
    """Where the next page begins; None after the last one."""


log = logging.getLogger("heed.people")

RECORDS = "record|"
"""Beginning of the partitions of records, one for each type."""


def record_partition(record_type: str) -> str:
    """The partition of the records of one type."""
    return RECORDS + record_type


class People:
    """Users and records of every organization."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.users = Repository(tables, "people", StoredUser)
        self.records = Repository(tables, "people", StoredRecord)

    async def user(self, organization: str, user: str) -> StoredUser | None:
        """Load a user; None if there is none."""
        found = await self.users.load(organization, USERS, user)
        return found[0] if found else None

    async def readable_users(self, organization: str) -> AsyncIterator[StoredUser]:
        """Yield all users; one who cannot be read is logged, so that the others' work goes on. Raises StorageError."""
        unreadable: list[None] = []
        async for _, user, _ in self.users.list(organization, USERS, unreadable=lambda: unreadable.append(None)):
            yield user
        if unreadable:
            log.error("organization %s: %d users cannot be read", organization, len(unreadable))

    async def record(self, organization: str, record: RecordRef) -> StoredRecord | None:
        """Load a record; None if there is none."""
        found = await self.stored_record(organization, record)
        return found[0] if found else None

    async def stored_record(self, organization: str, record: RecordRef) -> tuple[StoredRecord, str] | None:
        """Load a record with its etag; None if there is none."""
        return await self.records.load(organization, record_partition(record.type), record.id)

    async def standing_record(self, organization: str, record: RecordRef) -> tuple[StoredRecord, str] | None:
        """Load a record with its etag, or the record into which it was merged; None if there is none."""
        found = await self.stored_record(organization, record)
        for _ in range(_MOST_REDIRECTS):
            if found is None or found[0].merged_into is None:
                return found
            found = await self.stored_record(organization, found[0].merged_into)
        return None

    async def united_records(self, organization: str, record: RecordRef) -> list[RecordRef]:
        """List the record that stands for this one, and all that were merged into it; the record alone if it is new."""
        found = await self.standing_record(organization, record)
        return [found[0].ref(), *found[0].merged] if found else [record]

    async def list_users(self, organization: str, opt_in: bool | None, after: str | None, limit: int) -> UsersPage:
        """List users by id, or only those who have, or have not, opted in.

        A page that has looked at 5,000 users ends, whether or not it is full.
        """
        page, seen, place = list[tuple[StoredUser, str]](), 0, after
        most = limit + 1 if opt_in is None else _MOST_LOOKED_AT
        async for row in self._user_rows(organization, after, most):
            if opt_in is None or unpack(_OptedIn, row).opt_in is opt_in:
                if len(page) == limit:
                    return UsersPage(page, place)
                page.append((unpack(StoredUser, row), row.etag or ""))
            seen, place = seen + 1, row.key
        return UsersPage(page, place if seen == most else None)

    async def count_opt_in(self, organization: str) -> OptInShare:
        """Count the users, and those who have opted in. It reads each user's row, page by page, and keeps none."""
        opted_in = users = 0
        async for row in self._user_rows(organization):
            opted_in, users = opted_in + unpack(_OptedIn, row).opt_in, users + 1
        return OptInShare(opted_in=opted_in, users=users)

    def _user_rows(self, organization: str, after: str | None = None, limit: int | None = None) -> AsyncIterator[Row]:
        return self._tables.query(table(organization, "people"), USERS, Range(after=after), limit)

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
