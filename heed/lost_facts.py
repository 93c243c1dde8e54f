"""`replay-log`: facts that only the log holds, taken back from exported logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from heed.running import OPERATOR, DryRun, progress, run_command, tell
from lib.operations.lost_facts import find_lost_facts, replay_lost_facts
from lib.services import Services


def replay_log(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="exported logs, as they are")],
    dry_run: DryRun = False,
) -> None:
    """Take back the facts that only the log holds, from a time without storage. Again is the same."""

    async def replay(services: Services) -> None:
        lost = find_lost_facts(_lines(files))
        for organization, facts in lost.by_organization.items():
            tell(f"{organization}: {len(facts)} facts")
        if lost.unreadable:
            tell(f"{lost.unreadable} lines hold no readable fact.")
        if dry_run:
            return
        with progress("facts", lost.number) as counter:
            await replay_lost_facts(services.storage.queues, lost, counter.count)
        for organization, facts in lost.by_organization.items():
            await services.audit.note(organization, OPERATOR, "facts.replayed", details={"facts": len(facts)})
        tell(f"{lost.number} facts were handed to the assessor.")

    run_command(replay)


def _lines(files: Sequence[Path]) -> Iterator[str]:
    """Read the lines of all files. Nothing but a line feed ends a line: agents hold other separators."""
    for path in files:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            yield from file
