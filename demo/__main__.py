"""`python -m demo`: fill the Heed of `make run` with an organization that has three months behind it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from demo.cast import ORGANIZATION, ORGANIZATION_NAME
from demo.copying import copy_demo, local_account
from demo.letters import HISTORY
from demo.making import MAILS, make_demo
from demo.names import SELLERS
from demo.progress_bar import ProgressBar
from demo.running_api import NOT_RUNNING, RunningApi
from demo.stage import DemoError
from infra.local.child import ROOT
from infra.local.run import DEFAULT_DATA_DIR
from infra.local.running import RunningHeed, find_running
from lib.organizations.registry import NOT_MADE_AGAIN
from lib.storage.azure.tables import azure_storage, close_storage

_MOST_MAILS = 2000
_USER = SELLERS[0][0]


def main() -> int:
    """Make the demo, or say why not. Returns the exit code."""
    arguments = _parser().parse_args()
    # A doubtful mail, or a source without a network, is part of the play, and no news for the terminal.
    logging.getLogger("heed").setLevel(logging.ERROR)
    data_dir = ROOT / os.environ.get("HEED_DATA_DIR", DEFAULT_DATA_DIR)
    try:
        asyncio.run(_run(data_dir, arguments.mails, replace=arguments.replace))
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was broken off: Heed shows nothing of it.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description=(__doc__ or "").strip())
    parser.add_argument("--mails", type=_count, default=MAILS, help=f"mails of the 90 days; by default {MAILS}")
    parser.add_argument("--replace", action="store_true", help="make the demo anew where there is one")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_MAILS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {_MOST_MAILS}, not {text}")
    return int(text)


async def _run(data_dir: Path, mails: int, *, replace: bool) -> None:
    running = find_running(data_dir)
    if running is None:
        raise DemoError(NOT_RUNNING)
    account = local_account(running.storage)
    async with aiohttp.ClientSession() as session:
        api = RunningApi(session, running)
        deleted_at = None
        if await api.is_there():
            if not replace:
                await _say_what_is_there(api, running)
                return
            print("Deleting the demo that is there …", flush=True)
            await api.delete_organization()
            deleted_at = time.monotonic()
        now = datetime.now(UTC)
        played = ProgressBar("Playing 90 days")

        def show_day(at: datetime, sent: int) -> None:
            played.show(1 - (now - at) / HISTORY, f"{at:%-d %B}, {sent} mails")

        made = await make_demo(running.url, running.token_keys, now, show_day, mails=mails)
        played.end(f"{len(made.letters)} mails")
        written, rows = ProgressBar("Writing"), 0

        def show_rows(done: int, total: int) -> None:
            nonlocal rows
            rows = total
            written.show(done / total, f"{done:,} of {total:,} rows")

        async def wait() -> None:
            await _wait_until_forgotten(deleted_at)

        storage = azure_storage(account)
        try:
            await copy_demo(made.stage, storage, wait, show_rows)
        finally:
            await close_storage(storage)
            await made.stage.close()
        written.end(f"{rows:,} rows")
        await _say_where(api, running)


async def _wait_until_forgotten(deleted_at: float | None) -> None:
    """Wait until the running Heed remembers nothing of an organization that was deleted."""
    rest = 0.0 if deleted_at is None else deleted_at + NOT_MADE_AGAIN.total_seconds() - time.monotonic()
    if rest > 0:
        print(f"\nWaiting {rest:.0f} s until Heed has forgotten the demo that was deleted …", flush=True)
        await asyncio.sleep(rest)


async def _say_what_is_there(api: RunningApi, running: RunningHeed) -> None:
    key = await api.make_key("full")
    found = await api.read_contents(key)
    print(
        f"The demo is there already: {found.users} users, {found.contacts} contacts and {found.mails:,} mails, the "
        f"newest of {found.newest[:10]}. It stays as it is.\nTo make it anew, up to today: make demo replace=1"
    )
    await _say_where(api, running, key)


async def _say_where(api: RunningApi, running: RunningHeed, key: str | None = None) -> None:
    key = key or await api.make_key("full")
    print(f"Console:       {running.url}/console/")
    print(f"Organization:  {ORGANIZATION} ({ORGANIZATION_NAME})")
    print(f"Key:           {key}")
    print(f"User:          {_USER}, or any other of the twelve")
    print(f"For settings:  {await api.make_key('admin')}")


if __name__ == "__main__":
    sys.exit(main())
