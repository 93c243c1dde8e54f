"""Index the addresses of all records of an organization, so that recipients are found by address.

    python -m infra.index_addresses acme     one organization
    python -m infra.index_addresses --all    every organization

Records that were put before Heed had the index are found once this has run. Settings come from the environment, as for
the app itself. After an interruption, run it again; it may run while the app does.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from lib.services import Services, build
from lib.settings import SettingsError, load_settings
from lib.storage import StorageError

_PROGRESS_EVERY = 1000


async def index_addresses(services: Services, organization: str) -> int:
    """Index the addresses of an organization's records. Return the number of records. Raises StorageError."""
    records = addresses = 0
    async for record in services.address_index.enter_all(organization):
        records, addresses = records + 1, addresses + len(record.emails)
        if records % _PROGRESS_EVERY == 0:
            print(f"{organization}: {records:,} records …", file=sys.stderr, flush=True)
    print(f"{organization}: {records:,} records with {addresses:,} addresses are indexed.")
    return records


async def _main(organization: str | None) -> int:
    services = build(load_settings())
    try:
        if organization is None:
            chosen = [each async for each in services.organizations.list_organizations()]
        elif await services.organizations.load_organization(organization) is None:
            print(f"There is no organization {organization}.", file=sys.stderr)
            return 1
        else:
            chosen = [organization]
        for each in chosen:
            await index_addresses(services, each)
    except StorageError as error:
        print(f"Storage failed, so this is not finished; run it again: {error}", file=sys.stderr)
        return 1
    finally:
        await services.close()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 for an unknown organization or failed storage, 2 for a wrong setting."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.index_addresses", description=(__doc__ or "").partition("\n")[0]
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("organization", nargs="?")
    which.add_argument("--all", action="store_true", help="every organization")
    given = parser.parse_args(arguments)
    try:
        return asyncio.run(_main(given.organization))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
