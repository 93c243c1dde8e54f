"""Moves between one account and several: what is in the same account before and after stays untouched."""

from __future__ import annotations

import pytest

from lib.errors import NotAllowed
from lib.operations.move import Move
from lib.storage import Row, StorageError, Upsert
from lib.storage.accounts import LASTS, OwnAccount
from lib.storage.layout import KINDS, container, table
from tests.lib.operations.test_move import Deployment, opened
from tests.support.heed import Heed

ONE = OwnAccount(account="first")
TWO = OwnAccount.model_validate({"account": "first", "kinds": {"facts": {"account": "second"}}})


@pytest.fixture
async def deployment() -> Deployment:
    return await Deployment().start()


async def move(deployment: Deployment, to: OwnAccount) -> None:
    await deployment.second().move_organization("acme", to)
    deployment.seconds += LASTS


async def lived_in(heed: Heed) -> str:
    draft = await heed.draft()
    await heed.api("POST", f"/messages/{draft}/attachments?filename=a.txt", b"some text")
    message = await heed.sent()
    heed.clock.move(hours=1)
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    return message


async def blobs_in(deployment: Deployment, account: str) -> int:
    found = deployment.accounts.own[account].blobs.list_blobs(container("acme"))
    return len([name async for name in found])


async def test_an_organization_is_spread_and_put_together_again(deployment: Deployment) -> None:
    heed, accounts = deployment.heed, deployment.accounts
    message = await lived_in(heed)

    await move(deployment, TWO)

    facts = [table("acme", "facts")]
    assert await deployment.left_behind() == []
    assert accounts.tables("second") == facts
    assert accounts.tables("first") == sorted(table("acme", kind) for kind in KINDS if kind != "facts")
    assert (await blobs_in(deployment, "first"), await blobs_in(deployment, "second")) == (1, 0)
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    await move(deployment, ONE)

    assert accounts.tables("second") == []
    assert accounts.tables("first") == sorted(table("acme", kind) for kind in KINDS)
    assert await blobs_in(deployment, "first") == 1
    heed.clock.move(hours=1)
    assert await opened(heed, message) == 2
    assert len((await heed.get(f"/messages/{message}/timeline"))["items"]) == 2


async def test_a_move_of_one_kind_that_is_given_up_leaves_all_others(deployment: Deployment) -> None:
    message = await lived_in(deployment.heed)
    await move(deployment, ONE)
    before = deployment.accounts.tables("first")
    deployment.accounts.failure.arm(3, "before")
    with pytest.raises(StorageError):
        await deployment.second().move_organization("acme", TWO)
    deployment.accounts.failure.arm(0, "before")

    await deployment.second().cancel_move("acme")

    assert (deployment.accounts.tables("first"), deployment.accounts.tables("second")) == (before, [])
    deployment.seconds += LASTS
    assert await opened(deployment.heed, message) == 1
    assert await blobs_in(deployment, "first") == 1


async def test_a_kind_whose_account_is_merely_named_otherwise_is_not_touched(deployment: Deployment) -> None:
    """An empty table would look as if it were another one, and be deleted as the old one."""
    heed, accounts = deployment.heed, deployment.accounts
    message = await lived_in(heed)
    await move(deployment, ONE)
    accounts.environment["HEED_STORAGE_ACME_CARDS"] = "AccountName=first;AccountKey=a2V5"
    named = {"cards": {"setting": "HEED_STORAGE_ACME_CARDS"}, "feed": {"account": "second"}}

    await move(deployment, OwnAccount.model_validate({"account": "first", "kinds": named}))

    assert accounts.tables("first") == sorted(table("acme", kind) for kind in KINDS if kind != "feed")
    assert await opened(heed, message) == 1
    with pytest.raises(NotAllowed, match="another name"):
        await deployment.second().check_move(
            "acme", OwnAccount.model_validate({"account": "first", "kinds": {"feed": named["feed"]}})
        )


async def test_a_kind_whose_table_holds_rows_there_already_does_not_move(deployment: Deployment) -> None:
    await lived_in(deployment.heed)
    services = deployment.operator.services
    routes = services.storage.routes
    assert routes
    there = routes.open_storage("acme", OwnAccount(account="second"))
    await there.tables.create(table("acme", "facts"))
    await there.tables.write_rows(table("acme", "facts"), [Upsert(Row("m", "1", {"v": 1}))])

    with pytest.raises(NotAllowed, match="second holds rows of heedacmefacts"):
        await Move(services.storage, services.organizations).check_move("acme", TWO)
