"""A command of an operator: it runs with the app's settings, says in one line what is wrong, and can be run again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from lib.services import Services, build
from lib.settings import SettingsError, load_settings
from lib.storage import StorageError


def run_command(work: Callable[[Services], Awaitable[int]]) -> int:
    """Run the command's work; return its exit code, 1 for failed storage, 2 for a wrong setting."""
    try:
        return asyncio.run(_run(work))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


async def _run(work: Callable[[Services], Awaitable[int]]) -> int:
    services = build(load_settings())
    try:
        return await work(services)
    except StorageError as error:
        print(f"Storage failed, so this is not finished; run it again: {error}", file=sys.stderr)
        return 1
    finally:
        await services.close()


async def is_known(services: Services, organization: str) -> bool:
    """Whether there is such an organization; says so where there is none. Raises StorageError."""
    if await services.organizations.load_organization(organization) is not None:
        return True
    print(f"There is no organization {organization}.", file=sys.stderr)
    return False
