"""The registry of organizations, in the shared table of organizations."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cachetools import LRUCache
from pydantic import BaseModel, Field

from lib.clock import Clock, milliseconds, moment
from lib.errors import NotAllowed, Stale, WrongField
from lib.fields import Model, Moment, Name
from lib.organizations.settings import OrganizationSettings, recording_state_of
from lib.stops.organization_stops import RecordingState
from lib.stops.rows import changed_marker
from lib.storage import (
    Change,
    Conflict,
    Delete,
    Missing,
    Range,
    Row,
    Storage,
    Unavailable,
    Upsert,
    put_if_unchanged,
)
from lib.storage import layout as tables
from lib.storage.accounts import Moving, OwnAccount
from lib.storage.batches import batches_of
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.due_index import DueIndex
from lib.storage.protocols import EVERYTHING, MOST_CHANGES
from lib.storage.retry import retry_on_conflict
from lib.storage.versions import IfMatch, check_version

log = logging.getLogger("heed.organizations")

KEY_ROWS = "key-"
"""Prefix of the rows of an organization's API keys."""

_SETTINGS_LAST = timedelta(minutes=1)

_ACCOUNT_STAYS = (
    "An organization stays in the storage account in which it was made, unless the deployment's operator moves it "
    "(python -m heed move)."
)

_KINDS_WITH_HISTORY = ("messages", "people", "templates", "cards", "threads", "index", "facts", "feed")
"""Tables that are empty when an organization is made. A late hit may write into the others meanwhile."""

_PRIVACY_WITH_HISTORY = (Range.prefix("audit|"), Range.prefix("job"))
"""Partitions of the table `privacy` that are empty then, too: the audit log, and jobs with results of exports. A late
stop may write into the others."""

_HAS_OTHERS_DATA = (
    "The tables of this organization's name hold data already: they were restored or copied. An organization begins "
    "without history. Delete these tables, or restore the organization under its own id, with its rows of the registry."
)

_MOST_REMEMBERED = 10_000
"""Organizations whose settings this process remembers; requests may name some that do not exist."""

NOT_MADE_AGAIN = timedelta(minutes=2)
"""Time after its deletion in which no organization of the same id is made: what processes remember of the old one, such
as its settings, stops and secret, is forgotten by then, and the new one sees nothing of it."""


class Organization(BaseModel):
    """A row of the registry."""

    id: str
    name: str
    settings: OrganizationSettings
    created_at: Moment
    storage: OwnAccount | None = Field(None, description="the organization's own storage account; null: the shared one")


class StoredOrganization(Organization):
    """The row of an organization: with the operator's work that is under way on it."""

    restored_from: str | None = None
    """The id of the backup that the organization is being restored from. Until that is done, callers get 503."""

    moving: Moving | None = None
    """The move to another storage account that is under way."""

    run: str | None = None
    """The run of a command that works on the organization, by its id (`lib.operations.runs`)."""

    def check_open(self) -> None:
        """Raises Unavailable while the organization is being restored: callers are not to see half of it."""
        if self.restored_from is not None:
            raise Unavailable(f"the organization {self.id} is being restored from a backup")

    def check_still(self) -> None:
        """Raises NotAllowed while the organization has rows in two storage accounts."""
        if self.moving is not None:
            text = f"{self.id} is moving to another storage account"
            raise NotAllowed(f"{text}: end that move first, or give it up (python -m heed move).")


