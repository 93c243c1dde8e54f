"""The CRM's users, and its records: contacts, leads, accounts and whatever else a mail can be about."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from lib.errors import Stale
from lib.fields import ChosenId, Email, Model, Name, RecordRef, RecordType, TimeZone
from lib.storage import Tables
from lib.storage.batches import batches_of
from lib.storage.protocols import MOST_CHANGES
from lib.storage.repository import Repository

USERS = "user"

MOST_USERS = 1000
"""That a call opts in or out by their ids."""

_MOST_TRIES = 8
"""While others change the same users."""


def record_partition(record_type: str) -> str:
    return f"record|{record_type}"


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError("not a network, such as 192.0.2.0/24") from None


class UserSpec(Model):
    """A salesperson."""

    email: Email
    name: Name = Field("", description="as From shows it")
    time_zone: TimeZone = Field("UTC", description="of the IANA database, such as Europe/Vienna")
    opt_in: bool = Field(False, description="whether this user's mail may be followed")
    inbound: Literal["all", "replies", "known", "none"] = "replies"
    networks: list[Annotated[str, StringConstraints(max_length=50), AfterValidator(_network)]] = Field(
        [], max_length=50, description="the user's own networks: what comes from there is no engagement"
    )


class StoredUser(UserSpec):
    id: ChosenId


class User(StoredUser):
    """A salesperson, as stored."""

    etag: str


class Address(Model):
    """Where somebody is, for delivery advice."""

    city: Name | None = None
    region: Name | None = None
    postal_code: Name | None = None
    country: Annotated[str, StringConstraints(max_length=100)] | None = None


class RecordSpec(Model):
    """A contact, lead, account, opportunity, case, or any other record."""

    name: Name = ""
    emails: list[Email] = Field([], max_length=50)
    follow_email: Literal["allow", "do_not_allow", "unknown"] = Field(
        "unknown", description="whether mail to it may be followed; a consent of the address counts, too"
    )
    owner: ChosenId | None = Field(None, description="the id of the user to whom it belongs")
    address: Address | None = None
    time_zone: TimeZone | None = Field(None, description="where it is not to be found by the address")
    parent: RecordRef | None = Field(None, description="a record to which its engagement is added, such as an account")


class StoredRecord(RecordSpec):
    type: RecordType
    id: ChosenId


class Record(StoredRecord):
    etag: str


class OptIn(Model):
    """Whether mail of these users may be followed."""

    users: Annotated[list[ChosenId], Field(max_length=MOST_USERS)] | Literal["all"]
    opt_in: bool


class Changed(BaseModel):
    """How many users had it otherwise before."""

    changed: int


class People:
    """Users and records of every organization."""

    def __init__(self, tables: Tables) -> None:
        self.users = Repository(tables, "people", StoredUser)
        self.records = Repository(tables, "people", StoredRecord)

    async def user(self, organization: str, user: str) -> StoredUser | None:
        found = await self.users.load(organization, USERS, user)
        return found[0] if found else None

    async def record(self, organization: str, record: RecordRef) -> StoredRecord | None:
        found = await self.stored_record(organization, record)
        return found[0] if found else None

    async def stored_record(self, organization: str, record: RecordRef) -> tuple[StoredRecord, str] | None:
        """The record and its etag."""
        return await self.records.load(organization, record_partition(record.type), record.id)

    async def opt_in(self, organization: str, users: Iterable[str] | None, value: bool) -> int:
        """Set it for these users (None: for all that there are); how many have changed. Unknown ids are passed over.

        Users are changed by the hundred, each hundred whole or not at all. Raises Stale.
        """
        changed, names = 0, None if users is None else list(dict.fromkeys(users))
        for _ in range(_MOST_TRIES):
            differing = [each async for each in self._users(organization, names) if each[1].opt_in is not value]
            try:
                for batch in batches_of(differing, MOST_CHANGES):
                    some = {key: (user.model_copy(update={"opt_in": value}), etag) for key, user, etag in batch}
                    await self.users.change_some(organization, USERS, some)
                    changed += len(some)
            except Stale:
                continue
            return changed
        raise Stale

    async def _users(self, organization: str, names: list[str] | None) -> AsyncIterator[tuple[str, StoredUser, str]]:
        """(key, user, etag)"""
        if names is None:
            async for each in self.users.list(organization, USERS):
                yield each
            return
        for name in names:
            if there := await self.users.load(organization, USERS, name):
                yield name, *there
