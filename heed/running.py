"""How a command runs: with the app's settings, to an exit code, and so that it can be run again.

Results go to the standard output, progress and errors to the standard error.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lib.catalogues.csv_rows import BrokenCatalogue
from lib.errors import Refusal
from lib.operations.logs import quiet_libraries
from lib.organizations.audit import Actor
from lib.organizations.registry import StoredOrganization
from lib.services import Services, build
from lib.settings import SettingsError, load_settings
from lib.storage import StorageError
from lib.storage.accounts import SETTING_PREFIX, NamedAccount, OwnAccount
from lib.storage.documents import UnreadableRow
from lib.storage.layout import BLOBS, KINDS

OPERATOR = Actor(kind="administrator", name="python -m heed")
"""The one who acts, as the audit log names an operator."""

_OPEN_TO_OWNER = 0o600

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but for tabs and line feeds: in names and in files of others they could steer a terminal."""

_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"

OrganizationName = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="the organization's id")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="tell what would be done, and change nothing")]
OwnAccountName = Annotated[
    str | None, typer.Option("--account", help="a storage account of its own, which the app's identity enters")
]
OwnAccountSetting = Annotated[
    str | None,
    typer.Option(
        "--setting", help=f"the app's setting {SETTING_PREFIX}… with the connection string of such an account"
    ),
]
OwnKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="KIND=ACCOUNT",
        help=f"a further account, or its setting {SETTING_PREFIX}…, for a kind of tables ({', '.join(KINDS)}) or for "
        f"{BLOBS}; may be given again",
    ),
]
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
    except (typer.Abort, KeyboardInterrupt):
        tell_error("It was ended before it was finished. What was begun goes on when it is run again.")
        return ExitCode.FAILED
    except Exception as error:
        text, code = _explain(error)
        tell_error(text)
        return code


def _explain(error: Exception) -> tuple[str, ExitCode]:
    """What an operator is told of an error, and the exit code."""
    match error:
        case SettingsError() | BrokenCatalogue():
            return str(error), ExitCode.WRONG_USE
        case CommandError():
            return str(error), error.code
        case Refusal():
            return str(error) or "It was changed at the same time: run the command again.", ExitCode.FAILED
        case StorageError():
            return f"Storage failed, so this is not finished; run it again: {error}", ExitCode.FAILED
        case UnreadableRow():
            return f"This is not finished: {error}. `check` tells where.", ExitCode.FAILED
        case OSError():
            return f"{error.filename or 'It failed'}: {error.strerror or type(error).__name__}", ExitCode.FAILED
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
    return (
        f"This is not finished, by a fault of Heed's: {place}. Running it again does no harm.",
        ExitCode.FAILED,
    )


async def _run(work: Work) -> ExitCode | None:
    services = build(load_settings())
    try:
        return await work(services)
    finally:
        await services.close()


def open_private(path: Path | str) -> TextIO:
    """Open a text file for writing that its owner alone may read, one that was there included. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, _OPEN_TO_OWNER)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, _OPEN_TO_OWNER)
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "w", encoding="utf-8")


def tell(text: str) -> None:
    """Print a line of the result."""
    typer.echo(_CONTROL.sub(_UNPRINTABLE, text))


def tell_error(text: str) -> None:
    """Print a line for the operator that is no result."""
    typer.echo(_CONTROL.sub(_UNPRINTABLE, text), err=True)


def tell_model(model: BaseModel) -> None:
    """Print a model as JSON."""
    tell(model.model_dump_json(indent=2))


def tell_table(columns: list[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns' names: a drawn table on a terminal, else values with tabs between them."""
    console = Console()
    if not console.is_terminal:
        for row in (columns, *rows):
            tell("\t".join(map(_cell, row)))
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))  # as a plain string it could hold rich's markup
    console.print(table)


def _cell(value: object) -> str:
    return _CONTROL.sub(_UNPRINTABLE, " ".join(str(value).splitlines()).replace("\t", " "))


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


def chosen(only: Sequence[str] | None, names: Sequence[str]) -> list[str]:
    """Those of the names that were chosen; all where none was. Raises CommandError for one that is not among them."""
    if unknown := set(only or ()) - set(names):
        text = f"There is no {', '.join(sorted(unknown))}; there are {', '.join(names)}."
        raise CommandError(text, ExitCode.WRONG_USE)
    return [name for name in names if not only or name in only]


def read_account(account: str | None, setting: str | None, kinds: Sequence[str] | None) -> OwnAccount | None:
    """Read an own storage account from options; None where there is none. Raises CommandError.

    What was typed is not repeated: it may be a connection string that was given by mistake.
    """
    if account is None and setting is None and not kinds:
        return None
    if (account is None) == (setting is None):
        raise CommandError("Give one of --account and --setting.", ExitCode.WRONG_USE)
    first = _read_named(account=account) if account is not None else _read_named(setting=setting)
    further: dict[str, NamedAccount] = {}
    for option in kinds or ():
        kind, _, name = option.partition("=")
        if kind not in (*KINDS, BLOBS):
            known = ", ".join((*KINDS, BLOBS))
            text = f"--kind names a kind and its account, such as facts=acmefacts; kinds are {known}."
            raise CommandError(text, ExitCode.WRONG_USE)
        is_setting = name.startswith(SETTING_PREFIX)
        further[kind] = _read_named(setting=name) if is_setting else _read_named(account=name)
    return OwnAccount.model_validate({**first.model_dump(), "kinds": further})


def _read_named(*, account: str | None = None, setting: str | None = None) -> NamedAccount:
    try:
        return NamedAccount(account=account, setting=setting)
    except ValidationError:
        names = "The name of an account has 3 to 24 of a-z0-9."
        if setting is not None:
            names = f"The name of such a setting is {SETTING_PREFIX} with up to 80 of A-Z0-9_ after it."
        raise CommandError(names, ExitCode.WRONG_USE) from None


def explain_fields(error: ValidationError) -> str:
    """A sentence about each wrong field, without the values."""
    wrong = [
        (".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, "))
        for each in error.errors(include_input=False)
    ]
    return "; ".join(f"{name}: {text}" if name else text for name, text in wrong)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be undone. Raises CommandError where the answer is no or missing."""
    try:
        if yes or typer.confirm(question, err=True):
            return
    except typer.Abort:
        tell_error("")  # the question has no line end
    raise CommandError("Nothing was done. Where nobody can answer, give --yes.")
