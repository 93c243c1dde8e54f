"""Rows that lead to messages, in real Table storage."""

from __future__ import annotations

from lib.clock import SystemClock
from lib.messages.models import Body, StoredMessage
from lib.messages.store import MessageStore
from lib.messages.threads import IdHit, Threads
from lib.organizations.registry import Organizations, OrganizationSpec
from lib.organizations.settings import InboundSettings, OrganizationSettings
from lib.people.address_hashes import AddressHashes
from lib.people.store import People
from lib.storage import Storage


async def test_a_message_is_found_by_its_ids_its_subject_its_thread_and_the_beginning_of_its_id(
    storage: Storage,
) -> None:
    organizations, messages = Organizations(storage, SystemClock()), MessageStore(storage)
    settings = OrganizationSettings(inbound=InboundSettings(smart_matching=True))
    await organizations.save_organization("threads", OrganizationSpec(name="Threads", settings=settings), None)
    threads = Threads(storage, AddressHashes(storage), organizations, People(storage.tables))
    first, second = "a" * 32, "ab" * 16
    for number, message_id in enumerate((first, second)):
        message = StoredMessage(
            id=message_id,
            state="sent",
            created_at=SystemClock().now(),
            subject="Our offer",
            message_id=f"<{number}#?/\\@acme.example>",
            known_ids=["<shared@provider.example>"],
            conversation=first,
            thread_root="01" * 22,
            to=[{"email": "ada@example.com"}],
            **{"from": "rep1"},
        )
        await messages.make("threads", message, Body(text="x" * 5_000))
        for _ in range(2):
            await threads.enter_message("threads", message)

    assert await threads.find_id("threads", "<1#?/\\@acme.example>") == [IdHit(second, is_providers=False)]
    assert {hit.message for hit in await threads.find_id("threads", "<shared@provider.example>")} == {first, second}
    assert await threads.find_id("threads", "<else@acme.example>") == []
    assert await threads.find_root("threads", "01" * 22) == [second, first]
    assert [hit.message for hit in await threads.find_subject("threads", "our offer")] == [second, first]
    assert [each async for _, each in threads.list_conversation("threads", first)] == [second]
    assert await messages.find_ids("threads", second[:20]) == [second]
    assert sorted(await messages.find_ids("threads", "a")) == [first, second]
    assert await messages.find_ids("threads", "b") == []
