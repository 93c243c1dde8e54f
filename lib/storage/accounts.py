"""Own storage accounts of organizations: tables, blobs and journal are in the account that the registry names.

Queues, the registry and the due index stay in the shared account, as do organizations that name no account. Everything
else of an organization is routed here, by the name of its table or container, so no other module knows of accounts. An
organization that outgrows one account names further ones for kinds of its tables.

A process learns an organization's account from the organization's row of the registry and remembers it for `LASTS`.
Everything that reads the row anyway (each request with a key, the refresh of stops each minute) renews what is
remembered, so the row is rarely read for this alone. The first hit after a start waits for that one read as a part of
its commit: within the commit's time, and beside the queue, which takes the facts where storage is slow
(`lib.tracking.journal`).

An organization that moves to another account is closed for writes at the end (`lib.operations.move`): `Unavailable` for
a while, which queues and callers get over. As no process writes by what it has read more than `LASTS` ago, none writes
into the old account once all have heard of the new one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Literal, Protocol, Self

from cachetools import LRUCache
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lib.fields import Model
from lib.storage import layout
from lib.storage.azure.account import Account
from lib.storage.documents import unpack
from lib.storage.layout import StorageKind, StoragePlace
from lib.storage.protocols import (
    EVERYTHING,
    Blobs,
    Change,
    Grant,
    Range,
    Row,
    Storage,
    StorageError,
    Tables,
    Unavailable,
)

LASTS = 120.0
"""Seconds for which a process goes by what the registry said of an organization's account."""

_MOST_REMEMBERED = 10_000
"""Organizations whose account a process remembers."""

_KINDS: tuple[StorageKind, ...] = (*layout.KINDS, layout.BLOBS)

SETTING_PREFIX = "HEED_STORAGE_"
"""Begins the names of settings with connection strings of organizations' own accounts."""

_SERVICE_ADDRESS = re.compile(r"https://[a-z0-9]{3,24}(?P<rest>\.(?:table|queue|blob)\.[a-z0-9.-]+)")


class NamedAccount(Model):
    """A storage account, as an organization names it."""

    model_config = ConfigDict(frozen=True)

    account: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{3,24}$")] | None = Field(
        None, description="the account's name; the app's identity must have access to its tables and blobs"
    )
    setting: Annotated[str, StringConstraints(pattern=r"^HEED_STORAGE_[A-Z0-9_]{1,80}$")] | None = Field(
        None,
        description="the app's setting that holds the account's connection string: `HEED_STORAGE_<ORG>`, or a name "
        "that begins with it and an underscore",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.account is None) == (self.setting is None):
            raise ValueError("name either the account or the setting with its connection string")
        return self

    @property
    def name(self) -> str:
        """The account's name, or that of its setting."""
        return self.account or self.setting or ""


class OwnAccount(NamedAccount):
    """An organization's own storage: an account, and further ones for kinds of its tables."""

    kinds: dict[StorageKind, NamedAccount] = Field(
        {}, description="accounts of kinds of tables, or of `blobs`, that are not in the organization's first account"
    )

    def account_of(self, kind: StorageKind) -> NamedAccount:
        """Return the account that holds the tables of a kind, or the blobs."""
        return self.kinds.get(kind) or NamedAccount(account=self.account, setting=self.setting)

    def __str__(self) -> str:
        kinds = "".join(f", {kind} in {account.name}" for kind, account in sorted(self.kinds.items()))
        return f"{self.name}{kinds}"


class Moving(BaseModel):
    """A move of an organization to another account, while it is under way."""

    origin: OwnAccount | None = None
    """The account that it leaves; None for the shared one."""

    to: OwnAccount

    phase: Literal["copying", "closed", "settling", "cancelled"]
    """`copying`: the organization works as ever, in the old account. `closed`: nothing is written, neither here nor
    there. `settling`: the organization works in the new account, and the old one still has its rows. `cancelled`: the
    organization works as ever, in the old account, and the new one still has rows of the copy."""

    digests: dict[str, str] = {}
    """What the old account held when it was compared last: a hash for each kind of table, and one for the blobs."""


def resolve_account(organization: str, own: NamedAccount, environment: Mapping[str, str], shared: Account) -> Account:
    """Return the account that the organization names. Raises ValueError with what to mend.

    A setting must be the organization's own, so that none has its data put into another organization's account. An
    account by name is in the cloud of the shared one.
    """
    if own.account is not None:
        endpoints = [_beside(each, own.account) for each in (shared.table_endpoint, shared.blob_endpoint)]
        return Account(own.account, endpoints[0], shared.queue_endpoint, endpoints[1], key=None)
    assert own.setting is not None
    begin = f"{SETTING_PREFIX}{organization.upper()}"
    if own.setting != begin and not own.setting.startswith(f"{begin}_"):
        raise ValueError(f"the setting of this organization is {begin}, or begins with {begin}_")
    value = environment.get(own.setting, "").strip()
    if not value:
        raise ValueError(f"the app has no setting {own.setting}")
    try:
        return Account.parse(value)
    except ValueError as error:
        raise ValueError(f"the setting {own.setting} is no connection string: {error}") from None


