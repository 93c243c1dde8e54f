"""Three real accounts: the shared one, and two over which acme's tables are spread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import pytest

from infra.local.servers.azurite import Azurite, start_azurite
from lib.clock import milliseconds
from lib.ids import new_id
from lib.recipient_services import RecipientServices
from lib.settings import load_settings
from lib.storage import Delete, Storage
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import DELETED_ROW, KINDS, ORGANIZATIONS, StorageKind, container, table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING
from lib.tracking.facts import Fact
from tests.support.attachments import add, send
from tests.support.heed import ADMIN_KEY, SETTINGS, Heed
from tests.support.remains import remains_of
from tests.support.tcp_forwarder import TcpForwarder

OF_HITS: set[StorageKind] = {"journal", "facts", "evidence"}
SPREAD = {
    "setting": "HEED_STORAGE_ACME",
    "kinds": {kind: {"setting": "HEED_STORAGE_ACME_HITS"} for kind in sorted(OF_HITS)},
}


@dataclass(frozen=True, slots=True)
class Site:
    """Heed, each account as one looks into it from outside, and the line to the tables of hits."""

    heed: Heed
    process: RecipientServices
    line: TcpForwarder
    shared: Storage
    data: Storage
    hits: Storage

    async def kinds_in(self, storage: Storage) -> set[StorageKind]:
        """Kinds of acme's tables that hold rows there, and `blobs`."""
        found = {kind for kind in KINDS if await _has_rows(storage, table("acme", kind))}
        return found | ({"blobs"} if [name async for name in storage.blobs.list_blobs(container("acme"))] else set())


async def _has_rows(storage: Storage, name: str) -> bool:
    return bool([row async for row in storage.tables.query(name, EVERYTHING, limit=1)])


@pytest.fixture(scope="module")
def azurites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Azurite]]:
    running = [start_azurite(tmp_path_factory.mktemp(name)) for name in ("shared", "data", "hits")]
    yield running
    for each in running:
        each.stop()


@pytest.fixture
async def site(azurites: list[Azurite], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    shared, data, hits = azurites
    looks = [azure_storage(Account.parse(each.connection_string)) for each in azurites]
    async with TcpForwarder(hits.table_endpoint) as line:
        monkeypatch.setenv("HEED_STORAGE_ACME", data.connection_string)
        through = hits.connection_string.replace(hits.table_endpoint, line.url)
        monkeypatch.setenv("HEED_STORAGE_ACME_HITS", through)
        settings = {**SETTINGS, "AzureWebJobsStorage": shared.connection_string}
        process = RecipientServices(load_settings(settings))
        heed = Heed(storage=replace(process.storage, queues=memory_storage().queues))
        made = await heed.request("PUT", "/api/orgs/acme", {"name": "Acme", "storage": SPREAD}, key=ADMIN_KEY)
        assert made.status == 201, made.body
        yield Site(await heed.start(), process, line, *looks)
        line.mend()
        await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
        # The next test's acme need not wait until every process has forgotten this one.
        await process.storage.tables.write_rows(ORGANIZATIONS, [Delete("acme", DELETED_ROW)])
        await process.close()
    for each in looks:
        await close_storage(each)


async def test_the_whole_life_of_a_mail_is_spread_over_the_accounts(site: Site) -> None:
    heed = site.heed
    message = await heed.draft(to=[{"email": "ada@example.com"}])
    await add(heed, message)
    await send(heed, message)
    heed.clock.move(minutes=90)
    for path in (heed.urls("o")[0], heed.urls("c")[0], heed.urls("a")[0] + "/Offer.pdf"):
        assert (await heed.hit(path)).status in (200, 302)
    await heed.work()

    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert kpis["raw"] == {"opens": 1, "clicks": 1, "attachment_views": 1}
    kinds = [each["kind"] for each in (await heed.get(f"/messages/{message}/timeline"))["items"]]
    assert sorted(kinds) == ["attachment_view", "click", "open"]
    listed = await heed.get("/messages?view=followed&sort=-opens")
    assert [each["id"] for each in listed["items"]] == [message]
    assert await site.kinds_in(site.hits) == OF_HITS
    assert {"messages", "index", "people", "blobs"} <= await site.kinds_in(site.data)
    assert not OF_HITS & await site.kinds_in(site.data)
    assert await site.kinds_in(site.shared) == set()

    assert (await heed.api("DELETE", "/subjects/ada@example.com")).status == 202
    await heed.work()
    for each in (site.shared, site.data, site.hits, heed.storage):
        assert await remains_of(each, "ada@example.com") == []

    assert (await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)).status == 200
    for each in (site.shared, site.data, site.hits):
        assert await site.kinds_in(each) == set()


async def test_what_answers_recipients_writes_the_journal_where_it_belongs(site: Site) -> None:
    now = milliseconds(site.heed.clock.now())

    assert await site.process.journal.record("acme", Fact(f"{now}-{new_id()}", new_id(), "open", now, "GET"))

    assert "journal" in await site.kinds_in(site.hits)
    assert "journal" not in await site.kinds_in(site.data) | await site.kinds_in(site.shared)


async def test_hits_are_kept_while_their_account_is_out_and_the_rest_works_on(site: Site) -> None:
    heed = site.heed
    message = await heed.sent()
    other = await heed.organization("other")
    heed.clock.move(minutes=90)

    site.line.cut()
    hit = await heed.hit(heed.urls("o")[0])
    click = await heed.hit(heed.urls("c")[0])
    listed = await heed.get("/messages?view=all")
    fine = await heed.request("GET", "/api/orgs/other/messages", key=other)
    site.line.mend()
    await heed.work()

    assert (hit.status, click.status, fine.status) == (200, 302, 200)
    assert message in [each["id"] for each in listed["items"]]
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"] == {"opens": 1, "clicks": 1, "attachment_views": 0}
