"""Storage in memory keeps the promises that Azure Storage keeps."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from lib.storage import Insert, Row, Storage, Value
from lib.storage.memory import MemoryBlobs, MemoryQueues, memory_storage
from tests.support.dead_letter_suite import Bury, DeadLetterSuite, Take
from tests.support.storage_suite import BlobSuite, Fetch, TableSuite


@pytest.fixture
def storage() -> Storage:
    return memory_storage()


@pytest.fixture
def fetch(storage: Storage) -> Fetch:
    assert isinstance(storage.blobs, MemoryBlobs)
    blobs = storage.blobs

    async def answer(method: str, url: str) -> tuple[int, Mapping[str, str], bytes]:
        return blobs.request(method, url, datetime.now(UTC))

    return answer


class TestMemoryTables(TableSuite):
    """The shared suite."""


class TestMemoryBlobs(BlobSuite):
    """The shared suite."""


class TestMemoryDeadLetters(DeadLetterSuite):
    """The shared suite."""

    @pytest.fixture
    def queues(self) -> MemoryQueues:
        return MemoryQueues()

    @pytest.fixture
    def name(self) -> str:
        return "work"

    @pytest.fixture
    def bury(self, queues: MemoryQueues) -> Bury:
        async def give_up(queue: str, body: bytes) -> None:
            queues.dead_letters.bury(queue, body, datetime.now(UTC))

        return give_up

    @pytest.fixture
    def take(self, queues: MemoryQueues) -> Take:
        async def take_some(queue: str, count: int) -> list[bytes]:
            return [sent.body.encode() for _ in range(count) if (sent := queues.take_message(queue))]

        return take_some


async def test_messages_wait_in_the_order_in_which_they_came_with_their_delay() -> None:
    queues = MemoryQueues()
    await queues.send("mine", "first")
    await queues.send("other", "not mine")
    await queues.send("mine", "second", timedelta(seconds=5))
    taken = [queues.take_message("mine"), queues.take_message("mine")]
    assert [(sent.body, sent.delay) for sent in taken if sent] == [
        ("first", timedelta(0)),
        ("second", timedelta(seconds=5)),
    ]
    assert queues.take_message("mine") is None


async def test_changing_what_was_written_does_not_change_what_is_stored(storage: Storage) -> None:
    await storage.tables.create("table")
    values: dict[str, Value] = {"name": "as written"}
    await storage.tables.write_rows("table", [Insert(Row("p", "r", values))])
    values["name"] = "changed"
    found = await storage.tables.read_row("table", "p", "r")
    assert found
    assert found.values == {"name": "as written"}
