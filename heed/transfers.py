"""`export` and `import`: people and templates as JSON lines."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from heed.running import (
    OPERATOR,
    CommandError,
    DryRun,
    ExitCode,
    OrganizationName,
    load_known,
    open_private,
    progress,
    run_command,
    tell,
    tell_error,
)
from lib.operations.transfer import KINDS, LineKind, WrongLine
from lib.services import Services

_SHOWN = 20
"""Wrong lines that are told one by one."""


def export_organization(
    organization: OrganizationName,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="the file to write")],
    only: Annotated[list[str] | None, typer.Option(help=f"{', '.join(KINDS)}; may be given again")] = None,
    dry_run: DryRun = False,
) -> None:
    """Write users, records, templates, consents and messages as JSON lines."""

    async def export(services: Services) -> None:
        await load_known(services, organization)
        kinds = _chosen(only)
        part, counts = file.with_name(f"{file.name}.part"), Counter[str]()
        with (
            open_private(os.devnull if dry_run else part) as lines,
            progress(f"{organization}: lines") as counter,
        ):
            for kind in kinds:
                async for line in services.transfer.export_lines(organization, (kind,)):
                    lines.write(f"{line}\n")
                    counts[kind] += 1
                    counter.count()
        tell(", ".join(f"{kind}: {counts[kind]}" for kind in kinds))
        if not dry_run:
            os.replace(part, file)
            await services.audit.note(organization, OPERATOR, "data.exported", details=dict(counts))

    run_command(export)


def _chosen(only: list[str] | None) -> tuple[LineKind, ...]:
    if unknown := set(only or ()) - set(KINDS):
        text = f"There is no {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}."
        raise CommandError(text, ExitCode.WRONG_USE)
    return tuple(kind for kind in KINDS if not only or kind in only)


def import_organization(
    organization: OrganizationName,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, as `export` writes them")],
    dry_run: DryRun = False,
) -> None:
    """Take users, records, templates and consents from JSON lines. Again is the same; wrong lines are told."""

    async def take(services: Services) -> ExitCode:
        await load_known(services, organization)
        counts, wrong = Counter[str](), 0
        with file.open(encoding="utf-8", newline="\n") as lines, progress(f"{organization}: lines") as counter:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                counter.count()
                try:
                    counts[await services.transfer.import_line(organization, line, write=not dry_run)] += 1
                except WrongLine as error:
                    wrong += 1
                    if wrong <= _SHOWN:
                        tell_error(f"line {number}: {error}")
        passed_over = counts.pop("message", 0)
        tell(", ".join(f"{kind}: {count}" for kind, count in counts.items()) or "nothing")
        if passed_over:
            tell(f"{passed_over} messages were passed over: they come from mail alone.")
        if counts and not dry_run:
            await services.audit.note(organization, OPERATOR, "data.imported", details=dict(counts))
        return ExitCode.FOUND if wrong else ExitCode.DONE

    run_command(take)
