"""How a command runs: with the app's settings, to an exit code, and so that it can be run again.

Results go to the standard output, progress and errors to the standard error.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from lib.catalogues.csv_rows import BrokenCatalogue
from lib.errors import Refusal
from lib.operations.logs import quiet_libraries
from lib.organizations.audit import Actor
from lib.organizations.registry import StoredOrganization
from lib.services import Services, build
from lib.settings import SettingsError, load_settings
from lib.storage import StorageError

OPERATOR = Actor(kind="administrator", name="python -m heed")
"""The one who acts, as the audit log names an operator."""

OrganizationName = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="the organization's id")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="tell what would be done, and change nothing")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask before something that cannot be undone")]


class ExitCode(IntEnum):
    """The outcome of a command."""

    DONE = 0
    FAILED = 1
    """Storage failed, or what the command is about is not there. What was begun goes on when it is run again."""

    WRONG_USE = 2
    """A setting or an argument is wrong. Nothing was done."""

    FOUND = 3
    """A check has found something that is still to be mended."""


class CommandError(Exception):
    """The command cannot be done; the text tells the operator why, and what to do."""

    def __init__(self, text: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(text)
        self.code = code


Work = Callable[[Services], Awaitable[ExitCode | None]]


def run_command(work: Work) -> None:
    """Do a command's work and end the command with its exit code; None stands for done."""
    quiet_libraries()
    raise typer.Exit(_exit_code(work))


def _exit_code(work: Work) -> ExitCode:
    try:
        return asyncio.run(_run(work)) or ExitCode.DONE
    except (SettingsError, BrokenCatalogue) as error:
        tell_error(str(error))
        return ExitCode.WRONG_USE
    except CommandError as error:
        tell_error(str(error))
        return error.code
    except Refusal as error:
        tell_error(str(error))
        return ExitCode.FAILED
    except StorageError as error:
        tell_error(f"Storage failed, so this is not finished; run it again: {error}")
        return ExitCode.FAILED


async def _run(work: Work) -> ExitCode | None:
    services = build(load_settings())
    try:
        return await work(services)
    finally:
        await services.close()


def open_private(path: Path | str) -> TextIO:
    """Open a text file for writing that its owner alone may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")


def tell(text: str) -> None:
    """Print a line of the result."""
    typer.echo(text)


def tell_error(text: str) -> None:
    """Print a line for the operator that is no result."""
    typer.echo(text, err=True)


def tell_model(model: BaseModel) -> None:
    """Print a model as JSON."""
    tell(model.model_dump_json(indent=2))


def tell_table(columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns' names: a drawn table on a terminal, else values with tabs between them."""
    console = Console()
    if not console.is_terminal:
        for row in (columns, *rows):
            tell("\t".join(str(value) for value in row))
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(value) for value in row))
    console.print(table)


class Counter:
    """A count on a progress bar."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def count(self, number: int = 1) -> None:
        """Count things that are done."""
        self._progress.advance(self._task, number)

    def tell_phase(self, title: str, total: int | None = None) -> None:
        """Begin counting anew, under another title."""
        self._progress.reset(self._task, total=total, description=title)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Counter]:
    """Show a progress bar while the block runs, where someone looks."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield Counter(shown, title, total)


async def load_known(services: Services, organization: str) -> tuple[StoredOrganization, str]:
    """Load the organization with its etag. Raises CommandError where there is none, StorageError."""
    found = await services.organizations.load_organization(organization)
    if found is None:
        raise CommandError(f"There is no organization {organization}.")
    return found


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be undone. Raises CommandError where the answer is no."""
    if not yes and not typer.confirm(question, err=True):
        raise CommandError("Nothing was done.")