class OrganizationSpec(Model):
    """An organization, and what it decides for itself."""

    name: Name
    settings: OrganizationSettings = OrganizationSettings()
    storage: OwnAccount | None = Field(
        None,
        description="the organization's own storage, given when it is made; an operator's command alone moves it",
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """An organization as it was read lately."""

    read_at: datetime
    made_at: datetime | None
    settings: OrganizationSettings


class Organizations:
    """Organizations in storage."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._tables = storage.tables
        self._storage = storage
        self._clock = clock
        self._known: LRUCache[str, _Known] = LRUCache(_MOST_REMEMBERED)

    async def load_organization(self, organization: str) -> tuple[StoredOrganization, str] | None:
        """Load the organization with its etag; None if there is none.

        A row that was copied from another organization's is none.
        """
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, tables.ORGANIZATION_ROW)
        if self._storage.routes is not None:
            self._storage.routes.known.note_row(organization, row)
        if row is None:
            return None
        found = unpack(StoredOrganization, row)
        return (found, row.etag or "") if found.id == organization else None

    async def settings(self, organization: str) -> OrganizationSettings:
        """Settings for background work, at most a minute old; engagement is off if there is no organization."""
        return (await self._lately(organization)).settings

    async def made_at(self, organization: str) -> datetime | None:
        """The time at which the organization was made, as was known a minute ago; None if there is none."""
        return (await self._lately(organization)).made_at

    def has_lately_read(self, organization: str) -> bool:
        """Whether the settings are in memory, so that asking for them costs no read."""
        known = self._known.get(organization)
        return known is not None and self._clock.now() - known.read_at <= _SETTINGS_LAST

    async def _lately(self, organization: str) -> _Known:
        known, now = self._known.get(organization), self._clock.now()
        if known is None or now - known.read_at > _SETTINGS_LAST:
            found = await self.load_organization(organization)
            settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
            known = self._known[organization] = _Known(now, found[0].created_at if found else None, settings)
        return known

    async def recording_state(self, organization: str) -> RecordingState:
        """Read what the organization lets be recorded, as storage has it now; nothing if there is no organization."""
        found = await self.load_organization(organization)
        if found is None:
            return RecordingState(is_recording=False, is_following=False, names_recipients=False)
        return recording_state_of(found[0].settings)

    async def save_organization(
        self, organization: str, spec: OrganizationSpec, if_match: IfMatch | None
    ) -> tuple[Organization, str, bool]:
        """Make or change the organization and its storage; return (organization, etag, whether it was made).

        Raises Stale for another version, Conflict where another writer was first, NotAllowed for another storage
        account than the organization has and where one of that id was deleted within `NOT_MADE_AGAIN`, WrongField for
        an account that cannot be used.
        """
        found = await self.load_organization(organization)
        check_version(if_match, found and found[1])
        own = found[0].storage if found else spec.storage
        if found and "storage" in spec.model_fields_set and spec.storage != own:
            raise NotAllowed(_ACCOUNT_STAYS)
        if found is None:
            await self._check_deletion(organization)
            self._choose_account(organization, own)
        await self._make_storage(organization)
        if found is None:
            await self._refuse_others_data(organization)
        changed = {"id": organization, "name": spec.name, "settings": spec.settings}
        if found is None:
            made = StoredOrganization(**changed, created_at=self._clock.now(), storage=own)
        else:
            made = found[0].model_copy(update=changed)
        row = Row(organization, tables.ORGANIZATION_ROW, pack(made), found[1] if found else None)
        [etag] = await self._tables.write_rows(tables.ORGANIZATIONS, [put_if_unchanged(row)])
        self._known.pop(organization, None)
        if found is not None:
            await self.tell_of_change(organization)
        return made, etag or "", found is None

    async def begin_restore(
        self, restored: StoredOrganization, secret: str | None, etag: str | None
    ) -> StoredOrganization:
        """Close the organization for a restore, and make its storage; where there is none, make it as `restored`.

        An organization that is there keeps its name, its settings and its account; it must be the version `etag`.
        `secret` is that of its addresses, for an organization that is not there, or has none. Again is the same.
        Raises NotAllowed, WrongField, Stale, Conflict, StorageError.
        """
        organization = restored.id
        found = await self.load_organization(organization)
        if (found and found[1]) != etag:
            raise Stale(f"{organization} was changed at the same time: run the command again.")
        if found is None:
            await self._check_deletion(organization)
            self._choose_account(organization, restored.storage)
            closed = restored
        else:
            found[0].check_still()
            if restored.storage not in (None, found[0].storage):
                raise NotAllowed(_ACCOUNT_STAYS)
            closed = found[0].model_copy(update={"restored_from": restored.restored_from, "run": restored.run})
        await self._make_storage(organization)
        if found is None and restored.storage is not None:
            await self._refuse_others_data(organization)
        if secret is not None and (found is None or await self.load_address_secret(organization) is None):
            row = Row(organization, tables.ADDRESS_SECRET_ROW, {"v": 1, "secret": secret})
            await self._tables.write_rows(tables.ORGANIZATIONS, [Upsert(row)])
        await self._save_row(closed, found[1] if found else None)
        return closed

    async def tell_of_change(self, organization: str) -> None:
        """Have every process look at the organization anew. Raises StorageError."""
        await self._tables.write_rows(tables.table(organization, tables.PRIVACY), [changed_marker()])

    async def update_row(
        self, organization: str, update: Callable[[StoredOrganization], StoredOrganization]
    ) -> StoredOrganization:
        """Change what the row says of the operator's work, whatever else changes it meanwhile.

        `update` may refuse what it is given. Raises Missing where there is no organization, Stale, StorageError.
        """

        async def update_once() -> StoredOrganization:
            found = await self.load_organization(organization)
            if found is None:
                raise Missing(f"no organization {organization}")
            updated = update(found[0])
            await self._save_row(updated, found[1])
            await self.load_organization(organization)  # this process knows it, too
            return updated

        return await retry_on_conflict(f"organization {organization}", update_once)

    async def _save_row(self, stored: StoredOrganization, etag: str | None) -> None:
        row = Row(stored.id, tables.ORGANIZATION_ROW, pack(stored), etag)
        await self._tables.write_rows(tables.ORGANIZATIONS, [put_if_unchanged(row)])
        self._known.pop(stored.id, None)

    async def load_address_secret(self, organization: str) -> str | None:
        """Load the secret by which the organization's addresses are hashed; None where there is none yet."""
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, tables.ADDRESS_SECRET_ROW)
        return row.text("secret") if row else None

    async def has_history(self, organization: str) -> bool:
        """Whether tables of the organization's name hold what came about in it. Raises StorageError."""
        places = [(kind, EVERYTHING) for kind in _KINDS_WITH_HISTORY]
        places += [(tables.PRIVACY, partitions) for partitions in _PRIVACY_WITH_HISTORY]
        for kind, partitions in places:
            async for _ in self._tables.query(tables.table(organization, kind), partitions, limit=1):
                return True
        return False

    async def _check_deletion(self, organization: str) -> None:
        """Raises NotAllowed where an organization of that id was deleted just now."""
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, tables.DELETED_ROW)
        if row is None:
            return
        if self._clock.now() - moment(int(row.values["at"])) < NOT_MADE_AGAIN:
            raise NotAllowed("An organization of that id was deleted just now: make the new one in two minutes.")
        # A process may have made a secret for the old one while it was being deleted.
        for key in (tables.ADDRESS_SECRET_ROW, tables.DELETED_ROW):
            with suppress(Missing):
                await self._tables.write_rows(tables.ORGANIZATIONS, [Delete(organization, key)])

    def _choose_account(self, organization: str, own: OwnAccount | None) -> None:
        """Have the storage of a new organization made in its account. Raises WrongField."""
        routes = self._storage.routes
        if own is None or routes is None:
            if own is not None:
                raise WrongField(["storage"], "this deployment has no organizations with storage accounts of their own")
            return
        try:
            routes.open_storage(organization, own)
        except ValueError as error:
            raise WrongField(["storage"], str(error)) from None
        routes.known.note_account(organization, own)

    async def _make_storage(self, organization: str) -> None:
        for shared in (tables.ORGANIZATIONS, tables.DUE):
            await self._tables.create(shared)
        try:
            await asyncio.gather(
                *(self._storage.queues.create(queue) for queue in tables.QUEUES),
                *(self._tables.create(tables.table(organization, kind)) for kind in tables.KINDS),
                self._storage.blobs.create(tables.container(organization)),
            )
        except Conflict as conflict:
            raise Unavailable("the storage of an organization of that name is still being deleted") from conflict

    async def _refuse_others_data(self, organization: str) -> None:
        """Raises NotAllowed where the tables of a new organization hold rows: they were restored or copied.

        Their owner is not known, and nothing in them may be shown to another organization.
        """
        if await self.has_history(organization):
            raise NotAllowed(_HAS_OTHERS_DATA)

    async def list_organizations(self) -> AsyncIterator[str]:
        """List the ids of all organizations."""
        async for row in self._tables.query(tables.ORGANIZATIONS, EVERYTHING, Range(low=tables.ORGANIZATION_ROW)):
            yield row.partition

    async def page_of_organizations(self, after: str | None, limit: int) -> list[tuple[Organization, str]]:
        """List organizations with their etags by id, from behind the id `after`; those that can be read."""
        found: list[tuple[Organization, str]] = []
        async for row in self._tables.query(
            tables.ORGANIZATIONS, Range(after=after), Range.prefix(tables.ORGANIZATION_ROW)
        ):
            try:
                organization = unpack(Organization, row)
            except UnreadableRow as error:
                log.error("organization %s is left out of the list: %s", row.partition, error)
                continue
            if organization.id == row.partition:  # else the row was copied from another organization's
                found.append((organization, row.etag or ""))
            if len(found) == limit:
                break
        return found

    async def delete_organization(self, organization: str) -> None:
        """Delete the organization: keys first, which ends all writing, then the storage, then its own row.

        A process that dies in between leaves the organization without keys; deleting it again ends the work. Raises
        NotAllowed while the organization moves, StorageError.
        """
        with suppress(UnreadableRow):
            if found := await self.load_organization(organization):
                found[0].check_still()
        rows = [row async for row in self._tables.query(tables.ORGANIZATIONS, organization)]
        keys = [Delete(row.partition, row.key) for row in rows if row.key.startswith(KEY_ROWS)]
        for some in batches_of(keys, MOST_CHANGES):
            await self._tables.write_rows(tables.ORGANIZATIONS, some)
        for kind in tables.KINDS:
            await self._tables.drop(tables.table(organization, kind))
        await self._storage.blobs.drop(tables.container(organization))
        await DueIndex(self._tables, self._clock).drop_organization(organization)
        there = [row.key for row in rows if row.key in (tables.ORGANIZATION_ROW, tables.ADDRESS_SECRET_ROW)]
        deleted = Row(organization, tables.DELETED_ROW, {"v": 1, "at": milliseconds(self._clock.now())})
        changes: list[Change] = [Upsert(deleted), *(Delete(organization, key) for key in there)]
        await self._tables.write_rows(tables.ORGANIZATIONS, changes)
        self._known.pop(organization, None)
        if self._storage.routes is not None:
            self._storage.routes.known.note_row(organization, None)
