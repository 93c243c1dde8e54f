"""`organizations`: list, show, save, delete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from heed.running import (
    OPERATOR,
    CommandError,
    DryRun,
    ExitCode,
    OrganizationName,
    OwnAccountName,
    OwnAccountSetting,
    OwnKinds,
    Yes,
    confirm,
    explain_fields,
    load_known,
    read_account,
    run_command,
    tell,
    tell_model,
    tell_table,
)
from lib.ids import ORGANIZATION
from lib.organizations.registry import Organization, OrganizationSpec
from lib.services import Services
from lib.storage.accounts import OwnAccount
from lib.storage.versions import IfMatch

commands = typer.Typer(help="Organizations: list, show, save, delete.", no_args_is_help=True)

_PAGE = 200


@commands.command("list")
def list_organizations() -> None:
    """List all organizations."""
    run_command(_list)


async def _list(services: Services) -> None:
    rows: list[list[object]] = []
    page = await services.organizations.page_of_organizations(None, _PAGE)
    while page:
        rows += [[each.id, each.name, f"{each.created_at:%Y-%m-%d}", _account_text(each)] for each, _ in page]
        page = await services.organizations.page_of_organizations(page[-1][0].id, _PAGE)
    tell_table(["id", "name", "made", "storage"], rows)


def _account_text(organization: Organization) -> str:
    own = organization.storage
    return "shared" if own is None else str(own)


@commands.command("show")
def show_organization(organization: OrganizationName) -> None:
    """Show an organization with its settings, as JSON."""

    async def show(services: Services) -> None:
        tell_model((await load_known(services, organization))[0])

    run_command(show)


@commands.command("save")
def save_organization(
    organization: OrganizationName,
    name: Annotated[str | None, typer.Option(help="the organization's name")] = None,
    settings: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="a file with settings as JSON; others stay")
    ] = None,
    account: OwnAccountName = None,
    setting: OwnAccountSetting = None,
    kind: OwnKinds = None,
    dry_run: DryRun = False,
) -> None:
    """Make an organization with its storage, or change it. Only a new one can get a storage account of its own."""

    async def save(services: Services) -> None:
        own = read_account(account, setting, kind)
        await _save(services, organization, name, _read_settings(settings), own, dry_run=dry_run)

    run_command(save)


def _read_settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        given = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is no JSON: {error}", ExitCode.WRONG_USE) from None
    if not isinstance(given, dict):
        raise CommandError(f"{path} holds no JSON object", ExitCode.WRONG_USE)
    return given


async def _save(
    services: Services,
    organization: str,
    name: str | None,
    settings: dict[str, Any],
    own: OwnAccount | None,
    *,
    dry_run: bool,
) -> None:
    if ORGANIZATION.fullmatch(organization) is None:
        raise CommandError("An id has 3 to 32 of a-z0-9 and starts with a letter.", ExitCode.WRONG_USE)
    found = await services.organizations.load_organization(organization)
    there = found[0] if found else None
    before = there.settings.model_dump() if there else {}
    fields: dict[str, Any] = {
        "name": name if name is not None else there.name if there else "",
        "settings": {**before, **settings},
    }
    if own is not None:
        fields["storage"] = own
    try:
        spec = OrganizationSpec.model_validate(fields)
    except ValidationError as error:
        raise CommandError(explain_fields(error), ExitCode.WRONG_USE) from None
    changed = sorted(key for key, value in spec.settings.model_dump().items() if before.get(key) != value)
    if dry_run:
        tell(f"{organization} would be {'changed' if there else 'made'}: {_changes(there, spec, changed)}")
        return
    if_match = IfMatch.for_version(found[1]) if found else None
    saved, _, is_made = await services.administration.save_organization(organization, spec, if_match)
    act = "organization.made" if is_made else "organization.changed"
    await services.audit.note(organization, OPERATOR, act, organization, {"fields": ["settings", *changed]})
    tell_model(saved)


def _changes(there: Organization | None, spec: OrganizationSpec, changed: list[str]) -> str:
    if there is None:
        return "name, settings"
    names = ["name"] if there.name != spec.name else []
    return ", ".join([*names, *(f"settings.{each}" for each in changed)]) or "nothing"


@commands.command("delete")
def delete_organization(organization: OrganizationName, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete an organization with its keys and all its storage."""

    async def delete(services: Services) -> None:
        there, _ = await load_known(services, organization)
        if dry_run:
            tell(f"{organization} ({there.name}) would be deleted, with its keys, tables and blobs.")
            return
        confirm(f"Delete {organization} ({there.name}) with all its data? It cannot be undone.", yes=yes)
        await services.administration.delete_organization(organization)
        await services.audit.note(organization, OPERATOR, "organization.deleted", organization)
        tell(f"{organization} is deleted.")

    run_command(delete)