def _beside(endpoint: str, name: str) -> str:
    found = _SERVICE_ADDRESS.fullmatch(endpoint)
    kind = "blob" if ".blob." in endpoint else "table"
    return f"https://{name}{found['rest'] if found else f'.{kind}.core.windows.net'}"


ReadRow = Callable[[str, str, str], Awaitable[Row | None]]
"""Reads a row of the shared account, as `Tables.read_row` does."""


class _Organization(BaseModel):
    """The part of an organization's row that tells where its data is."""

    storage: OwnAccount | None = None
    moving: Moving | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """Account of an organization, as the registry said."""

    own: OwnAccount | None
    takes_writes: bool
    until: float
    """The end of its use, on the clock of `KnownAccounts`."""


class KnownAccounts:
    """The own accounts of organizations, as this process has read them from the registry."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._known: LRUCache[str, _Known] = LRUCache(_MOST_REMEMBERED)
        self._now = now

    def note_row(self, organization: str, row: Row | None) -> None:
        """Remember what the organization's row of the registry says; forget an organization that has none.

        Raises UnreadableRow.
        """
        if row is None:
            self._known.pop(organization, None)
        else:
            found = unpack(_Organization, row)
            takes_writes = found.moving is None or found.moving.phase != "closed"
            self._known[organization] = _Known(found.storage, takes_writes, self._now() + LASTS)

    def note_account(self, organization: str, own: OwnAccount | None) -> None:
        """Remember the account of an organization whose row is not written yet."""
        self._known[organization] = _Known(own, True, self._now() + LASTS)

    async def find_account(self, organization: str, read_row: ReadRow, *, to_write: bool = False) -> OwnAccount | None:
        """Return the organization's own account; None for the shared one.

        Raises Unavailable where it is to be written and is closed for that, StorageError, UnreadableRow.
        """
        known, now = self._known.get(organization), self._now()
        if known is None or known.until <= now:
            try:
                row = await read_row(layout.ORGANIZATIONS, organization, layout.ORGANIZATION_ROW)
            except StorageError:
                if known is None or to_write:
                    raise
                return known.own  # an outage of the shared account keeps nobody from reading what is elsewhere
            self.note_row(organization, row)
            known = self._known.get(organization)
            if known is None:
                return None
        if to_write and not known.takes_writes:
            raise Unavailable(f"organization {organization} is moving to another storage account: try again soon")
        return known.own


class Routes:
    """The way to each organization's storage.

    `open_account` opens an account of an organization when it is first needed. It raises ValueError where the account
    cannot be resolved.
    """

    def __init__(
        self, shared: Storage, known: KnownAccounts, open_account: Callable[[str, NamedAccount], Storage]
    ) -> None:
        self.shared = shared
        self.known = known
        self._open_account = open_account
        self._opened: dict[tuple[str, NamedAccount], Storage] = {}

    async def find_storage(self, place: StoragePlace | None, *, to_write: bool = False) -> Storage:
        """Return the storage of a table or a container; `place` is None for a shared table. Raises StorageError."""
        if place is None:
            return self.shared
        own = await self.known.find_account(place.organization, self.shared.tables.read_row, to_write=to_write)
        if own is None:
            return self.shared
        try:
            return self._open(place.organization, own.account_of(place.kind))
        except ValueError as error:
            text = f"the storage account of organization {place.organization} is not known"
            raise Unavailable(f"{text}: {error}") from None

    def open_storage(self, organization: str, own: OwnAccount) -> Storage:
        """Open an organization's own storage beside the registry. Raises ValueError for accounts of others."""
        opened = {kind: self._open(organization, own.account_of(kind)) for kind in _KINDS}

        async def find_opened(place: StoragePlace | None, **_: bool) -> Storage:
            assert place is not None
            return opened[place.kind]

        return Storage(RoutedTables(find_opened), RoutedBlobs(find_opened), self.shared.queues)

    def kinds_elsewhere(self, organization: str, origin: OwnAccount | None, to: OwnAccount) -> list[StorageKind]:
        """List the kinds that `to` has in other accounts than `origin`; None stands for the shared account.

        An account that is named in two ways is one. Raises ValueError for accounts that the organization may not use.
        """

        def address(own: OwnAccount | None, kind: StorageKind) -> str:
            return (self._open(organization, own.account_of(kind)) if own else self.shared).address

        return [kind for kind in _KINDS if address(origin, kind) != address(to, kind)]

    def _open(self, organization: str, named: NamedAccount) -> Storage:
        # By organization, because a setting is checked against the organization that names it.
        if (organization, named) not in self._opened:
            self._opened[organization, named] = self._open_account(organization, named)
        return self._opened[organization, named]


