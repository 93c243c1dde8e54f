"""Move of an organization to a storage account of its own, or to several, while it is in use.

Kinds of tables that are in the same account before and after stay as they are.

1. `copying`: the organization works as ever. Rows and blobs are copied, and again what has changed meanwhile, until
   little is left.
2. `closed`: the registry says that nothing is written. Callers that change something get 503, messages of queues wait,
   hits are taken by the queue, mail that is due waits; reads, pixels and links go on. When every process must have
   heard of it, what is left is copied, and every row and blob of both accounts is compared.
3. `settling`: the registry names the new account, and everything works there. When every process must have heard of
   that, and the last reading URL has ended, the old account is looked at once more: if nothing was written there since
   the comparison, its tables and blobs are deleted.

The phase is in the organization's row of the registry. A process that dies at any point leaves that phase, and another
run goes on with it. A run that fails in `closed` opens the organization again, in `copying`.

One run at a time works on the organization (`lib.operations.runs`). What a run that was stopped has still on its way
reaches the new account while the next one waits in `closed`, before that one compares.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from lib.errors import NotAllowed, NotFound, Refusal, Stale, WrongField
from lib.operations.blob_streams import are_same, checked_at_end
from lib.operations.row_streams import ChangeWriter, pair_rows, size_of
from lib.operations.runs import LONGEST_WRITE, Run
from lib.organizations.registry import Organizations, StoredOrganization
from lib.storage import Conflict, Delete, Missing, Row, Storage, StorageError, Upsert
from lib.storage.accounts import LASTS, Moving, OwnAccount, Routes
from lib.storage.layout import BLOBS, StorageKind, TableKind, container, table
from lib.storage.protocols import EVERYTHING

EVERYBODY_KNOWS = LASTS + LONGEST_WRITE
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


class _ChangedMeanwhile(Exception):
    """A blob of the source was replaced or deleted while it was read."""


@dataclass(slots=True)
class _Way:
    """The way from one account, or several, to the other."""

    run: Run
    source: Storage
    target: Storage
    moved: list[StorageKind]
    copied: dict[str, str] = field(default_factory=dict)
    """Versions of the source's blobs that this process knows to be the same in the target, by name."""

    @property
    def organization(self) -> str:
        return self.run.organization

    @property
    def tables(self) -> list[TableKind]:
        """Kinds of tables that move."""
        return [kind for kind in self.moved if kind != "blobs"]

    @property
    def has_blobs(self) -> bool:
        """Whether the blobs move."""
        return BLOBS in self.moved


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
        _check_way(stored, to)
        if stored.moving is None:
            await _check_empty(self._way(Run(self._organizations, organization), stored.storage, to), to)
        return stored

    async def move_organization(self, organization: str, to: OwnAccount, told: TellPhase = lambda *_: None) -> None:
        """Move the organization, or go on with its move, to the end. Another run that is still at it stops.

        Raises NotFound, NotAllowed, WrongField, NotTheSame, AnotherRun, Missing where the organization was deleted
        meanwhile, StorageError.
        """
        await self.check_move(organization, to)
        run = Run(self._organizations, organization)

        def begun(stored: StoredOrganization) -> StoredOrganization:
            _check_way(stored, to)
            moving = stored.moving or Moving(origin=stored.storage, to=to, phase="copying")
            return stored.model_copy(update={"moving": moving, "run": run.id})

        moving = (await self._organizations.update_row(organization, begun)).moving
        assert moving is not None
        way = self._way(run, moving.origin, to)
        if moving.phase == "copying":
            await self._copy(way, told)
            moving = await self._set_phase(run, moving.model_copy(update={"phase": "closed"}))
        if moving.phase == "closed":
            moving = await self._change_over_or_open(way, moving, told)
        await self._clear(way, moving, told)

    async def cancel_move(self, organization: str) -> None:
        """Give up a move that has not changed over: the organization stays where it is, and the copy is deleted.

        A run that is still at it stops. Again is the same. Raises NotAllowed, AnotherRun, Missing, StorageError.
        """
        run = Run(self._organizations, organization)

        def cancelled(stored: StoredOrganization) -> StoredOrganization:
            if stored.moving is None or stored.moving.phase == "settling":
                raise NotAllowed(f"{organization} has no move that can be given up.")
            moving = stored.moving.model_copy(update={"phase": "cancelled"})
            return stored.model_copy(update={"moving": moving, "run": run.id})

        moving = (await self._organizations.update_row(organization, cancelled)).moving
        assert moving is not None
        way = self._way(run, moving.origin, moving.to)
        await _drop(way, way.target)
        await run.update_row(_ended)

    def _way(self, run: Run, origin: OwnAccount | None, to: OwnAccount) -> _Way:
        """Open accounts beside the registry, which says whether they may be written. Raises WrongField."""
        routes: Routes | None = self._storage.routes
        if routes is None:
            raise WrongField(["storage"], "this deployment has no organizations with storage accounts of their own")
        name = run.organization
        try:
            source = routes.open_storage(name, origin) if origin else routes.shared
            return _Way(run, source, routes.open_storage(name, to), routes.kinds_elsewhere(name, origin, to))
        except ValueError as error:
            raise WrongField(["storage"], str(error)) from None

    async def _set_phase(self, run: Run, moving: Moving, **more: object) -> Moving:
        await run.update_row(lambda stored: stored.model_copy(update={"moving": moving, **more}))
        return moving

    async def _copy(self, way: _Way, told: TellPhase) -> None:
        """Copy until little is left."""
        for kind in way.tables:
            await way.run.check_own()
            await way.target.tables.create(table(way.organization, kind))
        if way.has_blobs:
            await way.target.blobs.create(container(way.organization))
        for number in range(1, _MOST_PASSES + 1):
            told(f"copying, pass {number}", 0)
            if await self._copy_once(way, told) <= _FEW:
                return

    async def _copy_once(self, way: _Way, told: TellPhase) -> int:
        """Bring the target to what the source holds; return how many rows and blobs were not so."""
        changed = sum([await _copy_rows(way, kind, told) for kind in way.tables])
        return changed + (await _copy_blobs(way, told) if way.has_blobs else 0)

    async def _change_over_or_open(self, way: _Way, moving: Moving, told: TellPhase) -> Moving:
        """Name the new account; where that fails, open the organization in the old one. Raises as `_change_over`."""
        try:
            return await self._change_over(way, moving, told)
        except BaseException:  # an operator who ends the command, too

            def opened(stored: StoredOrganization) -> StoredOrganization:
                if stored.moving is None or stored.moving.phase != "closed":
                    return stored  # the write that seemed to fail was done
                return stored.model_copy(update={"moving": stored.moving.model_copy(update={"phase": "copying"})})

            with suppress(Stale, StorageError):
                await way.run.update_row(opened)  # raises AnotherRun where that is the reason
            raise

    async def _change_over(self, way: _Way, moving: Moving, told: TellPhase) -> Moving:
        """Copy what is left, compare everything, and name the new account."""
        told("closed, until every process has heard of it", 0)
        await self._sleep(EVERYBODY_KNOWS)
        told("copying what is left", 0)
        await self._copy_once(way, told)
        told("comparing", 0)
        digests: dict[str, str] = {kind: await _compare_rows(way, kind, told) for kind in way.tables}
        if way.has_blobs:
            digests[BLOBS] = await _compare_blobs(way)
        settling = moving.model_copy(update={"phase": "settling", "digests": digests})
        return await self._set_phase(way.run, settling, storage=moving.to)

    async def _clear(self, way: _Way, moving: Moving, told: TellPhase) -> None:
        """Delete what the old account holds, once nothing can lead there any more, and if all of it was moved."""
        told("settling, until nothing leads to the old account", 0)
        await self._sleep(max(EVERYBODY_KNOWS, _LONGEST_URL))
        told("looking at the old account", 0)
        for kind in way.tables:
            if await _digest(way, kind) not in (moving.digests.get(kind), _NOTHING):
                raise NotTheSame(_written_late(f"table {table(way.organization, kind)}"))
        if way.has_blobs and _digest_of_blobs(await _source_blobs(way)) not in (moving.digests.get(BLOBS), _NOTHING):
            raise NotTheSame(_written_late(f"container {container(way.organization)}"))
        await _drop(way, way.source)
        await way.run.update_row(_ended)


