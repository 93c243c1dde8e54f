"""`keys`: API keys of an organization: list, make, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from heed.running import OPERATOR, CommandError, DryRun, OrganizationName, load_known, run_command, tell, tell_table
from lib.organizations.scopes import KeyScope
from lib.services import Services
from lib.storage import Missing

commands = typer.Typer(help="API keys of an organization: list, make, revoke.", no_args_is_help=True)

_MOST = 1000


@commands.command("list")
def list_keys(organization: OrganizationName) -> None:
    """List the keys of an organization, without their secrets."""

    async def list_all(services: Services) -> None:
        await load_known(services, organization)
        rows: list[list[object]] = []
        page = await services.api_keys.list_keys(organization, None, _MOST)
        while page:
            rows += [[key.id, key.scope, key.name, key.created_at, key.last_used_at or "never"] for key in page]
            page = await services.api_keys.list_keys(organization, page[-1].id, _MOST)
        tell_table(["id", "scope", "name", "made", "last used"], rows)

    run_command(list_all)


@commands.command("make")
def make_key(
    organization: OrganizationName,
    scope: Annotated[KeyScope, typer.Option(help="full, read, inbound or admin")],
    name: Annotated[str, typer.Option(help="to tell keys apart by")] = "",
    dry_run: DryRun = False,
) -> None:
    """Make a key, and print it: the only time that it is shown."""

    async def make(services: Services) -> None:
        await load_known(services, organization)
        if dry_run:
            tell(f"A key of scope {scope} would be made for {organization}.")
            return
        made, key = await services.api_keys.make_key(organization, scope, name)
        await services.audit.note(organization, OPERATOR, "key.made", made.id, {"scope": scope})
        tell(key)

    run_command(make)


@commands.command("revoke")
def revoke_key(
    organization: OrganizationName,
    key: Annotated[str, typer.Argument(metavar="KEY", help="the key's id, as the list shows it")],
    dry_run: DryRun = False,
) -> None:
    """Revoke a key, at once."""

    async def revoke(services: Services) -> None:
        await load_known(services, organization)
        if not await services.api_keys.has_key(organization, key):
            raise CommandError(f"{organization} has no key {key}.")
        if dry_run:
            tell(f"The key {key} of {organization} would be revoked.")
            return
        try:
            await services.api_keys.revoke_key(organization, key)
        except Missing:
            tell(f"The key {key} was revoked meanwhile.")
            return
        await services.audit.note(organization, OPERATOR, "key.revoked", key)
        tell(f"The key {key} of {organization} is revoked.")

    run_command(revoke)
