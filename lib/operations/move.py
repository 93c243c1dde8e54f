"""Move of an organization to a storage account of its own, while it is in use.

1. `copying`: the organization works as ever. Rows and blobs are copied, and again what has changed meanwhile, until
   little is left.
2. `closed`: the registry says that nothing is written. Callers that change something get 503, messages of queues wait,
   hits are taken by the queue, mail that is due waits; reads, pixels and links go on. When every process must have
   heard of it, what is left is copied, and every row and blob of both accounts is compared.
3. `settling`: the registry names the new account, and everything works there. When every process must have heard of
   that, and the last reading URL has ended, the old account is looked at once more: if nothing was written there since
   the comparison, its tables and blobs are deleted.

The phase is in the organization's row of the registry. A process that dies at any point leaves that phase, and another
run goes on with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from lib.errors import NotAllowed, NotFound, Refusal, WrongField
from lib.operations.row_streams import ChangeWriter, pair_rows, size_of
from lib.organizations.registry import Organizations, StoredOrganization
from lib.storage import Delete, Missing, Row, Storage, Upsert
from lib.storage.accounts import LASTS, Moving, OwnAccount, Routes
from lib.storage.layout import KINDS, container, table
from lib.storage.protocols import EVERYTHING

_LONGEST_WRITE = 90.0
"""Seconds that a write may take with all its tries, once it was routed."""

EVERYBODY_KNOWS = LASTS + _LONGEST_WRITE
"""Seconds after which no process goes by what the registry said before a change."""

_LONGEST_URL = 330.0
"""Seconds for which a URL may lead to a blob of the old account."""

_MOST_PASSES = 5
_FEW = 500
"""Rows and blobs that are left to the closed phase."""

_BYTES = "application/octet-stream"

TellPhase = Callable[[str, int], None]
"""Takes what goes on: a phase in words, and a number of rows or blobs."""


class NotTheSame(Refusal):
    """The two accounts do not hold the same; nothing was deleted."""

    kind = "not_allowed"


@dataclass(slots=True)
class _Way:
    """The way from one account to the other."""

    organization: str
    source: Storage
    target: Storage
    copied: dict[str, str] = field(default_factory=dict)
    """Versions of the source's blobs that this process knows to be the same in the target, by name."""


