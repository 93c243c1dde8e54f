"""`backup` and `restore`: one organization in a file, and back."""

from __future__ import annotations

import re
from collections import Counter as Counts
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from heed.running import (
    OPERATOR,
    CommandError,
    DryRun,
    ExitCode,
    OrganizationName,
    OwnAccountName,
    OwnAccountSetting,
    OwnKinds,
    load_known,
    open_private,
    progress,
    read_account,
    run_command,
    tell,
    tell_error,
)
from lib.ids import ORGANIZATION
from lib.operations.backup import LEFT_OUT
from lib.operations.backup_file import BackupFile, BrokenBackup
from lib.operations.restore import ERASED, UNREADABLE, RestorePlan
from lib.services import Services
from lib.storage.accounts import OwnAccount

_SECRET = re.compile(r"[0-9a-f]{64}")


def backup_organization(
    organization: OrganizationName,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="the file to write")],
    secret_to: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="write the secret of the organization's addresses here; keep it apart from backups"
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Write tables and blobs of an organization into a file, without keys and secrets. The app may run meanwhile."""

    async def backup(services: Services) -> None:
        await load_known(services, organization)
        if secret_to is not None and secret_to.resolve() == file.resolve():
            raise CommandError("Backup and secret need a file each.", ExitCode.WRONG_USE)
        if dry_run:
            tell(f"Tables and blobs of {organization} would be written to {file}.")
            return
        if secret_to is not None:
            _write_secret(secret_to, await services.organizations.load_address_secret(organization))
        counts: Counts[str] = Counts()
        with progress(f"{organization}: rows and blobs") as counter:

            def told(what: str, number: int) -> None:
                counts[what] += number
                counter.count(number)

            manifest = await services.backup.write_backup(organization, file, told)
        await services.audit.note(organization, OPERATOR, "backup.written", manifest.id)
        tell(f"{sum(manifest.rows.values()):,} rows and {len(manifest.blobs):,} blobs of {organization} are in {file}.")
        if counts[LEFT_OUT]:
            tell_error(f"{counts[LEFT_OUT]} rows cannot be read and may hold a secret: they are left out.")

    run_command(backup)


def _write_secret(path: Path, secret: str | None) -> None:
    if secret is None:
        tell_error("The organization has no secret yet: its backup needs none.")
        return
    with open_private(path) as file:
        file.write(f"{secret}\n")


def restore_organization(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="the file of the backup")],
    organization: Annotated[
        str | None, typer.Option("--as", help="another id; the organization then begins without history")
    ] = None,
    secret_from: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="the file with the secret of the organization's addresses"),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="put the backup's data in place of what is there")] = False,
    without_history: Annotated[
        bool, typer.Option("--without-history", help="go on without the secret: name and settings alone")
    ] = False,
    account: OwnAccountName = None,
    setting: OwnAccountSetting = None,
    kind: OwnKinds = None,
    dry_run: DryRun = False,
) -> None:
    """Restore an organization from a backup. It is closed meanwhile; run it again after an interruption.

    Only one that is made anew can get a storage account of its own.
    """

    async def restore(services: Services) -> None:
        own, secret = read_account(account, setting, kind), _read_secret(secret_from)
        with closing(_open(file)) as backup:
            name = organization or backup.manifest.organization
            if ORGANIZATION.fullmatch(name) is None:
                raise CommandError("An id has 3 to 32 of a-z0-9 and starts with a letter.", ExitCode.WRONG_USE)
            plan = await services.restore.plan_restore(backup, name, secret, replace=replace)
            _tell_plan(plan, backup)
            is_chosen = without_history or name != backup.manifest.organization
            if not plan.with_history and not is_chosen:
                raise CommandError("Give the secret with --secret-from, or go on with --without-history.")
            if not dry_run:
                await _restore(services, backup, plan, secret, own)

    run_command(restore)


def _open(path: Path) -> BackupFile:
    try:
        backup = BackupFile(path)
        backup.check_whole()
    except BrokenBackup as error:
        raise CommandError(f"{error}. Nothing was changed.") from None
    return backup


def _read_secret(path: Path | None) -> str | None:
    """Raises CommandError where the file holds no secret; the text does not tell what it holds."""
    if path is None:
        return None
    secret = path.read_bytes().strip().decode("ascii", "replace")
    if _SECRET.fullmatch(secret) is None:
        raise CommandError(f"{path} holds no secret as `backup --secret-to` writes it.", ExitCode.WRONG_USE)
    return secret


def _tell_plan(plan: RestorePlan, backup: BackupFile) -> None:
    manifest = backup.manifest
    of = f"of {manifest.organization} of {manifest.started_at:%Y-%m-%d %H:%M} UTC"
    tell(f"The backup {of} is whole: {sum(manifest.rows.values()):,} rows, {len(manifest.blobs):,} blobs.")
    if not plan.with_history:
        tell(f"{plan.organization} begins with name and settings and without history: {plan.because}.")


async def _restore(
    services: Services, backup: BackupFile, plan: RestorePlan, secret: str | None, own: OwnAccount | None
) -> None:
    counts: Counts[str] = Counts()
    total = sum(backup.manifest.rows.values()) + len(backup.manifest.blobs)
    if plan.is_begun:
        tell_error("This goes on with a restore that was begun, in two minutes. A run that is still at it stops.")
    with progress(f"{plan.organization}: rows and blobs", total) as counter:

        def told(what: str, number: int) -> None:
            counts[what] += number
            counter.count(number)

        await services.restore.restore_backup(backup, plan, secret=secret, own=own, told=told)
    await services.audit.note(plan.organization, OPERATOR, "backup.restored", backup.manifest.id)
    if counts[ERASED]:
        tell(f"{counts[ERASED]} addresses that were erased since are erased again.")
    if counts[UNREADABLE]:
        tell_error(
            f"{counts[UNREADABLE]} rows cannot be read, and are as they were: `check {plan.organization}` names them."
        )
    tell(f"{plan.organization} is restored. A backup holds no keys: make some where there are none (`keys make`).")
