"""Restore of an organization from a backup.

The organization is closed meanwhile: callers get 503, as they are not to see half of it. A process that dies leaves
the organization closed; another run of the same backup ends the work. One run at a time works on it
(`lib.operations.runs`): the next one waits until what a run that was stopped has still on its way has arrived, as the
other would put back what this one has erased.

Workers of queues go on. What they write of a message that is restored is conditional on its version, or derived; what
is derived is held against the restored messages at the end.

What is older than the backup comes back. What is newer stays where it was not derived: hits, facts, what recipients
have decided, the audit log. Everything else becomes as it was; the due index, which
is shared, is made anew by the consistency check. Then what must not come back goes:

- Data of addresses that were erased after the backup began, during the restore too, or whose erasure was under way
  then: each is erased again.
- Mail that was waiting to go out is held (`lib.operations.restored_messages`).

Rows name addresses by hashes with a secret of the organization, which is no part of the backup. Under another id, or
without that secret, none of them would be found, and no recipient's no: such an organization begins without history,
with the name and the settings of the backup alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from lib.assessment.journal_cleaning import SEEN
from lib.assessment.journal_sweep import SWEEP_STATE
from lib.clock import Clock, milliseconds
from lib.errors import NotAllowed
from lib.operations.address_search import AddressSearch
from lib.operations.backup import NOT_BACKED_UP, TellCount
from lib.operations.backup_file import BackupFile, Manifest, secret_mark
from lib.operations.blob_streams import checked_at_end
from lib.operations.restored_messages import hold_waiting_mail
from lib.operations.row_streams import ChangeWriter, pair_rows, size_of
from lib.operations.runs import LONGEST_WRITE, Run
from lib.organizations.registry import Organizations, StoredOrganization
from lib.people.address_hashes import AddressHashes
from lib.people.consents import CONSENTS
from lib.stops.rows import StopRows, time_of
from lib.storage import Delete, Range, Row, Storage, Upsert
from lib.storage.accounts import OwnAccount
from lib.storage.documents import UnreadableRow
from lib.storage.due_index import DueIndex
from lib.storage.layout import KINDS, PRIVACY, container, table
from lib.storage.protocols import EVERYTHING

EraseAddress = Callable[[str, str], Awaitable[None]]
"""Erases all that is held about an address, of (organization, address), to the end."""

RefreshMessage = Callable[[str, str], Awaitable[None]]
"""Judges a message from the facts that are stored, of (organization, message)."""

ERASED, UNREADABLE = "erased addresses", "unreadable rows"
"""What is told besides rows and blobs."""

Repair = Callable[[str], Awaitable[int]]
"""Brings what is derived to what it is derived from, of an organization; returns the number of unreadable rows."""

_MARGIN = timedelta(minutes=10)
"""Largest difference of two machines' clocks."""

