"""`token-keys`: rotation of the keys that seal links, in steps that break none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

from heed.running import CommandError, DryRun, ExitCode, progress, run_command, tell, tell_error
from lib.errors import NotAllowed
from lib.operations.token_keys import with_key_first, with_new_key, without_key
from lib.services import Services
from lib.tokens import Resealed

commands = typer.Typer(
    help="Rotation of the keys that seal links: add, promote, reseal, retire. Each step but `reseal` prints the next "
    "value of HEED_TOKEN_KEYS, which is to be set before the next step.",
    no_args_is_help=True,
)

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="the key's id, two of a-z0-9")]

_SETTING = "HEED_TOKEN_KEYS"


@commands.command("add")
def add_key(key: KeyId) -> None:
    """Print the ring with a new key at its end: every instance can open what the key will seal."""
    _print_ring(with_new_key, key)


@commands.command("promote")
def promote_key(key: KeyId) -> None:
    """Print the ring with this key at its front: it seals from then on."""
    _print_ring(with_key_first, key)


@commands.command("retire")
def retire_key(key: KeyId) -> None:
    """Print the ring without a key, unless something stored is still sealed with another key than the first."""

    async def retire(services: Services) -> ExitCode:
        done = await _reseal(services, write=False)
        if done.sealed_anew:
            tell_error(f"{done.sealed_anew} stored texts are sealed with old keys: run `token-keys reseal` first.")
            return ExitCode.FOUND
        tell(_next_ring(without_key, key))
        return ExitCode.DONE

    run_command(retire)


@commands.command("reseal")
def reseal_stored(dry_run: DryRun = False) -> None:
    """Seal with the first key what is stored sealed: secrets of webhooks, addresses of chat channels."""

    async def reseal(services: Services) -> ExitCode:
        done = await _reseal(services, write=not dry_run)
        said = "would be sealed" if dry_run else "were sealed"
        tell(f"{done.sealed_anew} stored texts {said} with the key {services.ring.active}, {done.as_they_were} had it.")
        if done.unreadable:
            tell_error(f"{done.unreadable} stored texts cannot be opened: their key is not on the ring.")
            return ExitCode.FOUND
        return ExitCode.DONE

    run_command(reseal)


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
