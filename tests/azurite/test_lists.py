"""Lists over a real Azurite: what stands where, and how many HTTP requests that takes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import get_args

import pytest

from infra.local.servers.azurite import Azurite
from lib.errors import Stale
from lib.lists.store import Listed, Lists, Sort, View
from lib.storage import Range
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from lib.storage.layout import table
from lib.storage.memory import memory_storage
from lib.verdicts.kpis import Kpis
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.heed import START
from tests.support.listed import make_listed, opened

SORTS = get_args(Sort)
VIEWS: dict[View, int] = {"followed": 1, "all": 2}
"""With what a page costs."""

MESSAGES = 120


def mails() -> list[Listed]:
    """With figures of every size, subjects that are alike, and one that was not sent."""
    sent = [
        make_listed(
            number,
            subject=f"{'ÄbCd'[number % 4]}: it's #{number % 7} / \\ ?",
            kpis=opened(number % 13, START, clicks=number % 3, replies=number % 2 * 12),
        )
        for number in range(MESSAGES)
    ]
    return [*sent, make_listed(MESSAGES, state="draft", sent_at=None, kpis=Kpis())]


class Index:
    """An organization's lists behind a proxy that counts requests."""

    def __init__(self, proxy: FaultProxy, lists: Lists, organization: str) -> None:
        self.proxy = proxy
        self.lists = lists
        self.organization = organization

    async def page(self, view: View, sort: Sort, after: str | None, limit: int) -> list[tuple[str, Listed]]:
        pages = self.lists.page(self.organization, "all", view, sort, after, limit)
        return [each async for each in pages]


@pytest.fixture
async def index(azurite: Azurite) -> AsyncIterator[Index]:
    account = Account.parse(azurite.connection_string)
    async with FaultProxy(account.table_endpoint) as proxy:
        storage = azure_storage(replace(account, table_endpoint=proxy.url))
        organization = f"o{uuid.uuid4().hex[:20]}"
        await storage.tables.create(table(organization, "index"))
        yield Index(proxy, Lists(storage.tables), organization)
        await close_storage(storage)


async def test_a_page_of_fifty_takes_one_request_a_shelf_in_every_order(index: Index) -> None:
    in_memory = memory_storage()
    twin = Index(index.proxy, Lists(in_memory.tables), index.organization)
    await in_memory.tables.create(table(index.organization, "index"))
    for listed in mails():
        await twin.lists.enter_message(index.organization, listed, [])
    await asyncio.gather(*(index.lists.enter_message(index.organization, listed, []) for listed in mails()))

    await index.page("all", "sent_at", None, 1)  # once a minute it looks for rows of an older release
    for view, requests in VIEWS.items():
        for sort in SORTS:
            before = len(index.proxy.requests)
            first = await index.page(view, sort, None, 51)
            assert len(index.proxy.requests) - before == requests
            rest = await index.page(view, sort, first[-1][0], 1000)
            assert [*first, *rest] == await twin.page(view, sort, None, 1000)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.CUT_BEFORE, Fault.CUT_AFTER])
async def test_a_change_is_listed_once_whatever_happened_on_the_way(index: Index, fault: Fault) -> None:
    places = await index.lists.enter_message(index.organization, make_listed(1), [])
    index.proxy.fail(fault)

    await index.lists.enter_message(index.organization, make_listed(1, kpis=opened(3)), places)

    for sort in SORTS:
        assert [listed.kpis.opens for _, listed in await index.page("all", sort, None, 9)] == [3]


async def test_writers_of_one_message_at_the_same_time_leave_it_in_one_place(index: Index) -> None:
    versions = [make_listed(1, kpis=opened(number), subject=f"Version {number}") for number in range(4)]

    async def write(listed: Listed) -> None:
        with suppress(Stale):
            await index.lists.enter_message(index.organization, listed, [])

    await asyncio.gather(*map(write, versions))
    await index.lists.enter_message(index.organization, versions[2], [])

    for sort in SORTS:
        assert [listed for _, listed in await index.page("followed", sort, None, 9)] == [versions[2]]


async def test_a_large_message_is_listed_whole_and_removed_whole(index: Index) -> None:
    to = [{"email": f"a{number}@example.com", "name": "ü" * 200} for number in range(500)]
    listed = make_listed(1, to=to)

    places = await index.lists.enter_message(index.organization, listed, [])
    assert [found for _, found in await index.page("followed", "-subject", None, 9)] == [listed]

    await index.lists.remove(index.organization, places)
    rows = index.lists._tables.query(table(index.organization, "index"), Range())
    assert [row.key async for row in rows] == []
