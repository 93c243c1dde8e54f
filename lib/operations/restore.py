"""Restore of an organization from a backup.

The organization is closed meanwhile: callers get 503, as nobody is to see the half of it. A process that dies leaves
the organization closed; another run of the same backup ends the work.

What is older than the backup comes back. What is newer stays where it was not derived: hits, facts, what recipients
have decided, the audit log. Everything else becomes as it was; the due index, which
is shared, is made anew by the consistency check. Then what must not come back goes:

- Data of addresses that were erased after the backup began, or whose erasure was under way then: each is erased again.
- Mail that was waiting to go out is held (`lib.operations.restored_messages`).

Rows name addresses by hashes with a secret of the organization, which is no part of the backup. Under another id, or
without that secret, none of them would be found, and no recipient's no: such an organization begins without history,
with the name and the settings of the backup alone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from lib.assessment.journal_cleaning import SEEN
from lib.assessment.journal_sweep import SWEEP_STATE
from lib.clock import Clock, milliseconds
from lib.errors import NotAllowed
from lib.operations.backup import NOT_BACKED_UP, TellCount
from lib.operations.backup_file import BackupFile, Manifest, secret_mark
from lib.operations.restored_messages import hold_waiting_mail
from lib.operations.row_streams import ChangeWriter, pair_rows, size_of
from lib.organizations.registry import Organizations, StoredOrganization
from lib.people.address_hashes import AddressHashes
from lib.people.consents import CONSENTS
from lib.stops.rows import StopRows, time_of
from lib.storage import Delete, Range, Row, Storage, Upsert
from lib.storage.accounts import OwnAccount
from lib.storage.due_index import DueIndex
from lib.storage.layout import KINDS, PRIVACY, container, table
from lib.storage.protocols import EVERYTHING

EraseAddress = Callable[[str, str], Awaitable[None]]
"""Erases all that is held about an address, of (organization, address), to the end."""

RefreshMessage = Callable[[str, str], Awaitable[None]]
"""Judges a message from the facts that are stored, of (organization, message)."""

Repair = Callable[[str], Awaitable[None]]
"""Brings what is derived to what it is derived from, of an organization."""

_ADDRESS = re.compile(r"[^\s\"'<>(),;:\\\[\]{}|]{1,64}@[^\s\"'<>(),;:\\\[\]{}|@]{1,255}")
_ADDRESS_BYTES = re.compile(rb"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")

_MARGIN = timedelta(minutes=10)
"""Largest difference of two machines' clocks."""

_COMMITS = Range(high=":")
"""Partitions of the journal that are commits: they begin with the year."""

_BYTES = "application/octet-stream"

_NEWER_STAYS = frozenset({"journal", "facts", PRIVACY})
"""Kinds of tables whose rows of after the backup stay."""

