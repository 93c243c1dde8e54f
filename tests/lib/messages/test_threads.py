"""Rows that lead from what a mail says of its thread to messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.messages.models import StoredMessage
from lib.messages.threads import IdHit
from lib.storage import Change
from lib.storage.layout import table
from lib.storage.memory import memory_storage
from lib.storage.protocols import EVERYTHING, Tables, place_of
from lib.transports import Accepted
from lib.transports.memory import MemoryTransport
from lib.transports.protocol import Envelope, Outcome
from tests.support.heed import START, Heed

THREADS = table("acme", "threads")


@dataclass
class CountedTables:
    """Tables that note the transactions of one table."""

    tables: Tables
    transactions: list[list[tuple[str, str]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)

    async def write_rows(self, name: str, changes: Sequence[Change]) -> list[str | None]:
        if name == THREADS:
            self.transactions.append([place_of(change) for change in changes])
        return await self.tables.write_rows(name, changes)


class RenamingTransport(MemoryTransport):
    """A provider that gives every mail a Message-ID of its own."""

    async def send(self, envelope: Envelope) -> Accepted:
        await super().send(envelope)
        return Accepted(ids=(f"<renamed{len(self.sent)}@provider.example>",))


async def counted(**inbound: Any) -> tuple[Heed, CountedTables]:
    storage = memory_storage()
    tables = CountedTables(storage.tables)
    return await Heed(storage=replace(storage, tables=tables)).start(inbound=inbound), tables


async def rows(heed: Heed) -> set[tuple[str, str]]:
    return {(row.partition, row.key) async for row in heed.storage.tables.query(THREADS, EVERYTHING)}


@pytest.mark.parametrize(("inbound", "transactions"), [({}, 1), ({"smart_matching": True}, 2)])
async def test_a_sent_mail_costs_one_transaction_and_another_for_smart_matching(
    inbound: dict[str, Any], transactions: int
) -> None:
    heed, tables = await counted(**inbound)
    message = await heed.draft()
    assert tables.transactions == []
    await heed.post(f"/messages/{message}/send")
    assert len(tables.transactions) == transactions
    await heed.work()
    assert len(tables.transactions) == transactions


async def test_the_row_is_there_before_the_first_byte_leaves() -> None:
    found: list[list[IdHit]] = []

    class LookingTransport(MemoryTransport):
        async def send(self, envelope: Envelope) -> Outcome:
            found.append(await heed.services.threads.find_id("acme", envelope.message_id))
            return await super().send(envelope)

    heed = await Heed(transport=LookingTransport()).start()
    message = await heed.sent()
    assert found == [[IdHit(message, is_providers=False)]]


async def test_the_providers_id_is_known_once_the_provider_has_told_it() -> None:
    heed = await Heed(transport=RenamingTransport()).start()
    message = await heed.sent()
    assert await heed.services.threads.find_id("acme", "<renamed1@provider.example>") == [IdHit(message, True)]


async def test_rows_hold_no_address_no_subject_and_no_id_of_a_mail() -> None:
    heed, _ = await counted(smart_matching=True)
    message = await heed.sent(subject="Windmills of May")
    message_id = (await heed.get(f"/messages/{message}"))["message_id"]
    text = str([row async for row in heed.storage.tables.query(THREADS, EVERYTHING)]).lower()
    for typed in ("ada", "example", "windmills", message_id.strip("<>").partition("@")[0]):
        assert typed not in text


async def test_deleting_a_message_removes_its_rows_and_again_is_the_same() -> None:
    heed, _ = await counted(smart_matching=True)
    kept = await heed.sent()
    before = await rows(heed)
    message = await heed.draft(deliver_at="2026-06-01T08:00:00Z", in_reply_to=kept)
    await heed.post(f"/messages/{message}/send")
    assert len(await rows(heed)) == len(before) + 4
    loaded = await heed.services.messages.load("acme", message)
    assert loaded is not None
    await heed.api("DELETE", f"/messages/{message}")
    assert await rows(heed) == before
    await heed.services.threads.remove_message("acme", loaded.message)
    assert await rows(heed) == before


async def test_two_organizations_hash_the_same_id_differently() -> None:
    heed, _ = await counted()
    await heed.organization("globex")
    hashes = heed.services.address_hashes
    assert await hashes.hash_text("acme", "id|a@b") != await hashes.hash_text("globex", "id|a@b")
    assert await hashes.hash_text("acme", "a@b.example") != await hashes.hash_address("acme", "a@b.example")


def message_of(number: int, thread: int, id_number: int) -> StoredMessage:
    return StoredMessage(
        id=f"{number:032x}",
        state="sent",
        created_at=START.replace(minute=number),
        message_id=f"<{id_number}@acme.example>",
        conversation=f"{thread:032x}",
        thread_root=f"{thread:044x}",
        subject=f"Offer {id_number}",
        to=[{"email": "ada@example.com"}],
        **{"from": "rep1"},
    )


MESSAGES = st.lists(st.builds(message_of, st.integers(1, 20), st.integers(30, 32), st.integers(1, 3)), max_size=12)


@given(MESSAGES, st.randoms())
async def test_order_and_repetition_of_writes_change_nothing(messages: list[StoredMessage], chance: Any) -> None:
    messages = list({each.id: each for each in messages}.values())
    first, second = (await counted(smart_matching=True))[0], (await counted(smart_matching=True))[0]
    second.services.address_hashes._secrets["acme"] = "00" * 32
    first.services.address_hashes._secrets["acme"] = "00" * 32
    for each in messages:
        await first.services.threads.enter_message("acme", each)
    shuffled = messages + messages[: len(messages) // 2]
    chance.shuffle(shuffled)
    for each in shuffled:
        await second.services.threads.enter_message("acme", each)
    assert await rows(first) == await rows(second)
    for each in shuffled:
        await second.services.threads.remove_message("acme", each)
    assert await rows(second) == set()
