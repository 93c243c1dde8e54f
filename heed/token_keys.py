"""`token-keys`: rotation of the keys that seal links, in steps that break none."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from heed.running import CommandError, DryRun, ExitCode, progress, run_command, tell, tell_error, tell_table
from lib.clock import rfc3339
from lib.errors import NotAllowed
from lib.operations.instances import COUNTED, Instance, lacking, sealing, tell_parts
from lib.operations.token_keys import with_key_first, with_new_key, without_key
from lib.services import Services
from lib.tokens import Resealed

commands = typer.Typer(
    help="Rotation of the keys that seal links: add, promote, reseal, retire. Each step but `reseal` prints the next "
    "value of HEED_TOKEN_KEYS, which is to be set before the next step.",
    no_args_is_help=True,
)

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="the key's id, two of a-z0-9")]

Unchecked = Annotated[
    bool, typer.Option("--unchecked", help="do not ask which keys the app's instances have, as where none can run")
]

_MOST_NAMED = 5
_SETTING = "HEED_TOKEN_KEYS"


@commands.command("add")
def add_key(key: KeyId) -> None:
    """Print the ring with a new key at its end: every instance can open what the key will seal."""
    _print_ring(with_new_key, key)


@commands.command("promote")
def promote_key(key: KeyId, unchecked: Unchecked = False) -> None:
    """Print the ring with this key at its front, which seals from then on, if every instance has the key."""

    async def promote(services: Services) -> ExitCode:
        ring = _next_ring(with_key_first, key)
        if not unchecked and not await _all_have(services, key):
            return ExitCode.FOUND
        tell(ring)
        return ExitCode.DONE

    run_command(promote)


@commands.command("retire")
def retire_key(key: KeyId, unchecked: Unchecked = False) -> None:
    """Print the ring without a key, unless an instance seals with it, or something stored is sealed with an old key."""

    async def retire(services: Services) -> ExitCode:
        ring = _next_ring(without_key, key)
        if not unchecked and not await _none_seals(services, key):
            return ExitCode.FOUND
        done = await _reseal(services, write=False)
        if done.sealed_anew:
            tell_error(f"{done.sealed_anew} stored texts are sealed with old keys: run `token-keys reseal` first.")
            return ExitCode.FOUND
        tell(ring)
        return ExitCode.DONE

    run_command(retire)


@commands.command("reseal")
def reseal_stored(dry_run: DryRun = False, unchecked: Unchecked = False) -> None:
    """Seal with the first key what is stored sealed: secrets of webhooks, addresses of chat channels."""

    async def reseal(services: Services) -> ExitCode:
        if not dry_run and not unchecked and not await _all_have(services, services.ring.active):
            return ExitCode.FOUND
        done = await _reseal(services, write=not dry_run)
        said = "would be sealed" if dry_run else "were sealed"
        tell(f"{done.sealed_anew} stored texts {said} with the key {services.ring.active}, {done.as_they_were} had it.")
        if done.unreadable:
            tell_error(f"{done.unreadable} stored texts cannot be opened: their key is not on the ring.")
            return ExitCode.FOUND
        return ExitCode.DONE

    run_command(reseal)


@commands.command("instances")
def list_instances() -> None:
    """List the instances that were seen of late, with the ids of their token keys; the first one seals."""

    async def list_them(services: Services) -> None:
        seen = await services.instances.list_seen()
        rows = [(each.name, each.part, ", ".join(each.token_keys), rfc3339(each.seen_at)) for each in seen]
        tell_table(["instance", "part", "token keys", "seen"], rows)

    run_command(list_them)


async def _all_have(services: Services, key: str) -> bool:
    """Tell how many instances have the key, and whether these are all."""
    seen = await services.instances.list_seen()
    without = lacking(seen, key)
    return _tell_instances(seen, without, f"have the key {key}", "lack it")


async def _none_seals(services: Services, key: str) -> bool:
    """Tell how many instances seal with another key, and whether these are all."""
    seen = await services.instances.list_seen()
    return _tell_instances(seen, sealing(seen, key), f"seal with another key than {key}", "still seal with it")


def _tell_instances(seen: Sequence[Instance], wrong: Sequence[Instance], what: str, otherwise: str) -> bool:
    minutes = COUNTED.seconds // 60
    if not seen:
        tell_error(
            f"No instance of the app was seen in the last {minutes} minutes, so none is known to {what}. Call the app, "
            "wait ten seconds, and try again; `--unchecked` goes on without."
        )
        return False
    parts = f" ({tell_parts(seen)})"
    tell_error(f"{len(seen) - len(wrong)} of {len(seen)} instances seen in the last {minutes} minutes{parts} {what}.")
    if wrong:
        named = ", ".join(f"{each.name} ({each.part}, seen {rfc3339(each.seen_at)})" for each in wrong[:_MOST_NAMED])
        more = f" and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        tell_error(
            f"These {otherwise}: {named}{more}. One that is gone counts for {minutes} minutes: try again then. Restart "
            "one that stays; `--unchecked` goes on all the same."
        )
    return not wrong


async def _reseal(services: Services, *, write: bool) -> Resealed:
    done = Resealed()
    with progress("organizations") as counter:
        async for _, outcome in services.resealing.reseal_all(write=write):
            done += outcome
            counter.count()
    return done


def _print_ring(step: Callable[[str, str], str], key: str) -> None:
    async def print_next(services: Services) -> None:  # noqa: ARG001 - the settings were checked with them
        tell(_next_ring(step, key))

    run_command(print_next)


def _next_ring(step: Callable[[str, str], str], key: str) -> str:
    try:
        return step(os.environ[_SETTING], key)
    except (NotAllowed, ValueError) as error:
        raise CommandError(str(error), ExitCode.WRONG_USE) from None
