"""`export` and `import`: people and templates as JSON lines."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

import typer

from heed.running import (
    OPERATOR,
    DryRun,
    ExitCode,
    OrganizationName,
    chosen,
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

    async def export(services: Services) -> ExitCode:
        await load_known(services, organization)
        kinds = cast(list[LineKind], chosen(only, KINDS))
        part, counts, unreadable = file.with_name(f"{file.name}.part"), Counter[str](), 0

        def tell_unreadable() -> None:
            nonlocal unreadable
            unreadable += 1

        with (
            open_private(os.devnull if dry_run else part) as lines,
            progress(f"{organization}: lines") as counter,
        ):
            for kind in kinds:
                async for line in services.transfer.export_lines(organization, (kind,), tell_unreadable):
                    lines.write(f"{line}\n")
                    counts[kind] += 1
                    counter.count()
        tell(", ".join(f"{kind}: {counts[kind]}" for kind in kinds))
        if not dry_run:
            os.replace(part, file)
            await services.audit.note(organization, OPERATOR, "data.exported", details=dict(counts))
        if unreadable:
            tell_error(f"{unreadable} others cannot be read, and are left out.")
        return ExitCode.FOUND if unreadable else ExitCode.DONE

    run_command(export)


def import_organization(
    organization: OrganizationName,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, as `export` writes them")],
    dry_run: DryRun = False,
) -> None:
    """Take users, records, templates and consents from JSON lines. Again is the same; wrong lines are told."""

    async def take(services: Services) -> ExitCode:
        await load_known(services, organization)
        counts = _Counts()
        try:
            # What is no UTF-8 makes its line wrong, and no other.
            with file.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
                await _import(services, organization, lines, counts, dry_run=dry_run)
        finally:
            if counts.taken and not dry_run:  # also where it is cut off
                await services.audit.note(organization, OPERATOR, "data.imported", details=dict(counts.taken))
        tell(", ".join(f"{kind}: {count}" for kind, count in counts.taken.items()) or "No line was taken.")
        if counts.wrong > _SHOWN:
            tell_error(f"{counts.wrong - _SHOWN} more lines are wrong.")
        if counts.passed_over:
            tell(f"{counts.passed_over} messages were passed over: they come from mail alone.")
        if counts.kept:
            tell_error(f"{counts.kept} lines say yes where a no was said here; the no was kept.")
        return ExitCode.FOUND if counts.wrong or counts.kept else ExitCode.DONE

    run_command(take)


@dataclass(slots=True)
class _Counts:
    """What became of the lines."""

    taken: Counter[str] = field(default_factory=Counter)
    passed_over: int = 0
    wrong: int = 0
    kept: int = 0
    """Lines with a yes where a no stays."""


async def _import(
    services: Services, organization: str, lines: Iterable[str], counts: _Counts, *, dry_run: bool
) -> None:
    with progress(f"{organization}: lines") as counter:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            counter.count()
            try:
                taken = await services.transfer.import_line(organization, line, write=not dry_run)
            except WrongLine as error:
                counts.wrong += 1
                if counts.wrong <= _SHOWN:
                    tell_error(f"line {number}: {error}")
                continue
            if taken.kind == "message":
                counts.passed_over += 1
                continue
            counts.taken[taken.kind] += 1
            if taken.keeps_no:
                counts.kept += 1
                if counts.kept <= _SHOWN:
                    tell_error(f"line {number}: {taken.kind}: a no was said here, and stays")
            if taken.opted is not None and not dry_run:
                details = {"opt_in": taken.opted.opt_in}
                await services.audit.note(organization, OPERATOR, "user.opt_in", taken.opted.user, details)