def _check_way(stored: StoredOrganization, to: OwnAccount) -> None:
    """Raises NotAllowed where the organization cannot move there, or go on moving; Unavailable during a restore."""
    stored.check_open()
    moving = stored.moving
    if moving is not None and moving.phase == "cancelled":
        raise NotAllowed(f"The last move of {stored.id} was given up: end that first (--cancel).")
    if moving is not None and moving.to != to:
        raise NotAllowed(f"{stored.id} is on its way to {moving.to}: end that move first.")
    if moving is None and stored.storage == to:
        raise NotAllowed(f"{stored.id} is in {to} already.")


async def _check_empty(way: _Way, to: OwnAccount) -> None:
    """Raises NotAllowed where the target holds something of an organization of that name, or is the source itself."""
    if not way.moved:
        raise NotAllowed(f"{way.organization} is in {to} already, under another name.")
    for kind in way.tables:
        name = table(way.organization, kind)
        async for row in way.target.tables.query(name, EVERYTHING, limit=1):
            if await way.source.tables.read_row(name, row.partition, row.key) == row:  # the same version, too
                raise NotAllowed(f"{name} is in {to.account_of(kind).name} already, under another name.")
            raise NotAllowed(f"{to.account_of(kind).name} holds rows of {name}. Delete that table first.")
    if way.has_blobs:
        async for _ in way.target.blobs.list_blobs(container(way.organization)):
            account = to.account_of(BLOBS).name
            raise NotAllowed(f"{account} has blobs in {container(way.organization)}. Delete that container first.")