def routed_storage(routes: Routes) -> Storage:
    """Make the storage whose tables and blobs are in the account of the organization that they belong to."""
    shared, find = routes.shared, routes.find_storage
    return Storage(RoutedTables(find), RoutedBlobs(find), shared.queues, shared.closers, routes)


class FindStorage(Protocol):
    """Finds the storage of a table or a container. Raises StorageError."""

    async def __call__(self, place: StoragePlace | None, *, to_write: bool = False) -> Storage: ...


class RoutedTables:
    """Tables, each in the account of its organization and kind."""

    def __init__(self, find_storage: FindStorage) -> None:
        self._find_storage = find_storage

    async def _tables(self, table: str, *, to_write: bool = False) -> Tables:
        return (await self._find_storage(layout.place_of_table(table), to_write=to_write)).tables

    async def create(self, table: str) -> None:
        await (await self._tables(table, to_write=True)).create(table)

    async def drop(self, table: str) -> None:
        await (await self._tables(table, to_write=True)).drop(table)

    async def read_row(self, table: str, partition: str, key: str) -> Row | None:
        return await (await self._tables(table)).read_row(table, partition, key)

    async def query(
        self, table: str, partition: str | Range, keys: Range = EVERYTHING, limit: int | None = None
    ) -> AsyncIterator[Row]:
        tables = await self._tables(table)
        async for row in tables.query(table, partition, keys, limit):
            yield row

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        return await (await self._tables(table, to_write=True)).write_rows(table, changes)


class RoutedBlobs:
    """Blobs, each in the account of its organization's blobs; that account also signs the URLs that read them."""

    def __init__(self, find_storage: FindStorage) -> None:
        self._find_storage = find_storage

    async def _blobs(self, container: str, *, to_write: bool = False) -> Blobs:
        return (await self._find_storage(layout.place_of_container(container), to_write=to_write)).blobs

    async def create(self, container: str) -> None:
        await (await self._blobs(container, to_write=True)).create(container)

    async def drop(self, container: str) -> None:
        await (await self._blobs(container, to_write=True)).drop(container)

    async def put_blob(self, container: str, name: str, data: bytes | memoryview, content_type: str) -> None:
        await (await self._blobs(container, to_write=True)).put_blob(container, name, data, content_type)

    async def read_blob(self, container: str, name: str) -> bytes:
        return await (await self._blobs(container)).read_blob(container, name)

    async def put_pieces(self, container: str, name: str, pieces: AsyncIterable[bytes], content_type: str) -> None:
        await (await self._blobs(container, to_write=True)).put_pieces(container, name, pieces, content_type)

    async def read_pieces(self, container: str, name: str) -> AsyncIterator[bytes]:
        async for piece in (await self._blobs(container)).read_pieces(container, name):
            yield piece

    async def delete_blob(self, container: str, name: str) -> None:
        await (await self._blobs(container, to_write=True)).delete_blob(container, name)

    async def list_blobs(self, container: str, after: str | None = None) -> AsyncIterator[str]:
        async for name in (await self._blobs(container)).list_blobs(container, after):
            yield name

    async def list_versions(self, container: str) -> AsyncIterator[tuple[str, str]]:
        async for each in (await self._blobs(container)).list_versions(container):
            yield each

    async def reading_url(self, container: str, name: str, grant: Grant) -> str:
        return await (await self._blobs(container)).reading_url(container, name, grant)


class RowWriter(Protocol):
    """The journal's way to one account."""

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None: ...

    async def put_message(self, queue: str, body: str) -> None: ...

    async def read_row(self, table: str, partition: str, key: str) -> Row | None: ...


class RoutedWriter:
    """The journal's writer: rows go to their organization's account, messages to the shared one."""

    def __init__(
        self, shared: RowWriter, known: KnownAccounts, open_writer: Callable[[str, NamedAccount], RowWriter]
    ) -> None:
        self._shared = shared
        self._known = known
        self._open_writer = open_writer
        self._opened: dict[tuple[str, NamedAccount], RowWriter] = {}

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        """Put a row of text columns; a second time changes nothing. Raises StorageError."""
        await (await self._writer(table)).insert(table, partition, key, columns)

    async def put_message(self, queue: str, body: str) -> None:
        """Put a message on a queue. Raises StorageError."""
        await self._shared.put_message(queue, body)

    async def _writer(self, table: str) -> RowWriter:
        place = layout.place_of_table(table)
        assert place is not None, table
        organization = place.organization
        own = await self._known.find_account(organization, self._shared.read_row, to_write=True)
        if own is None:
            return self._shared
        named = own.account_of(place.kind)
        if (organization, named) not in self._opened:
            try:
                self._opened[organization, named] = self._open_writer(organization, named)
            except ValueError as error:
                raise StorageError(f"the account of organization {organization} is not known: {error}") from None
        return self._opened[organization, named]
