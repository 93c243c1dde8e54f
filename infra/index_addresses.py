"""Index the addresses of all records of an organization, and stop the recording of those who have said no.

    python -m infra.index_addresses acme     one organization
    python -m infra.index_addresses --all    every organization

Records that were put before Heed had the index are found by address once this has run, and a no that was said before
Heed had stops acts on mail that was sent before it. Settings come from the environment, as for the app itself. After an
interruption, run it again; it may run while the app does.
"""

from __future__ import annotations

import argparse
import sys

from infra.operator_command import is_known, run_command
from lib.services import Services

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


async def _index(services: Services, organization: str | None) -> int:
    if organization is None:
        chosen = [each async for each in services.organizations.list_organizations()]
    elif await is_known(services, organization):
        chosen = [organization]
    else:
        return 1
    for each in chosen:
        await index_addresses(services, each)
        print(f"{each}: {await services.consents.enter_stops(each):,} addresses said no by a consent, and are stopped.")
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
    return run_command(lambda services: _index(services, given.organization))


if __name__ == "__main__":
    sys.exit(main())