async def _drop(way: _Way, side: Storage) -> None:
    """Delete what moves, on one of the two sides."""
    for kind in way.tables:
        await way.run.check_own()
        await side.tables.drop(table(way.organization, kind))
    if way.has_blobs:
        await way.run.check_own()
        await side.blobs.drop(container(way.organization))


def _ended(stored: StoredOrganization) -> StoredOrganization:
    return stored.model_copy(update={"moving": None, "run": None})


def _written_late(what: str) -> str:
    return (
        f"The old account's {what} was written to after the comparison. Nothing is deleted; the organization works in "
        "the new account."
    )


async def _copy_rows(way: _Way, kind: str, told: TellPhase) -> int:
    name, changed = table(way.organization, kind), 0
    writer = ChangeWriter(way.target.tables, name, way.run.check_own)
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
    found = await _source_blobs(way)
    for blob, version in found.items():
        told("blobs", 1)
        if blob in there and way.copied.get(blob) == version:
            continue
        with suppress(_ChangedMeanwhile):  # the next pass copies it, or deletes the copy
            changed += await _copy_blob(way, blob, is_there=blob in there)
            way.copied[blob] = version
    for blob in sorted(there - found.keys()):
        await way.run.check_own()
        await way.target.blobs.delete_blob(name, blob)
        changed += 1
    return changed


async def _copy_blob(way: _Way, blob: str, *, is_there: bool) -> bool:
    """Copy a blob, unless the target has the same one; return whether it was copied. Raises _ChangedMeanwhile."""
    name = container(way.organization)
    if is_there and await are_same(_source_pieces(way, blob), way.target.blobs.read_pieces(name, blob)):
        return False
    pieces = checked_at_end(_source_pieces(way, blob), way.run.check_own)
    await way.target.blobs.put_pieces(name, blob, pieces, _BYTES)
    return True


async def _source_pieces(way: _Way, blob: str) -> AsyncIterator[bytes]:
    try:
        async for piece in way.source.blobs.read_pieces(container(way.organization), blob):
            yield piece
    except (Missing, Conflict) as error:
        raise _ChangedMeanwhile from error


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


async def _compare_blobs(way: _Way) -> str:
    """Compare the blobs of both accounts; return the digest of the source's.

    Raises NotTheSame where a blob is missing, or has changed since it was compared byte by byte.
    """
    found = await _source_blobs(way)
    there = [blob async for blob in way.target.blobs.list_blobs(container(way.organization))]
    if sorted(found) != sorted(there) or any(way.copied.get(blob) != version for blob, version in found.items()):
        raise NotTheSame("The blobs are not the same in both accounts: run the move again.")
    return _digest_of_blobs(found)


async def _source_blobs(way: _Way) -> dict[str, str]:
    """The versions of the source's blobs by name, in order."""
    return {name: version async for name, version in way.source.blobs.list_versions(container(way.organization))}


def _digest_of_blobs(versions: dict[str, str]) -> str:
    digest = hashlib.sha256()
    for each in versions.items():
        digest.update(json.dumps(each).encode())
    return digest.hexdigest()


async def _digest(way: _Way, kind: str) -> str:
    digest = hashlib.sha256()
    async for row in _source_rows(way, kind):
        digest.update(_line(row))
    return digest.hexdigest()


def _source_rows(way: _Way, kind: str) -> AsyncIterator[Row]:
    return way.source.tables.query(table(way.organization, kind), EVERYTHING)


def _line(row: Row) -> bytes:
    return json.dumps([row.partition, row.key, dict(sorted(row.values.items()))]).encode()


_NOTHING = hashlib.sha256().hexdigest()
"""The digest of a table, or a container, that an earlier run has dropped."""