class Move:
    """Moves organizations. `sleep` waits a number of seconds."""

    def __init__(
        self,
        storage: Storage,
        organizations: Organizations,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._storage = storage
        self._organizations = organizations
        self._sleep = sleep

    async def check_move(self, organization: str, to: OwnAccount) -> StoredOrganization:
        """Check that the organization can move there; return it.

        Raises NotFound, NotAllowed, WrongField, StorageError.
        """
        found = await self._organizations.load_organization(organization)
        if found is None:
            raise NotFound(f"There is no organization {organization}.")
        stored = found[0]
        stored.check_open()
        if stored.moving is not None:
            if stored.moving.to != to:
                raise NotAllowed(f"{organization} is on its way to {_name(stored.moving.to)}: end that move first.")
            return stored
        if stored.storage == to:
            raise NotAllowed(f"{organization} is in {_name(to)} already.")
        target = self._open(organization, to)
        for kind in KINDS:
            async for _ in target.tables.query(table(organization, kind), EVERYTHING, limit=1):
                raise NotAllowed(f"{_name(to)} holds rows of an organization of that name. Delete its tables first.")
        return stored

    async def move_organization(self, organization: str, to: OwnAccount, told: TellPhase = lambda *_: None) -> None:
        """Move the organization, or go on with its move, to the end.

        Raises NotFound, NotAllowed, WrongField, NotTheSame, Missing where the organization was deleted meanwhile,
        StorageError.
        """
        stored = await self.check_move(organization, to)
        moving = stored.moving or Moving(origin=stored.storage, to=to, phase="copying")
        way = _Way(organization, self._open(organization, moving.origin), self._open(organization, to))
        if moving.phase == "copying":
            await self._set(organization, moving)
            await self._copy(way, told)
            moving = moving.model_copy(update={"phase": "closed"})
            await self._set(organization, moving)
        if moving.phase == "closed":
            moving = await self._change_over(way, moving, told)
        await self._clear(way, moving, told)

    async def cancel_move(self, organization: str) -> None:
        """Give up a move that has not changed over: the organization stays where it is, and the copy is deleted.

        Raises NotAllowed, Missing, StorageError.
        """

        def without_move(stored: StoredOrganization) -> StoredOrganization:
            if stored.moving is None or stored.moving.phase == "settling":
                raise NotAllowed(f"{organization} has no move that can be given up.")
            return stored.model_copy(update={"moving": None})

        found = await self._organizations.load_organization(organization)
        await self._organizations.update_row(organization, without_move)
        if found is not None and found[0].moving is not None:
            await _drop(self._open(organization, found[0].moving.to), organization)

    def _open(self, organization: str, own: OwnAccount | None) -> Storage:
        """Open an account beside the routes, which say whether it may be written. Raises WrongField."""
        routes: Routes | None = self._storage.routes
        if routes is None:
            raise WrongField(["storage"], "this deployment has no organizations with storage accounts of their own")
        if own is None:
            return routes.shared
        try:
            return routes.open_storage(organization, own)
        except ValueError as error:
            raise WrongField(["storage"], str(error)) from None

    async def _set(self, organization: str, moving: Moving | None, **more: object) -> None:
        await self._organizations.update_row(
            organization, lambda stored: stored.model_copy(update={"moving": moving, **more})
        )

    async def _copy(self, way: _Way, told: TellPhase) -> None:
        """Copy until little is left."""
        for kind in KINDS:
            await way.target.tables.create(table(way.organization, kind))
        await way.target.blobs.create(container(way.organization))
        for number in range(1, _MOST_PASSES + 1):
            told(f"copying, pass {number}", 0)
            if await self._copy_once(way, told) <= _FEW:
                return

    async def _copy_once(self, way: _Way, told: TellPhase) -> int:
        """Bring the target to what the source holds; return how many rows and blobs were not so."""
        changed = 0
        for kind in KINDS:
            changed += await _copy_rows(way, kind, told)
        return changed + await _copy_blobs(way, told)

    async def _change_over(self, way: _Way, moving: Moving, told: TellPhase) -> Moving:
        """Copy what is left, compare everything, and name the new account."""
        told("closed, until every process has heard of it", 0)
        await self._sleep(EVERYBODY_KNOWS)
        told("copying what is left", 0)
        await self._copy_once(way, told)
        told("comparing", 0)
        digests = {kind: await _compare_rows(way, kind, told) for kind in KINDS}
        await _compare_blobs(way)
        settling = moving.model_copy(update={"phase": "settling", "digests": digests})
        await self._set(way.organization, settling, storage=moving.to)
        return settling

    async def _clear(self, way: _Way, moving: Moving, told: TellPhase) -> None:
        """Delete what the old account holds, once nothing can lead there any more."""
        told("settling, until nothing leads to the old account", 0)
        await self._sleep(max(EVERYBODY_KNOWS, _LONGEST_URL))
        for kind in KINDS:
            expected = moving.digests.get(kind)
            if await _digest(way, kind) not in (expected, _NO_ROWS):
                text = f"The old account's table {table(way.organization, kind)} was written to after the comparison."
                raise NotTheSame(f"{text} It is kept; the organization works in the new account.")
            await way.source.tables.drop(table(way.organization, kind))
        await way.source.blobs.drop(container(way.organization))
        await self._set(way.organization, None)


async def _copy_rows(way: _Way, kind: str, told: TellPhase) -> int:
    name, changed = table(way.organization, kind), 0
    writer = ChangeWriter(way.target.tables, name)
    pairs = pair_rows(way.source.tables.query(name, EVERYTHING), way.target.tables.query(name, EVERYTHING))
    async for pair in pairs:
        told(kind, 1)
        if pair.is_same:
            continue
        changed += 1
        if pair.left is not None:
            await writer.add_change(pair.left.partition, Upsert(_bare(pair.left)), size_of(pair.left))
        elif pair.right is not None:
            await writer.add_change(pair.right.partition, Delete(pair.right.partition, pair.right.key))
    await writer.flush()
    return changed


def _bare(row: Row) -> Row:
    return Row(row.partition, row.key, row.values)


async def _copy_blobs(way: _Way, told: TellPhase) -> int:
    name, changed = container(way.organization), 0
    there = {blob async for blob in way.target.blobs.list_blobs(name)}
    found = {blob: version async for blob, version in way.source.blobs.list_versions(name)}
    for blob, version in found.items():
        told("blobs", 1)
        if blob in there and way.copied.get(blob) == version:
            continue
        try:
            data = await way.source.blobs.read_blob(name, blob)
        except Missing:
            continue  # it was deleted meanwhile, and the next pass deletes the copy
        if blob not in there or await way.target.blobs.read_blob(name, blob) != data:
            await way.target.blobs.put_blob(name, blob, data, _BYTES)
            changed += 1
        way.copied[blob] = version
    for blob in sorted(there - found.keys()):
        await way.target.blobs.delete_blob(name, blob)
        changed += 1
    return changed


async def _compare_rows(way: _Way, kind: str, told: TellPhase) -> str:
    """Compare a table in both accounts; return the digest of the source's rows. Raises NotTheSame."""
    name, digest = table(way.organization, kind), hashlib.sha256()
    pairs = pair_rows(way.source.tables.query(name, EVERYTHING), way.target.tables.query(name, EVERYTHING))
    async for pair in pairs:
        told(kind, 1)
        if pair.left is None or not pair.is_same:
            raise NotTheSame(f"A row of {name} is not the same in both accounts: run the move again.")
        digest.update(_line(pair.left))
    return digest.hexdigest()


async def _compare_blobs(way: _Way) -> None:
    """Raises NotTheSame where a blob is missing, or has changed since it was compared byte by byte."""
    name = container(way.organization)
    found = {blob: version async for blob, version in way.source.blobs.list_versions(name)}
    there = [blob async for blob in way.target.blobs.list_blobs(name)]
    if sorted(found) != sorted(there) or any(way.copied.get(blob) != version for blob, version in found.items()):
        raise NotTheSame("The blobs are not the same in both accounts: run the move again.")


async def _digest(way: _Way, kind: str) -> str:
    digest = hashlib.sha256()
    async for row in _source_rows(way, kind):
        digest.update(_line(row))
    return digest.hexdigest()


def _source_rows(way: _Way, kind: str) -> AsyncIterator[Row]:
    return way.source.tables.query(table(way.organization, kind), EVERYTHING)


def _line(row: Row) -> bytes:
    return json.dumps([row.partition, row.key, dict(sorted(row.values.items()))]).encode()


_NO_ROWS = hashlib.sha256().hexdigest()
"""The digest of a table that an earlier run has dropped."""


async def _drop(storage: Storage, organization: str) -> None:
    for kind in KINDS:
        await storage.tables.drop(table(organization, kind))
    await storage.blobs.drop(container(organization))


def _name(own: OwnAccount) -> str:
    return f"the account {own.account}" if own.account else f"the account of the setting {own.setting}"
