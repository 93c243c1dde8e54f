"""`check`: what is derived held against what it is derived from, with repair."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from heed.running import (
    OPERATOR,
    ExitCode,
    OrganizationName,
    chosen,
    load_known,
    progress,
    run_command,
    tell,
    tell_error,
)
from lib.operations.inconsistencies import ConsistencyCheck
from lib.services import Services

_SHOWN = 20
"""Findings of each part that are told one by one."""


def check_organization(
    organization: OrganizationName,
    repair: Annotated[bool, typer.Option("--repair", help="mend what is found")] = False,
    only: Annotated[list[str] | None, typer.Option(help="due, lists, records or evidence; may be given again")] = None,
) -> None:
    """Hold due index, lists, records and evidence against messages, facts and retention. The app may run meanwhile."""

    async def check(services: Services) -> ExitCode:
        parts = chosen(only, [part.name for part in services.consistency_checks])
        await load_known(services, organization)
        counts, mended = Counter[str](), Counter[str]()
        for part in services.consistency_checks:
            if part.name in parts:
                counts[part.name], mended[part.name] = await _check(part, organization, repair=repair)
        tell(", ".join(f"{name}: {count}" for name, count in counts.items()))
        if mended.total():
            details = {name: count for name, count in mended.items() if count}
            await services.audit.note(organization, OPERATOR, "consistency.repaired", details=details)
            tell(f"{mended.total()} findings were mended.")
        left = counts.total() - mended.total()
        if left and repair:
            tell_error(f"{left} findings could not be mended.")
        return ExitCode.FOUND if left else ExitCode.DONE

    run_command(check)


async def _check(part: ConsistencyCheck, organization: str, *, repair: bool) -> tuple[int, int]:
    """Look at one part; return the numbers of findings and of those that were mended."""
    count = mended = 0
    with progress(f"{organization}: {part.name}, findings") as counter:
        async for finding in part.find(organization):
            count += 1
            counter.count()
            if count <= _SHOWN:
                tell(f"{finding.about}: {finding.item}: {finding.text}")
            if repair:
                mended += await finding.repair()
    return count, mended
