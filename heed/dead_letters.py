"""`dead-letters`: messages that failed every time: list them, put them back on their queue."""

from __future__ import annotations

from typing import Annotated

import typer

from heed.running import CommandError, DryRun, ExitCode, run_command, tell, tell_error, tell_table
from lib.operations.dead_letters import count_dead_letters, dead_letter_kind
from lib.services import Services
from lib.storage.layout import QUEUES

commands = typer.Typer(help="Messages of queues that failed every time: list, replay.", no_args_is_help=True)


@commands.command("list")
def list_dead_letters() -> None:
    """List dead letters, without what they say: the first 32 of a storage queue, 100 of Service Bus."""

    async def list_all(services: Services) -> None:
        dead_letters = services.storage.queues.dead_letters
        rows: list[list[object]] = []
        for queue in QUEUES:
            for each in await dead_letters.peek(queue):
                rows.append([queue, each.id, dead_letter_kind(queue, each.body), each.tries or "", each.since])
        tell_table(["queue", "id", "kind", "tries", "since"], rows)
        counts = await count_dead_letters(dead_letters)
        tell(", ".join(f"{queue}: {count}" for queue, count in counts.items()))

    run_command(list_all)


@commands.command("replay")
def replay_dead_letters(
    queue: Annotated[str, typer.Argument(metavar="QUEUE", help=", ".join(QUEUES))],
    ids: Annotated[list[str] | None, typer.Option("--id", help="one of them alone; may be given again")] = None,
    dry_run: DryRun = False,
) -> None:
    """Put dead letters back on their queue, when the cause is mended."""

    async def replay(services: Services) -> ExitCode:
        if queue not in QUEUES:
            raise CommandError(f"There is no queue {queue}; there are {', '.join(QUEUES)}.", ExitCode.WRONG_USE)
        dead_letters = services.storage.queues.dead_letters
        if dry_run:
            seen = {each.id for each in await dead_letters.peek(queue)} if ids else set()
            count = len(seen.intersection(ids)) if ids else await dead_letters.count(queue)
            tell(f"{count} messages would go back on the queue {queue}.")
            return _tell_missing(ids, count)
        replayed = await dead_letters.replay(queue, ids or None)
        services.audit.note_of_deployment("dead_letters.replayed", {"queue": queue, "replayed": replayed})
        tell(f"{replayed} messages are back on the queue {queue}.")
        return _tell_missing(ids, replayed)

    run_command(replay)


def _tell_missing(ids: list[str] | None, found: int) -> ExitCode:
    missing = len(set(ids or ())) - found
    if missing <= 0:
        return ExitCode.DONE
    tell_error(f"{missing} of those ids are not there: the list shows which are.")
    return ExitCode.FAILED
