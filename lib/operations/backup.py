"""Backup of one organization: its tables and blobs in a file, without keys and secrets.

What is not in it: API keys; the secret by which addresses are hashed, which can be kept apart; secrets of webhooks and
addresses of chat channels, sealed though they are; kept answers to requests, which last a day; jobs with their results,
which lead to one address each.

An organization that is in use changes meanwhile, so a backup is of no single moment. A check with repair after the
restore brings its parts together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from lib.clock import Clock
from lib.errors import NotFound
from lib.ids import new_id
from lib.operations.backup_file import BackupWriter, Manifest, secret_mark
from lib.organizations.registry import Organizations
from lib.people.alert_choices import ALERTS, StoredAlerts
from lib.storage import Missing, Row, Storage
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import FEED, KINDS, PRIVACY, container, table
from lib.storage.protocols import EVERYTHING
from lib.storage.retry import retry_on_conflict
from lib.webhooks.models import StoredWebhook
from lib.webhooks.store import WEBHOOK_ROWS
from lib.webhooks.waking import SUBSCRIPTIONS

NOT_BACKED_UP = frozenset({"requests"})
"""Kinds of tables that are no part of a backup."""

_ORDER = tuple(kind for kind in dict.fromkeys(("facts", *KINDS)) if kind not in NOT_BACKED_UP)
_JOBS = "job"
"""Partition of the jobs, whose rows hold sealed addresses."""

_LEFT_OUT_BLOBS = ("answers/", "jobs/")
"""Beginnings of blobs that belong to rows which are left out."""

_NEEDS_SECRET = "It was restored from a backup: make a new secret for it, and enable it."  # noqa: S105 - no password

LEFT_OUT = "unreadable rows"
"""Rows that a backup leaves out, as they cannot be read and may hold a secret."""

TellCount = Callable[[str, int], None]
"""Takes what was done: the kind of table, `blobs`, or another name of this module or of `restore`; and a number."""


class _OpenJob(BaseModel):
    """The row of a job, as far as a backup looks at it."""

    kind: str
    status: str
    subject: str


@dataclass(frozen=True, slots=True)
class Backup:
    """Makes backups."""

    storage: Storage
    organizations: Organizations
    clock: Clock

    async def write_backup(self, organization: str, path: Path, told: TellCount = lambda *_: None) -> Manifest:
        """Write the backup of an organization. A process that dies leaves no file of that name.

        Raises NotFound, Unavailable while the organization is being restored, Stale where a blob is
        replaced each time that it is read, StorageError, OSError.
        """
        found = await self.organizations.load_organization(organization)
        if found is None:
            raise NotFound(f"There is no organization {organization}.")
        found[0].check_open()
        secret = await self.organizations.load_address_secret(organization)
        manifest = Manifest(
            id=new_id(),
            organization=organization,
            name=found[0].name,
            created_at=found[0].created_at,
            settings=found[0].settings,
            started_at=self.clock.now(),
            secret_mark=secret_mark(secret) if secret else None,
            erasing=[hashed async for hashed in self._erasing(organization, told)],
        )
        with BackupWriter(path) as file:
            for kind in _ORDER:
                with file.open_table(kind) as writer:
                    async for row in self._rows(organization, kind, told):
                        writer.write_row(row)
                        told(kind, 1)
                manifest.rows[kind] = writer.rows
            await self._write_blobs(organization, file, told)
            file.write_manifest(manifest)
        return manifest.model_copy(update={"blobs": file.blobs})

    async def _erasing(self, organization: str, told: TellCount) -> AsyncIterator[str]:
        async for row in self.storage.tables.query(table(organization, PRIVACY), _JOBS):
            try:
                job = unpack(_OpenJob, row)
            except UnreadableRow:
                told(LEFT_OUT, 1)
                continue
            if job.kind == "erase" and job.status in ("waiting", "running"):
                yield job.subject

    async def _rows(self, organization: str, kind: str, told: TellCount) -> AsyncIterator[Row]:
        async for row in self.storage.tables.query(table(organization, kind), EVERYTHING):
            try:
                kept = without_secrets(kind, row)
            except UnreadableRow:  # its secrets cannot be taken out
                told(LEFT_OUT, 1)
                continue
            if kept is not None:
                yield kept

    async def _write_blobs(self, organization: str, file: BackupWriter, told: TellCount) -> None:
        async for name in self.storage.blobs.list_blobs(container(organization)):
            if name.startswith(_LEFT_OUT_BLOBS):
                continue
            with suppress(Missing):  # it was deleted meanwhile
                await retry_on_conflict("a blob", partial(self._write_blob, organization, name, file))
                told("blobs", 1)

    async def _write_blob(self, organization: str, name: str, file: BackupWriter) -> None:
        await file.write_blob(name, self.storage.blobs.read_pieces(container(organization), name))


def without_secrets(kind: str, row: Row) -> Row | None:
    """The row as it stands in a backup; None where it does not."""
    if kind == PRIVACY and row.partition == _JOBS:
        return None
    if kind == "people" and row.partition == ALERTS:
        choice = unpack(StoredAlerts, row).model_copy(update={"teams": None, "slack": None})
        return Row(row.partition, row.key, pack(choice))
    if kind == FEED and row.partition == SUBSCRIPTIONS and row.key.startswith(WEBHOOK_ROWS):
        update = {"secrets": [], "enabled": False, "disabled_because": _NEEDS_SECRET}
        return Row(row.partition, row.key, pack(unpack(StoredWebhook, row).model_copy(update=update)))
    return row
