"""Organizations with a storage account of their own: what is read and written there, and what stays shared."""

from __future__ import annotations

from typing import Any

import pytest

from lib.storage.layout import KINDS, table
from lib.storage.memory import MemoryBlobs
from lib.storage.protocols import EVERYTHING
from tests.support.attachments import PDF, add, send
from tests.support.heed import ADMIN_KEY, Heed, Response
from tests.support.own_accounts import OwnAccounts
from tests.support.remains import remains_of

OWN = {"account": "acmedata"}


@pytest.fixture
def accounts() -> OwnAccounts:
    return OwnAccounts()


def heed_over(accounts: OwnAccounts) -> Heed:
    """Heed in a process of its own."""
    return Heed(storage=accounts.storage())


async def put(heed: Heed, name: str = "acme", method: str = "PUT", **fields: Any) -> Response:
    return await heed.request(method, f"/api/orgs/{name}", {"name": name, **fields}, key=ADMIN_KEY)


async def started(accounts: OwnAccounts) -> Heed:
    """Heed with acme, whose storage is its own."""
    heed = heed_over(accounts)
    assert (await put(heed, storage=OWN)).status == 201
    return await heed.start()


async def test_tables_blobs_and_journal_are_in_the_own_account_alone(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    await heed.organization("other")
    message = await heed.draft()
    await add(heed, message)
    await send(heed, message)
    heed.clock.move(minutes=90)
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 1
    assert accounts.tables("acmedata") == sorted(table("acme", kind) for kind in KINDS)
    assert [name for name in accounts.tables() if name.startswith("heedacme")] == []
    assert table("other", "messages") in accounts.tables()
    journal = accounts.own["acmedata"].tables.query(table("acme", "journal"), EVERYTHING)
    assert [row async for row in journal if row.key == "facts"]
    shared, own = accounts.shared.blobs, accounts.own["acmedata"].blobs
    assert isinstance(shared, MemoryBlobs)
    assert isinstance(own, MemoryBlobs)
    assert (shared.names("heed-acme"), len(own.names("heed-acme"))) == ([], 1)


async def test_stops_jobs_and_the_audit_log_are_in_the_own_account_alone(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    await heed.sent(to=[{"email": "ada@example.com"}])
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow", "source": "a call"})
    for method in ("GET", "DELETE"):
        assert (await heed.api(method, "/subjects/ada@example.com")).status == 202
        await heed.work()
    await heed.tick("remove_old_data")

    rows = accounts.own["acmedata"].tables.query(table("acme", "privacy"), EVERYTHING)
    partitions = {row.partition.partition("|")[0] async for row in rows}
    assert partitions == {"stop", "erased", "job", "audit", "retention"}
    assert [name for name in accounts.tables() if name.startswith("heedacme")] == []
    assert await remains_of(heed.storage, "ada@example.com") == []


async def test_a_file_is_read_from_the_own_account(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    message = await heed.draft()
    await add(heed, message)
    await send(heed, message)

    answer = await heed.hit(heed.urls("a")[0] + "/Offer.pdf")

    own = accounts.own["acmedata"].blobs
    assert isinstance(own, MemoryBlobs)
    assert own.request("GET", answer.headers["location"], heed.clock.now())[2] == PDF


async def test_another_process_finds_the_account_with_the_first_hit(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    await heed.sent()
    other = heed_over(accounts)

    await other.hit(heed.urls("o")[0])
    await other.work()

    facts = accounts.own["acmedata"].tables.query(table("acme", "facts"), EVERYTHING)
    assert len([row async for row in facts]) == 1
    assert [name for name in accounts.tables() if name.startswith("heedacme")] == []


async def test_what_is_read_of_an_organization_tells_its_account(accounts: OwnAccounts) -> None:
    heed = await started(accounts)

    read = await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)
    assert read.json["storage"] == {"account": "acmedata", "setting": None, "kinds": {}}


@pytest.mark.parametrize("storage", [None, {"account": "otherdata"}, {"setting": "HEED_STORAGE_ACME"}])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_organization_stays_in_its_account(accounts: OwnAccounts, storage: Any, method: str) -> None:
    heed = await started(accounts)

    refused = await put(heed, method=method, storage=storage)
    same = await put(heed, method=method, storage=OWN)
    unsaid = await put(heed, method=method)

    assert (refused.status, same.status, unsaid.status) == (409, 200, 200)
    assert "stays in the storage account" in refused.json["detail"]
    assert unsaid.json["storage"]["account"] == "acmedata"
    assert (await heed.get("/users/rep1"))["name"] == "Rita Rep"


async def test_an_organization_of_the_shared_account_stays_there(accounts: OwnAccounts) -> None:
    heed = await heed_over(accounts).start()

    assert (await put(heed, storage=OWN)).status == 409
    assert accounts.own == {}


async def test_a_key_of_scope_admin_moves_no_organization(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    path = "/api/orgs/acme/keys"
    key = (await heed.request("POST", path, {"scope": "admin", "name": "a"}, key=ADMIN_KEY)).json["key"]

    moved = await heed.request("PATCH", "/api/orgs/acme", {"storage": {"account": "elsewhere"}}, key=key)

    assert moved.status == 409


async def test_an_account_may_be_named_by_a_setting_of_the_organization(accounts: OwnAccounts) -> None:
    heed = heed_over(accounts)

    made = await put(heed, storage={"setting": "HEED_STORAGE_ACME"})

    assert made.status == 201
    assert table("acme", "messages") in accounts.tables("fromsetting")
    assert "a2V5" not in made.body.decode()


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ({"setting": "HEED_STORAGE_ACME"}, "HEED_STORAGE_OTHER"),  # acme's, named by another organization
        ({"setting": "HEED_STORAGE_OTHERS"}, "HEED_STORAGE_OTHER_"),
        ({"setting": "HEED_STORAGE_OTHER"}, "no setting"),
        ({"setting": "HEED_STORAGE_OTHER_BROKEN"}, "connection string"),
        ({"setting": "HEED_ADMIN_KEY"}, "pattern"),
        ({"setting": "AzureWebJobsStorage"}, "pattern"),
        ({"account": "x.blob.core.windows.net/"}, "pattern"),
        ({"account": "ab"}, "pattern"),
        ({}, "either"),
        ({"account": "acmedata", "setting": "HEED_STORAGE_OTHER"}, "either"),
    ],
)
async def test_what_is_no_account_of_the_organization_is_refused(
    accounts: OwnAccounts, storage: Any, said: str
) -> None:
    heed = await heed_over(accounts).start()
    accounts.environment["HEED_STORAGE_OTHER_BROKEN"] = "x"
    await put(heed, "acme2", storage={"setting": "HEED_STORAGE_ACME"})  # a name that merely begins alike

    answer = await put(heed, "other", storage=storage)

    assert answer.status == 422
    assert said in answer.body.decode()
    assert accounts.own == {}


async def test_a_storage_without_own_accounts_says_so(heed: Heed) -> None:
    answer = await put(heed, "other", storage=OWN)

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["storage"])


async def test_deleting_the_organization_empties_its_account_and_it_may_be_made_in_another(
    accounts: OwnAccounts,
) -> None:
    heed = await started(accounts)
    second = heed_over(accounts)
    await second.hit("/o/x.gif")

    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
    assert accounts.tables("acmedata") == []
    heed.clock.move(minutes=3)
    await heed.start()

    assert table("acme", "messages") in accounts.tables()
    assert (await second.request("GET", "/api/orgs/acme/users", key=heed.key)).json["items"][0]["id"] == "rep1"
    assert accounts.tables("acmedata") == []


async def test_readiness_says_that_the_account_does_not_answer(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    states = {each["code"]: each["state"] for each in (await heed.get("/readiness"))["checks"]}
    assert states["storage"] == "ok"
    accounts.environment.clear()
    accounts.failure.fail_always()
    heed.clock.move(minutes=2)

    report = await heed.get("/readiness")

    [check] = [each for each in report["checks"] if each["code"] == "storage"]
    assert (report["state"], check["state"]) == ("problem", "problem")
    assert "firewall" in check["what_to_do"]


async def test_an_account_that_does_not_answer_stops_no_other_organization(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    await heed.sent()
    other = await heed.organization("other")
    accounts.failure.fail_always()

    refused = await heed.api("GET", "/messages")
    fine = await heed.request("GET", "/api/orgs/other/messages", key=other)
    hit = await heed.hit(heed.urls("o")[0])

    assert (refused.status, fine.status, hit.status) == (503, 200, 200)
    accounts.failure.arm(0, "before")
    await heed.work()  # the queue, which is shared, has kept the hit
    facts = accounts.own["acmedata"].tables.query(table("acme", "facts"), EVERYTHING)
    assert len([row async for row in facts]) == 1
