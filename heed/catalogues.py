"""`catalogues update`: the deployment's own catalogues."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heed.running import CommandError, DryRun, ExitCode, run_command, tell, tell_table
from lib.operations.catalogue_update import update_catalogues
from lib.services import Services

commands = typer.Typer(help="The deployment's own catalogues: update.", no_args_is_help=True)


@commands.command("update")
def update(
    source: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="a folder with the new files")],
    into: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="the folder; by default HEED_CATALOGUES")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Check new catalogues together, and put them into the deployment's folder. Restart the app afterwards."""

    async def update_all(services: Services) -> None:
        folder = into or services.settings.catalogues
        if folder is None:
            raise CommandError("Name the folder with --into, or set HEED_CATALOGUES.", ExitCode.WRONG_USE)
        changes = update_catalogues(source, folder, write=not dry_run)
        columns = ["file", "lines added", "lines removed", "newest"]
        tell_table(columns, [[each.file, each.added, each.removed, each.newest] for each in changes])
        written = "Restart the app; `rejudge` applies them to what was judged before."
        tell("Nothing was written." if dry_run else written)

    run_command(update_all)