_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""No organization is older."""

_COMMITS = Range(high=":")
"""Partitions of the journal that are commits: they begin with the year."""

_BYTES = "application/octet-stream"

_NEWER_STAYS = frozenset({"journal", "facts", PRIVACY})
"""Kinds of tables whose rows of after the backup stay."""

Each = TypeVar("Each")

_KINDS = tuple(kind for kind in KINDS if kind not in NOT_BACKED_UP)


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """Findings before a restore: whether its history can come back, and what is there now."""

    organization: str
    with_history: bool
    because: str
    """Why there is no history; empty where there is."""

    etag: str | None = None
    """The version of the organization's row that was looked at; None where there is none."""

    is_begun: bool = False
    """Whether another run has begun with this backup."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Restores backups."""

    storage: Storage
    organizations: Organizations
    hashes: AddressHashes
    stops: StopRows
    erase_address: EraseAddress
    refresh: RefreshMessage
    repair: Repair
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits a number of seconds."""

    async def plan_restore(
        self, backup: BackupFile, organization: str, secret: str | None, *, replace: bool
    ) -> RestorePlan:
        """Look at what is there, and decide. Raises NotAllowed, StorageError."""
        manifest = backup.manifest
        latest = self.clock.now() + _MARGIN
        if manifest.started_at > latest or not _EARLIEST <= manifest.created_at <= manifest.started_at + _MARGIN:
            raise NotAllowed("The backup tells a time that cannot be: nobody who was erased since would be found.")
        found = await self.organizations.load_organization(organization)
        stored, etag = found or (None, None)
        if stored is not None:
            stored.check_still()
        if stored is not None and stored.restored_from not in (None, manifest.id):
            raise NotAllowed(f"{organization} is half-way restored from another backup: run that one again to its end.")
        is_begun = stored is not None and stored.restored_from == manifest.id
        is_other = organization != manifest.organization
        if is_other and stored is not None and not is_begun:
            raise NotAllowed(f"There is an organization {organization} already.")
        if not is_begun and (is_other or not replace) and await self.organizations.has_history(organization):
            instead = "" if is_other else " To put the backup's in its place: --replace."
            raise NotAllowed(f"Tables of {organization} hold data.{instead}")
        because = "it gets another id than it had"
        if not is_other:
            known = await self.organizations.load_address_secret(organization)
            if stored is None and secret is not None:
                known = None  # a process has made it for what was deleted
            because = _why_without(manifest, known, secret, is_there=stored is not None and not is_begun)
        return RestorePlan(organization, not because, because, etag, is_begun)

    async def restore_backup(
        self,
        backup: BackupFile,
        plan: RestorePlan,
        *,
        secret: str | None = None,
        own: OwnAccount | None = None,
        told: TellCount = lambda *_: None,
    ) -> None:
        """Do what was planned. Again is the same. Another run that is still at it stops.

        Raises NotAllowed, WrongField, Stale, AnotherRun, StorageError.
        """
        manifest, run = backup.manifest, Run(self.organizations, plan.organization)
        made = StoredOrganization(
            id=plan.organization,
            name=manifest.name,
            settings=manifest.settings,
            created_at=manifest.created_at if plan.with_history else self.clock.now(),
            storage=own,
            restored_from=manifest.id,
            run=run.id,
        )
        await self.organizations.begin_restore(made, secret if plan.with_history else None, plan.etag)
        if plan.is_begun:
            await self.sleep(LONGEST_WRITE)
        if plan.with_history:
            await self._restore_history(backup, run, told)
        await run.update_row(lambda stored: stored.model_copy(update={"restored_from": None, "run": None}))
        await self.organizations.tell_of_change(plan.organization)

    async def _restore_history(self, backup: BackupFile, run: Run, told: TellCount) -> None:
        organization = run.organization
        await DueIndex(self.storage.tables, self.clock).drop_organization(organization, run.check_own)
        hashes = await self._hashes_of_erased(organization, backup.manifest)
        search = AddressSearch(await self.hashes.address_hash(organization), hashes)
        newer = set[str]()
        for kind in _KINDS:
            left = await self._restore_table(backup, run, kind, search, told)
            newer |= left if kind == "facts" else set()
        await self._restore_blobs(backup, run, search, told)
        await self._have_hits_judged(run)
        await self._erase(run, search.found, told)
        for message in sorted(newer):
            await run.check_own()
            with suppress(UnreadableRow):  # the check tells of it
                await self.refresh(organization, message)
        await self._erase_those_of_meanwhile(backup, run, hashes, told)
        await run.check_own()
        told(UNREADABLE, await self.repair(organization))

    async def _erase(self, run: Run, addresses: set[str], told: TellCount) -> None:
        for address in sorted(addresses):
            await run.check_own()
            await self.erase_address(run.organization, address)
            told(ERASED, 1)

    async def _erase_those_of_meanwhile(self, backup: BackupFile, run: Run, known: set[str], told: TellCount) -> None:
        """Erase again what was erased since the tombstones were read: it may have come back after its erasure."""
        while newer := await self._hashes_of_erased(run.organization, backup.manifest) - known:
            search = AddressSearch(await self.hashes.address_hash(run.organization), newer)
            for kind in _KINDS:
                for row in backup.read_rows(kind):
                    search.look_at_row(row)
            for number, name in enumerate(backup.manifest.blobs):
                search.look_at_blob(name, backup.read_blob(number))
            await self._erase(run, search.found, told)
            known |= newer

    async def _hashes_of_erased(self, organization: str, manifest: Manifest) -> set[str]:
        """Hashes of addresses whose data in the backup must not come back."""
        since = milliseconds(manifest.started_at - _MARGIN)
        newer = {row.key async for row in self.stops.list_erased(organization) if time_of(row) >= since}
        return newer | set(manifest.erasing)

    async def _restore_table(
        self, backup: BackupFile, run: Run, kind: str, search: AddressSearch, told: TellCount
    ) -> set[str]:
        """Restore one table; return the partitions in which newer rows stay. Raises AnotherRun, StorageError."""
        name, rows, newer = table(run.organization, kind), backup.read_rows(kind), set[str]()
        if kind == "messages":
            rows = hold_waiting_mail(rows, backup.manifest.started_at, self.clock.now())
        writer = ChangeWriter(self.storage.tables, name, run.check_own)
        async for pair in pair_rows(_each(rows), self.storage.tables.query(name, EVERYTHING)):
            if pair.left is not None:
                search.look_at_row(pair.left)
                if pair.right is None or (not pair.is_same and not _newer_stays(kind, pair.left)):
                    await writer.add_change(pair.left.partition, Upsert(pair.left), size_of(pair.left))
            elif pair.right is not None and _newer_stays(kind, pair.right):
                newer.add(pair.right.partition)
            elif pair.right is not None:
                await writer.add_change(pair.right.partition, Delete(pair.right.partition, pair.right.key))
            told(kind, 1)
        await writer.flush()
        return newer

    async def _restore_blobs(self, backup: BackupFile, run: Run, search: AddressSearch, told: TellCount) -> None:
        name, there = container(run.organization), set[str]()
        for number, blob in enumerate(backup.manifest.blobs):
            search.look_at_blob(blob, backup.read_blob(number))
            pieces = checked_at_end(_each(backup.read_blob(number)), run.check_own)
            await self.storage.blobs.put_pieces(name, blob, pieces, _BYTES)
            there.add(blob)
            told("blobs", 1)
        for blob in [each async for each in self.storage.blobs.list_blobs(name)]:
            if blob not in there:
                await run.check_own()
                await self.storage.blobs.delete_blob(name, blob)

    async def _have_hits_judged(self, run: Run) -> None:
        """Have the sweep hand the assessor every commit of the journal again: a known fact changes nothing.

        While the organization was closed, facts came to messages that were not there yet.
        """
        name = table(run.organization, "journal")
        writer = ChangeWriter(self.storage.tables, name, run.check_own)
        async for row in self.storage.tables.query(name, SEEN):
            await writer.add_change(row.partition, Delete(row.partition, row.key))
        await writer.flush()
        async for row in self.storage.tables.query(name, _COMMITS, limit=1):
            state = Row(SWEEP_STATE, SWEEP_STATE, {"v": 1, "until": row.partition})
            await self.storage.tables.write_rows(name, [Upsert(state)])


def _why_without(manifest: Manifest, known: str | None, secret: str | None, *, is_there: bool) -> str:
    """Why the organization begins without history, under its own id; empty where it does not. Raises NotAllowed."""
    marks = {secret_mark(each) for each in (known, secret) if each is not None}
    if manifest.secret_mark is None or marks == {manifest.secret_mark}:
        return ""
    if is_there:
        raise NotAllowed("The backup was made with another secret of the organization's addresses.")
    if marks:
        raise NotAllowed("The secret is not the one of the organization's addresses when the backup was made.")
    return "the secret of its addresses is gone, and was not given"


async def _each(things: Iterable[Each]) -> AsyncIterator[Each]:
    for each in things:
        yield each


def _newer_stays(kind: str, row: Row) -> bool:
    return kind in _NEWER_STAYS or (kind == "people" and row.partition.startswith(CONSENTS))
