"""Organizations and their keys by command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from lib.services import Services
from tests.heed.conftest import Commands


async def test_an_organization_is_made_changed_shown_and_deleted(
    commands: Commands, services: Services, new_name: Callable[[], str], tmp_path: Path
) -> None:
    name, settings = new_name(), tmp_path / "settings.json"
    settings.write_text('{"retention_days": 200}')

    tried = await commands.run("organizations", "save", name, "--name", "Acme", "--dry-run")
    assert (tried.code, await services.organizations.load_organization(name)) == (0, None)

    assert (await commands.run("organizations", "save", name, "--name", "Acme")).code == 0
    tried = await commands.run("organizations", "save", name, "--settings", str(settings), "--dry-run")
    assert tried.out == f"{name} would be changed: settings.retention_days\n"
    assert (await commands.run("organizations", "save", name, "--settings", str(settings))).code == 0

    shown = json.loads((await commands.run("organizations", "show", name)).out)
    assert (shown["name"], shown["settings"]["retention_days"]) == ("Acme", 200)
    assert f"{name}\tAcme\t" in (await commands.run("organizations", "list")).out
    acts = [each.act async for _, each in services.audit.list_entries(name, services.clock.now(), None, 10)]
    assert acts == ["organization.changed", "organization.made"]

    assert (await commands.run("organizations", "delete", name, "--dry-run")).code == 0
    assert await services.organizations.load_organization(name) is not None
    unasked = await commands.run("organizations", "delete", name)
    assert unasked.code == 1
    assert unasked.err.endswith("Nothing was done. Where nobody can answer, give --yes.\n")
    assert await services.organizations.load_organization(name) is not None
    assert (await commands.run("organizations", "delete", name, "--yes")).code == 0
    assert await services.organizations.load_organization(name) is None


async def test_what_is_wrong_is_told_and_nothing_is_done(
    commands: Commands, services: Services, new_name: Callable[[], str], tmp_path: Path
) -> None:
    name, settings = new_name(), tmp_path / "settings.json"
    settings.write_text('{"retention_days": -1}')

    wrong = await commands.run("organizations", "save", name, "--settings", str(settings))
    assert (wrong.code, "settings.retention_days" in wrong.err) == (2, True)
    assert (await commands.run("organizations", "save", "Not an id")).code == 2
    assert (await commands.run("organizations", "show", name)).code == 1
    assert (await commands.run("organizations", "show", name, HEED_TOKEN_KEYS="nonsense")).code == 2
    assert await services.organizations.load_organization(name) is None


async def test_a_key_that_was_made_opens_until_it_is_revoked(
    commands: Commands, services: Services, organization: str
) -> None:
    tried = await commands.run("keys", "make", organization, "--scope", "read", "--dry-run")
    assert (tried.code, await services.api_keys.list_keys(organization, None, 10)) == (0, [])

    key = (await commands.run("keys", "make", organization, "--scope", "read", "--name", "BI")).out.strip()
    caller = await services.api_keys.authenticate(key)
    assert caller is not None
    assert (caller.organization.id, [*caller.scopes], caller.key_name) == (organization, ["read"], "BI")

    listed = (await commands.run("keys", "list", organization)).out
    assert (str(caller.key) in listed, key in listed) == (True, False)
    assert (await commands.run("keys", "revoke", organization, str(caller.key), "--dry-run")).code == 0
    assert await services.api_keys.authenticate(key) is not None
    assert (await commands.run("keys", "revoke", organization, str(caller.key))).code == 0
    assert await services.api_keys.authenticate(key) is None
    assert (await commands.run("keys", "revoke", organization, str(caller.key))).code == 1
