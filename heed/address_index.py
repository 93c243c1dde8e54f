"""`index-addresses`: addresses of all records indexed, and the recording of those stopped who have said no.

Records that were put before Heed had the index are found by address once this has run, and a no that was said before
Heed had stops acts on mail that was sent before it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from heed.running import CommandError, ExitCode, load_known, progress, run_command, tell
from lib.services import Services


async def enter_addresses(services: Services, organization: str) -> int:
    """Index the addresses of an organization's records. Return the number of records. Raises StorageError."""
    records = addresses = 0
    with progress(f"{organization}: records") as counter:
        async for record in services.address_index.enter_all(organization):
            records, addresses = records + 1, addresses + len(record.emails)
            counter.count()
    tell(f"{organization}: {records:,} records with {addresses:,} addresses are indexed.")
    return records


def index_addresses(
    organization: Annotated[str | None, typer.Argument(metavar="ORGANIZATION", help="one organization")] = None,
    every: Annotated[bool, typer.Option("--all", help="every organization")] = False,
) -> None:
    """Index the addresses of records from before there was an index. Again is the same; the app may run meanwhile."""

    async def index(services: Services) -> None:
        if (organization is None) != every:
            raise CommandError("Name one organization, or give --all.", ExitCode.WRONG_USE)
        if organization is not None:
            await load_known(services, organization)
        chosen = (
            [organization] if organization else [each async for each in services.organizations.list_organizations()]
        )
        for each in chosen:
            await enter_addresses(services, each)
            stopped = await services.consents.enter_stops(each)
            tell(f"{each}: {stopped:,} addresses said no by a consent, and are stopped.")

    run_command(index)
