"""A move without its waits, as a process of its own: no other process goes by what it has read before.

Arguments: the organization, the setting that names its account, and kinds in accounts of their own as `kind=SETTING`.
"""

from __future__ import annotations

import asyncio
import sys

from heed.running import read_account
from lib.operations.move import Move
from lib.services import build
from lib.settings import load_settings
from lib.storage import StorageError

STORAGE_FAILED = 75
"""Exit code of a run that is to be run again."""


async def main(organization: str, setting: str, *kinds: str) -> int:
    services = build(load_settings())
    move = Move(services.storage, services.organizations, lambda _: asyncio.sleep(0))
    to = read_account(None, setting, list(kinds))
    assert to
    try:
        found = await services.organizations.load_organization(organization)
        assert found
        if found[0].moving or found[0].storage != to:
            await move.move_organization(organization, to)
        return 0
    except StorageError:
        return STORAGE_FAILED
    finally:
        await services.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
