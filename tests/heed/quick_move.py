"""A move without its waits, as a process of its own: no other process goes by what it has read before."""

from __future__ import annotations

import asyncio
import sys

from lib.operations.move import Move
from lib.services import build
from lib.settings import load_settings
from lib.storage import StorageError
from lib.storage.accounts import OwnAccount

STORAGE_FAILED = 75
"""Exit code of a run that is to be run again."""


async def main(organization: str, setting: str) -> int:
    services = build(load_settings())
    move = Move(services.storage, services.organizations, lambda _: asyncio.sleep(0))
    try:
        found = await services.organizations.load_organization(organization)
        assert found
        if found[0].moving or found[0].storage != OwnAccount(setting=setting):
            await move.move_organization(organization, OwnAccount(setting=setting))
        return 0
    except StorageError:
        return STORAGE_FAILED
    finally:
        await services.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