"""Begins the partitions of `people` whose rows of after the backup stay."""


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do, and does."""

    organization: str
    with_history: bool
    because: str
    """Why there is no history; empty where there is."""


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

    async def plan_restore(
        self, backup: BackupFile, organization: str, secret: str | None, *, replace: bool
    ) -> RestorePlan:
        """Look at what is there, and decide. Raises NotAllowed, StorageError."""
        manifest, found = backup.manifest, await self.organizations.load_organization(organization)
        if found is not None and found[0].restored_from not in (None, manifest.id):
            raise NotAllowed(f"{organization} is half-way restored from another backup: run that one again to its end.")
        is_begun = found is not None and found[0].restored_from == manifest.id
        is_other = organization != manifest.organization
        if is_other and found is not None and not is_begun:
            raise NotAllowed(f"There is an organization {organization} already.")
        if not is_begun and (is_other or not replace) and await self.organizations.has_history(organization):
            instead = "" if is_other else " To put the backup's in its place: --replace."
            raise NotAllowed(f"Tables of {organization} hold data.{instead}")
        if is_other:
            return RestorePlan(organization, False, "it gets another id than it had")
        known = await self.organizations.load_address_secret(organization)
        marks = {secret_mark(each) for each in (known, secret) if each is not None}
        if manifest.secret_mark is None or marks == {manifest.secret_mark}:
            return RestorePlan(organization, True, "")
        if found is not None and not is_begun:
            raise NotAllowed("The backup was made with another secret of the organization's addresses.")
        if marks:
            raise NotAllowed("The secret is not the one of the organization's addresses when the backup was made.")
        return RestorePlan(organization, False, "the secret of its addresses is gone, and was not given")

    async def restore_backup(
        self,
        backup: BackupFile,
        plan: RestorePlan,
        *,
        secret: str | None = None,
        own: OwnAccount | None = None,
        told: TellCount = lambda *_: None,
    ) -> None:
        """Do what was planned. Again is the same. Raises NotAllowed, WrongField, StorageError."""
        manifest, organization = backup.manifest, plan.organization
        made = StoredOrganization(
            id=organization,
            name=manifest.name,
            settings=manifest.settings,
            created_at=manifest.created_at if plan.with_history else self.clock.now(),
            storage=own,
            restored_from=manifest.id,
        )
        await self.organizations.begin_restore(made, secret if plan.with_history else None)
        if plan.with_history:
            await DueIndex(self.storage.tables, self.clock).drop_organization(organization)
            erased = _Erased(self.hashes, organization, await self._hashes_of_erased(organization, manifest))
            newer = set[str]()
            for kind in KINDS:
                if kind not in NOT_BACKED_UP:
                    left = await self._restore_table(backup, organization, kind, erased, told)
                    newer |= left if kind == "facts" else set()
            await self._restore_blobs(backup, organization, erased, told)
            await self._have_hits_judged(organization)
            for address in sorted(erased.found):
                await self.erase_address(organization, address)
                told("erased addresses", 1)
            for message in sorted(newer):
                await self.refresh(organization, message)
            await self.repair(organization)
        await self.organizations.end_restore(organization)

    async def _hashes_of_erased(self, organization: str, manifest: Manifest) -> set[str]:
        """Hashes of addresses whose data in the backup must not come back."""
        since = milliseconds(manifest.started_at - _MARGIN)
        newer = {row.key async for row in self.stops.list_erased(organization) if time_of(row) >= since}
        return newer | set(manifest.erasing)

    async def _restore_table(
        self, backup: BackupFile, organization: str, kind: str, erased: _Erased, told: TellCount
    ) -> set[str]:
        """Restore one table; return the partitions in which newer rows stay. Raises StorageError."""
        name, rows, newer = table(organization, kind), backup.read_rows(kind), set[str]()
        if kind == "messages":
            rows = hold_waiting_mail(rows, backup.manifest.started_at, self.clock.now())
        writer = ChangeWriter(self.storage.tables, name)
        async for pair in pair_rows(_each(rows), self.storage.tables.query(name, EVERYTHING)):
            if pair.left is not None:
                await erased.look_at_row(pair.left)
                if pair.right is None or (not pair.is_same and not _newer_stays(kind, pair.left)):
                    await writer.add_change(pair.left.partition, Upsert(pair.left), size_of(pair.left))
            elif pair.right is not None and _newer_stays(kind, pair.right):
                newer.add(pair.right.partition)
            elif pair.right is not None:
                await writer.add_change(pair.right.partition, Delete(pair.right.partition, pair.right.key))
            told(kind, 1)
        await writer.flush()
        return newer

    async def _restore_blobs(self, backup: BackupFile, organization: str, erased: _Erased, told: TellCount) -> None:
        name, there = container(organization), set[str]()
        for blob, data in backup.read_blobs():
            await erased.look_at_bytes(data)
            await self.storage.blobs.put_blob(name, blob, data, _BYTES)
            there.add(blob)
            told("blobs", 1)
        for blob in [each async for each in self.storage.blobs.list_blobs(name)]:
            if blob not in there:
                await self.storage.blobs.delete_blob(name, blob)

    async def _have_hits_judged(self, organization: str) -> None:
        """Have the sweep hand the assessor every commit of the journal again: a known fact changes nothing.

        While the organization was closed, facts came to messages that were not there yet.
        """
        name = table(organization, "journal")
        writer = ChangeWriter(self.storage.tables, name)
        async for row in self.storage.tables.query(name, SEEN):
            await writer.add_change(row.partition, Delete(row.partition, row.key))
        await writer.flush()
        async for row in self.storage.tables.query(name, _COMMITS, limit=1):
            state = Row(SWEEP_STATE, SWEEP_STATE, {"v": 1, "until": row.partition})
            await self.storage.tables.write_rows(name, [Upsert(state)])


async def _each(rows: Iterable[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


def _newer_stays(kind: str, row: Row) -> bool:
    return kind in _NEWER_STAYS or (kind == "people" and row.partition.startswith(CONSENTS))


class _Erased:
    """Addresses in the backup that were erased."""

    def __init__(self, hashes: AddressHashes, organization: str, hashed: set[str]) -> None:
        self._hashes = hashes
        self._organization = organization
        self._hashed = hashed
        self.found: set[str] = set()

    async def look_at_row(self, row: Row) -> None:
        """Find the erased addresses that a row names. Raises StorageError."""
        if self._hashed:
            texts = (value for value in row.values.values() if isinstance(value, str))
            await self._look_at({address for text in texts for address in _ADDRESS.findall(text)})

    async def look_at_bytes(self, data: bytes) -> None:
        """Find the erased addresses that a blob names as they are. Raises StorageError."""
        if self._hashed:
            await self._look_at({each.decode() for each in _ADDRESS_BYTES.findall(data)})

    async def _look_at(self, addresses: set[str]) -> None:
        for address in addresses:
            lower = address.lower().strip(".")
            if lower not in self.found and await self._hashes.hash_address(self._organization, lower) in self._hashed:
                self.found.add(lower)
