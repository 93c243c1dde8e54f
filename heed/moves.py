"""`move`: an organization to a storage account of its own, while it is in use."""

from __future__ import annotations

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
    progress,
    read_account,
    run_command,
    tell,
    tell_error,
)
from lib.services import Services
from lib.storage.accounts import OwnAccount


def move_organization(
    organization: OrganizationName,
    account: OwnAccountName = None,
    setting: OwnAccountSetting = None,
    kind: OwnKinds = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="give up a move that has not changed over yet")] = False,
    dry_run: DryRun = False,
) -> None:
    """Move an organization to a storage account of its own. It goes on working; run it again after an interruption."""

    async def move(services: Services) -> None:
        if cancel == bool(account or setting or kind):
            raise CommandError("Give one of --account, --setting and --cancel.", ExitCode.WRONG_USE)
        to = read_account(account, setting, kind)
        if to is None:
            await _cancel(services, organization, dry_run=dry_run)
        else:
            await _move(services, organization, to, dry_run=dry_run)

    run_command(move)


async def _move(services: Services, organization: str, to: OwnAccount, *, dry_run: bool) -> None:
    stored = await services.move.check_move(organization, to)
    if dry_run:
        phase = stored.moving.phase if stored.moving else "copying"
        tell(f"{organization} would move to {to}, from the phase {phase} on.")
        return
    if stored.moving is not None:
        tell_error(f"This goes on with the move in the phase {stored.moving.phase}. A run that is still at it stops.")
    with progress(f"{organization}: copying") as counter:

        def told(what: str, number: int) -> None:
            if number:
                counter.count(number)
            else:
                counter.tell_phase(f"{organization}: {what}")

        await services.move.move_organization(organization, to, told)
    await services.audit.note(organization, OPERATOR, "organization.moved", organization)
    tell(f"{organization} is in {to}, and its old account holds nothing of it.")


async def _cancel(services: Services, organization: str, *, dry_run: bool) -> None:
    stored, _ = await load_known(services, organization)
    if stored.moving is None:
        raise CommandError(f"{organization} is not on its way.")
    if not dry_run:
        await services.move.cancel_move(organization)
        await services.audit.note(organization, OPERATOR, "organization.move_cancelled", organization)
    tell(f"{organization} {'would stay' if dry_run else 'stays'} where it is.")
