"""Organizations whose tables are spread over several storage accounts."""

from __future__ import annotations

from typing import Any

import pytest

from lib.storage.layout import KINDS, container, table
from lib.storage.memory import MemoryBlobs, MemoryQueues
from lib.storage.protocols import EVERYTHING
from tests.functions.resources.test_own_accounts import heed_over, put
from tests.support.attachments import add, send
from tests.support.failing import Failure
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.own_accounts import CONNECTION, OwnAccounts
from tests.support.remains import remains_of

SPREAD = {
    "account": "acmedata",
    "kinds": {
        "facts": {"account": "acmefacts"},
        "journal": {"setting": "HEED_STORAGE_ACME_HITS"},
        "blobs": {"account": "acmefiles"},
    },
}
ELSEWHERE = {"facts", "journal"}


@pytest.fixture
def accounts() -> OwnAccounts:
    found = OwnAccounts(failures={"acmefacts": Failure()})
    found.environment["HEED_STORAGE_ACME_HITS"] = CONNECTION.replace("fromsetting", "acmehits")
    return found


async def started(accounts: OwnAccounts) -> Heed:
    """Heed with acme, whose tables are spread."""
    heed = heed_over(accounts)
    assert (await put(heed, storage=SPREAD)).status == 201
    return await heed.start()


async def count(accounts: OwnAccounts, account: str, kind: str) -> int:
    return len([row async for row in accounts.own[account].tables.query(table("acme", kind), EVERYTHING)])


def blobs(accounts: OwnAccounts, account: str) -> list[str]:
    found = accounts.own[account].blobs
    assert isinstance(found, MemoryBlobs)
    return found.names(container("acme"))


async def test_each_table_is_in_the_account_of_its_kind_and_nowhere_else(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    message = await heed.draft()
    await add(heed, message)
    await send(heed, message)
    heed.clock.move(minutes=90)
    await heed_over(accounts).hit(heed.urls("o")[0])  # a process that has not heard of acme
    await heed.hit(heed.urls("o")[0])
    await heed.tick("sweep_journal")
    await heed.work()

    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 2
    assert accounts.tables("acmedata") == sorted(table("acme", kind) for kind in set(KINDS) - ELSEWHERE)
    assert accounts.tables("acmefacts") == [table("acme", "facts")]
    assert accounts.tables("acmehits") == [table("acme", "journal")]
    assert accounts.tables("acmefiles") == []
    assert [name for name in accounts.tables() if name.startswith("heedacme")] == []
    assert await count(accounts, "acmefacts", "facts") == 2
    assert await count(accounts, "acmehits", "journal") > 0
    assert [len(blobs(accounts, name)) for name in ("acmedata", "acmefiles")] == [0, 1]


async def test_the_organization_tells_where_its_tables_are_and_keeps_them_there(accounts: OwnAccounts) -> None:
    heed = await started(accounts)

    read = await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)
    moved = await put(heed, method="PATCH", storage={"account": "acmedata"})
    same = await put(heed, method="PATCH", storage=SPREAD)

    assert (read.json["storage"]["account"], read.json["storage"]["kinds"].keys()) == (
        "acmedata",
        {"facts", "journal", "blobs"},
    )
    assert (moved.status, same.status) == (409, 200)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"facts": {"setting": "HEED_STORAGE_ACME"}}, "HEED_STORAGE_OTHER"),  # acme's
        ({"facts": {"setting": "HEED_STORAGE_OTHER_FACTS"}}, "no setting"),
        ({"facts": {"setting": "AzureWebJobsStorage"}}, "pattern"),
        ({"facts": {}}, "either"),
        ({"facts": {"account": "otherfacts", "kinds": {}}}, "kinds"),
        ({"orgs": {"account": "otherfacts"}}, "messages"),
        ({"facts": "otherfacts"}, "facts"),
    ],
)
async def test_what_is_no_account_of_the_organization_is_refused_for_a_kind_too(
    accounts: OwnAccounts, kinds: Any, said: str
) -> None:
    heed = await heed_over(accounts).start()

    answer = await put(heed, "other", storage={"account": "otherdata", "kinds": kinds})

    assert answer.status == 422
    assert said in answer.body.decode()
    assert [name for names in map(accounts.tables, accounts.own) for name in names] == []


async def test_an_erasure_finds_an_address_in_every_account(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    await heed.sent(to=[{"email": "ada@example.com"}])
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    assert (await heed.api("DELETE", "/subjects/ada@example.com")).status == 202
    await heed.work()

    assert await remains_of(heed.storage, "ada@example.com") == []


async def test_deleting_the_organization_empties_all_its_accounts(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    message = await heed.draft()
    await add(heed, message)

    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)

    assert [accounts.tables(name) for name in accounts.own] == [[]] * len(accounts.own)
    assert blobs(accounts, "acmefiles") == []


async def test_readiness_names_the_tables_whose_account_does_not_answer(accounts: OwnAccounts) -> None:
    heed = await started(accounts)
    accounts.failures["acmefacts"].fail_always()

    [check] = [each for each in (await heed.get("/readiness"))["checks"] if each["code"] == "storage"]

    assert check["state"] == "problem"
    assert check["sentence"].endswith(": facts.")


async def test_an_account_that_does_not_answer_loses_no_hit_and_stops_no_other_organization(
    accounts: OwnAccounts,
) -> None:
    heed = await started(accounts)
    message = await heed.sent()
    other = await heed.organization("other")
    heed.clock.move(minutes=90)
    accounts.failures["acmefacts"].fail_always()

    hit = await heed.hit(heed.urls("o")[0])
    await heed.services.journal.settle()
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    sent = queues.take_message("interactions")
    assert sent
    await heed.hand_over(sent.queue, sent.body)  # cannot be judged now, and waits in the queue
    refused = await heed.api("GET", f"/messages/{message}/timeline")
    fine = await heed.request("GET", "/api/orgs/other/messages", key=other)
    accounts.failures["acmefacts"].arm(0, "before")
    await heed.tick("sweep_journal")
    await heed.work()

    assert (hit.status, refused.status, fine.status) == (200, 503, 200)
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 1
