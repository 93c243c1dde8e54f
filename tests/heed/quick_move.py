"""A move without its waits, as a process of its own: no other process goes by what it has read before."""

from __future__ import annotations

import asyncio
import sys

from lib.operations.move import Move
from lib.services import build
from lib.settings import load_settings
from lib.storage.accounts import OwnAccount


async def main(organization: str, setting: str) -> None:
    services = build(load_settings())
    move = Move(services.storage, services.organizations, lambda _: asyncio.sleep(0))
    await move.move_organization(organization, OwnAccount(setting=setting))
    await services.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
