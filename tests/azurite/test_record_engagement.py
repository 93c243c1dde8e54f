"""The engagement of records over a real Azurite: its transactions, its order of keys, and processes that meet."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from lib.storage import Storage
from lib.storage.memory import memory_storage
from tests.support.engaging import Office, fact, judged
from tests.support.heed import START

AT = int(START.timestamp() * 1000)


@pytest.fixture
async def office(storage: Storage) -> Office:
    memory, organization = memory_storage(), f"e{uuid4().hex[:12]}"
    storage_of_tables = replace(storage, queues=memory.queues, blobs=memory.blobs, closers=[])
    return await Office(storage_of_tables, organization).open()


async def test_messages_of_one_account_that_come_at_once_from_two_processes_all_count(office: Office) -> None:
    for name in ("contact/c1", "contact/c2"):
        await office.record(name, "account/a1")
    await office.record("account/a1")
    messages = [office.sent("contact/c1", "contact/c2") for _ in range(8)]

    other = office.another_process()
    await asyncio.gather(
        *(
            office.assess(message, judged([fact("open", AT + place, place % 2)]), other if place % 2 else None)
            for place, message in enumerate(messages)
        )
    )

    assert await office.counts("account/a1") == (8, 8, 0)
    assert await office.counts("contact/c1") == (8, 4, 0)
    assert (await office.engaged(limit=1))[0] == "account/a1"
    assert len(await office.engaged(limit=1)) == 3


async def test_events_are_taken_back_and_messages_move_with_their_record(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    first, second = office.sent("contact/c1"), office.sent("contact/c1")
    await office.assess(first, judged([fact("click", AT), fact("open", AT)]))
    await office.assess(second, judged([fact("open", AT + 60_000)]))
    await office.assess(second, judged([]))
    assert (await office.of("contact/c1")).last_opened_at == START

    await office.record("contact/c1", "account/a2")

    assert await office.work() == 2
    assert await office.counts("account/a2") == (2, 1, 1)
    assert await office.counts("account/a1") == (0, 0, 0)
    office.clock.move(days=8)
    await office.engagements.engaged.tidy()
    assert not [key for key in await office.rows() if key.startswith("v|")]


async def test_a_roll_up_of_many_messages_is_counted_anew(office: Office) -> None:
    await office.record("contact/c1")
    for place in range(60):
        await office.assess(office.sent("contact/c1"), judged([fact("open", AT + place), fact("click", AT)]))
    expected = await office.rows()

    await office.engagements.exchanges.recount(office.organization, "contact|c1")

    assert await office.rows() == expected
