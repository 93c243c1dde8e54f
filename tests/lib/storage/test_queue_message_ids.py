"""Which queue messages carry an id by which a repeat is dropped, and which must not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from lib.clock import rfc3339
from lib.storage import Queues
from lib.storage.due_index import Due
from lib.storage.memory import MemoryQueues, Sent
from lib.tracking.journal import RowsAndQueues
from lib.tracking.queue_messages import read_interactions
from tests.support.heed import Heed


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


def waiting(heed: Heed, queue: str) -> Sequence[Sent]:
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    return [sent for sent in queues.waiting if sent.queue == queue]


async def scheduled(heed: Heed) -> tuple[str, Due]:
    """A message for in an hour, and its entry of the due index."""
    at = heed.clock.now() + timedelta(hours=1)
    message = await heed.draft(deliver_at=rfc3339(at))
    await heed.post(f"/messages/{message}/send")
    return message, Due("send", at, "acme", message)


async def test_every_sweep_that_wakes_a_message_does_so_with_another_id(heed: Heed) -> None:
    _, due = await scheduled(heed)
    heed.clock.move(minutes=59, seconds=30)
    await heed.tick("sweep_due")
    await heed.tick("sweep_due")
    await heed.services.due.put_entry(due)  # it is scheduled once more, for the same time
    await heed.tick("sweep_due")

    ids = [sent.message_id or "" for sent in waiting(heed, "outbox")]

    assert len(set(ids)) == 3
    assert all(0 < len(each) <= 128 for each in ids)


async def test_a_message_that_was_woken_too_early_can_be_woken_again(heed: Heed) -> None:
    message, _ = await scheduled(heed)
    heed.clock.move(minutes=59, seconds=30)
    await heed.tick("sweep_due")
    [early] = waiting(heed, "outbox")
    heed.storage.queues.take_message("outbox")  # type: ignore[attr-defined]

    await heed.services.outbox.deliver("acme", message)

    [again] = waiting(heed, "outbox")
    assert early.message_id
    assert again.message_id is None


async def test_assessors_that_meet_at_an_open_ask_for_one_look(heed: Heed) -> None:
    await heed.sent()
    [pixel] = heed.urls("o")
    await heed.hit(pixel)
    await heed.services.journal.settle()
    [facts] = waiting(heed, "interactions")
    assert facts.message_id is None

    read = read_interactions(json.loads(facts.body))
    await heed.services.assessor.assess_facts("acme", read.facts)

    look = waiting(heed, "interactions")[-1]
    assert look.message_id
    assert look.message_id.startswith("refresh|acme|")


class Rows:
    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str]] = []

    async def insert(self, table: str, partition: str, key: str, columns: Mapping[str, str]) -> None:
        self.rows.append((table, partition, key))

    async def put_message(self, queue: str, body: str) -> None:
        raise AssertionError("messages go elsewhere")


async def test_the_journal_can_have_rows_and_messages_in_two_places() -> None:
    rows, queues = Rows(), MemoryQueues()

    async def load_queues() -> Queues:
        return queues

    writer = RowsAndQueues(rows, load_queues)

    await writer.insert("table", "partition", "key", {"facts": "[]"})
    await writer.put_message("interactions", "body")

    assert rows.rows == [("table", "partition", "key")]
    assert [(sent.queue, sent.body) for sent in queues.waiting] == [("interactions", "body")]
