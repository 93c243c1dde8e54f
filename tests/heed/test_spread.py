"""Organizations over several storage accounts, made and shown by commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lib.operations.move import Move
from lib.storage import Missing, Row, Upsert
from lib.storage.accounts import OwnAccount
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import table
from tests.faults.accounts import Accounts
from tests.heed.conftest import Commands, Deployment, connection_string
from tests.support.attachments import add


async def test_an_organization_is_made_over_several_accounts(
    deployment: Deployment, accounts: Accounts, new_name: Callable[[], str]
) -> None:
    commands, name = deployment.commands, new_name()
    own, facts = f"HEED_STORAGE_{name.upper()}", f"HEED_STORAGE_{name.upper()}_FACTS"
    there = {own: accounts.new(), facts: accounts.new()}
    made_with = {setting: connection_string(account) for setting, account in there.items()}

    save = ("organizations", "save", name, "--name", "Acme", "--setting", own, "--kind", f"facts={facts}")
    made = await commands.run(*save, **made_with)
    listed = await commands.run("organizations", "list", **made_with, COLUMNS="300")
    moved = await commands.run("move", name, "--setting", own, "--dry-run", **made_with)

    assert made.code == 0, made.err
    assert f"{own}, facts in {facts}" in listed.out
    assert f"{name} would move to {own}, " in moved.out
    assert [await has_table(there[each], name, "facts") for each in (own, facts)] == [False, True]
    assert [await has_table(there[each], name, "people") for each in (own, facts)] == [True, False]


async def test_a_kind_that_is_none_is_refused(commands: Commands, new_name: Callable[[], str]) -> None:
    save = ("organizations", "save", new_name(), "--name", "Acme")

    unknown = await commands.run(*save, "--account", "acmedata", "--kind", "orgs=acmefacts")
    nameless = await commands.run(*save, "--account", "acmedata", "--kind", "facts")
    alone = await commands.run(*save, "--kind", "facts=acmefacts")

    assert [ran.code for ran in (unknown, nameless, alone)] == [2, 2, 2]
    assert "kinds are messages, " in unknown.err
    assert unknown.err.endswith(", blobs.\n")
    assert nameless.err == "The name of an account has 3 to 24 of a-z0-9.\n"
    assert alone.err == "Give one of --account and --setting.\n"


async def test_an_organization_is_spread_over_real_accounts_and_put_together_again(
    deployment: Deployment, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed, one, other = deployment.heed, accounts.new(), accounts.new()
    monkeypatch.setenv("HEED_STORAGE_ACME", connection_string(one))
    monkeypatch.setenv("HEED_STORAGE_ACME_HITS", connection_string(other))
    whole = OwnAccount(setting="HEED_STORAGE_ACME")
    hits = {kind: {"setting": "HEED_STORAGE_ACME_HITS"} for kind in ("facts", "journal", "blobs")}
    spread = OwnAccount.model_validate({"setting": "HEED_STORAGE_ACME", "kinds": hits})
    draft = await heed.draft()
    await add(heed, draft)
    message = await heed.sent()
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    timeline = await heed.get(f"/messages/{message}/timeline")
    services = heed.services
    move = Move(services.storage, services.organizations, lambda _: asyncio.sleep(0))

    for to, where in ((spread, other), (whole, one)):
        await move.move_organization("acme", to)

        assert await heed.get(f"/messages/{message}/timeline") == timeline
        assert [await has_table(each, "acme", "facts") for each in (one, other)] == [where is one, where is other]
        assert await has_table(one, "acme", "messages")
        assert not await has_table(other, "acme", "messages")
        content = await heed.get(f"/messages/{draft}/attachments")
        assert [each["filename"] for each in content["items"]] == ["Offer.pdf"]
    assert not await has_table(deployment.account, "acme", "messages")


async def has_table(account: Account, organization: str, kind: str) -> bool:
    storage = azure_storage(account)
    try:
        await storage.tables.write_rows(table(organization, kind), [Upsert(Row("probe", "probe", {"v": 1}))])
        return True
    except Missing:
        return False
    finally:
        await close_storage(storage)
