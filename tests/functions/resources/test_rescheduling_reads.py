"""Moving a message to another time asks nobody's wishes: no record or consent of a recipient is read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lib.clock import rfc3339
from lib.storage.memory import MemoryTables
from tests.support.heed import START, Heed

LATER, LATER_STILL, LAST = (rfc3339(START + timedelta(hours=hours)) for hours in (1, 2, 3))
TO = [{"email": f"p{n}@example.com", "record": {"type": "contact", "id": f"c{n}"}} for n in range(5)]


NO = {"follow": "do_not_allow"}

Change = tuple[str, str, object]
CHANGES: dict[str, Change] = {
    "a patch": ("PATCH", "", {"deliver_at": LATER_STILL}),
    "another time": ("PUT", "/schedule", {"deliver_at": LATER_STILL}),
    "at once": ("DELETE", "/schedule", None),
}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The partitions that are read of the table of people, which holds records and consents."""
    reads = list[str]()
    read_row, query = MemoryTables.read_row, MemoryTables.query

    def note(table: str, partition: object) -> None:
        if table.endswith("people"):
            reads.append(str(partition))

    def noting_row(self: MemoryTables, table: str, partition: str, key: str) -> Any:
        note(table, partition)
        return read_row(self, table, partition, key)

    def noting_query(self: MemoryTables, table: str, partition: Any, *rest: Any, **more: Any) -> Any:
        note(table, partition)
        return query(self, table, partition, *rest, **more)

    monkeypatch.setattr(MemoryTables, "read_row", noting_row)
    monkeypatch.setattr(MemoryTables, "query", noting_query)
    return reads


async def scheduled(heed: Heed, **fields: Any) -> str:
    message = await heed.draft(to=TO, deliver_at=LATER, **fields)
    await heed.post(f"/messages/{message}/send")
    return message


async def change(heed: Heed, message: str, asked: Change) -> Any:
    method, path, body = asked
    return await heed.api(method, f"/messages/{message}{path}", body)


@pytest.mark.parametrize("asked", CHANGES.values(), ids=CHANGES)
async def test_another_time_reads_no_recipients_record(heed: Heed, reads: list[str], asked: Change) -> None:
    message = await scheduled(heed)
    reads.clear()

    answer = await change(heed, message, asked)

    assert (answer.status, answer.json["follow_state"]["state"]) == (200, "on")
    assert reads == []


async def test_a_reminder_of_a_mail_that_is_not_opened_asks_whether_it_is_followed(
    heed: Heed, reads: list[str]
) -> None:
    message = await scheduled(heed, reminder={"title": "Call", "condition": "not_opened", "at": LAST})
    await heed.put("/consents/p3@example.com", NO)
    reads.clear()

    answer = await change(heed, message, CHANGES["another time"])

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["reminder", "condition"]
    assert reads


async def test_a_scheduled_message_is_read_with_what_recipients_say_now(heed: Heed) -> None:
    message = await scheduled(heed)
    await heed.put("/consents/p3@example.com", NO)

    assert (await heed.get(f"/messages/{message}"))["follow_state"]["blocked_by"] == ["p3@example.com"]
