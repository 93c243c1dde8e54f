"""A mail leaves, though the queue has lost what should wake it; what is no longer wanted is not looked at for ever."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from lib.clock import SetClock, rfc3339
from lib.ids import new_id
from lib.sending.orders import Wake, read_order
from lib.storage import Change, Range
from lib.storage.due_index import Due
from lib.storage.layout import DUE
from lib.storage.memory import MemoryQueues, MemoryTables, memory_storage
from lib.transports.memory import MemoryTransport
from tests.support.heed import ADMIN_KEY, START, Heed, InvocationError


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


async def told_to_go(heed: Heed, **fields: object) -> str:
    message = await heed.draft(**fields)
    await heed.post(f"/messages/{message}/send")
    return message


def lose_messages(heed: Heed) -> int:
    """How many of the queue `outbox` are gone now."""
    assert isinstance(heed.storage.queues, MemoryQueues)
    lost = 0
    while heed.storage.queues.take_message("outbox"):
        lost += 1
    return lost


def sent(heed: Heed) -> int:
    assert isinstance(heed.transport, MemoryTransport)
    return len(heed.transport.sent)


async def minutes_pass(heed: Heed, count: int) -> None:
    for _ in range(count):
        heed.clock.move(minutes=1)
        await heed.tick("sweep_due")
        await heed.work()


async def entries(heed: Heed) -> list[Due]:
    rows = heed.storage.tables.query(DUE, Range(high="state"))
    return [Due.from_row(row) async for row in rows]


async def test_what_a_worker_has_sent_is_told_by_the_next_one_if_it_died_before_that(heed: Heed) -> None:
    message = await told_to_go(heed)
    await heed.services.outbox.deliver("acme", message)
    assert [item["status"] for item in (await heed.get("/messages"))["items"]] == ["scheduled"]

    await heed.work("outbox")

    assert [item["status"] for item in (await heed.get("/messages"))["items"]] == ["sent"]
    assert sent(heed) == 1


async def test_a_mail_leaves_though_the_queue_lost_its_message(heed: Heed) -> None:
    await told_to_go(heed)
    assert lose_messages(heed) == 1

    await minutes_pass(heed, 1)

    assert sent(heed) == 1
    assert await entries(heed) == []


async def test_a_mail_leaves_though_the_queue_loses_its_messages_again_and_again(heed: Heed) -> None:
    await told_to_go(heed, deliver_at=rfc3339(START + timedelta(hours=1)))
    heed.clock.move(hours=1)
    for _ in range(60):
        await heed.tick("sweep_due")
        lose_messages(heed)
        heed.clock.move(minutes=1)

    await minutes_pass(heed, 15)

    assert sent(heed) == 1


async def test_a_mail_leaves_though_its_message_failed_for_good_and_has_expired(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told_to_go(heed)
    assert isinstance(heed.storage.queues, MemoryQueues)
    message = heed.storage.queues.take_message("outbox")
    assert message

    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as fault:
        fault.setattr(heed.services.outbox, "deliver", broken)
        for tries in range(1, 6):
            with pytest.raises(InvocationError):
                await heed.hand_over("outbox", message.body, tries)

    await minutes_pass(heed, 1)

    assert sent(heed) == 1


@pytest.mark.parametrize("swept", [True, False])
async def test_a_mail_leaves_though_an_instance_whose_clock_is_behind_took_it_too_early(
    heed: Heed, swept: bool
) -> None:
    """Nobody sweeps again: the wake that came too early has left another one, each minute."""
    at = {"deliver_at": rfc3339(START + timedelta(hours=1))} if swept else {}
    behind = Heed(clock=SetClock(START - timedelta(minutes=10)), storage=heed.storage, key=heed.key)
    message = await told_to_go(heed, **at)
    if swept:
        for each in (heed, behind):
            each.clock.move(hours=1)
        await heed.tick("sweep_due")

    for _ in range(10):
        assert isinstance(heed.storage.queues, MemoryQueues)
        [wake] = [each for each in heed.storage.queues.waiting if each.queue == "outbox"]
        heed.storage.queues.waiting = []
        await behind.hand_over("outbox", wake.body)
        assert sent(behind) == 0
        behind.clock.move(minutes=1)
    await behind.work()

    assert sent(behind) == 1
    assert (await behind.get(f"/messages/{message}"))["status"] == "sent"


async def test_mail_of_next_week_leaves_no_message_in_the_queue_when_its_old_time_comes(heed: Heed) -> None:
    message = await told_to_go(heed, deliver_at=rfc3339(START + timedelta(hours=1)))
    later = rfc3339(START + timedelta(days=7))
    await heed.put(f"/messages/{message}/schedule", {"deliver_at": later})
    heed.clock.move(hours=1)

    await minutes_pass(heed, 4)

    assert lose_messages(heed) == 0
    assert [rfc3339(entry.at) for entry in await entries(heed)] == [later]
    assert sent(heed) == 0
    heed.clock.move(days=7)
    await minutes_pass(heed, 1)
    assert sent(heed) == 1


async def test_nothing_is_left_of_a_mail_that_was_deleted(heed: Heed) -> None:
    message = await told_to_go(
        heed,
        deliver_at=rfc3339(START + timedelta(hours=1)),
        reminder={"title": "Call", "condition": "always", "at": rfc3339(START + timedelta(hours=2))},
    )

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200

    assert await entries(heed) == []


async def test_mail_of_an_organization_that_was_deleted_is_forgotten(heed: Heed) -> None:
    reminder = {"title": "Call", "condition": "always", "at": rfc3339(START + timedelta(hours=2))}
    await told_to_go(heed, deliver_at=rfc3339(START + timedelta(hours=1)), reminder=reminder)
    before = await entries(heed)
    assert (await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)).status < 300
    assert await entries(heed) == []
    # A request that was under way may write its entry after the deletion.
    for each in before:
        await heed.services.due.put_entry(each)
    heed.clock.move(hours=2)
    assert (await heed.request("GET", "/api/health")).status == 503

    for _ in range(4):
        heed.clock.move(minutes=1)
        await heed.tick("sweep_due")
        await heed.work()
        await heed.tick("remind")

    assert await entries(heed) == []
    assert (await heed.request("GET", "/api/health")).status == 200


class Paused(MemoryTables):
    """A request has written its entry of the due index, and waits before it writes the row."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[object] = []

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        if table == "heedacmemessages" and self.meanwhile:
            await self.meanwhile.pop()  # type: ignore[misc]
        return await super().write_rows(table, changes)


async def test_an_entry_whose_row_is_about_to_be_written_is_not_taken_for_a_stale_one() -> None:
    tables = Paused()
    heed = await Heed(storage=replace(memory_storage(), tables=tables)).start()
    message = await heed.draft()

    async def sweep_twice() -> None:
        for _ in range(2):
            await heed.tick("sweep_due")
            await heed.work("outbox")

    tables.meanwhile.append(sweep_twice())
    await heed.post(f"/messages/{message}/send")
    lose_messages(heed)

    await minutes_pass(heed, 2)

    assert sent(heed) == 1


@pytest.mark.parametrize("name", ["at", "times"])
@pytest.mark.parametrize("value", ["1", 1.5, True, []])
def test_a_wake_that_names_no_entry_properly_is_refused(name: str, value: object) -> None:
    wake = {"v": 1, "org": "acme", "message": new_id(), "at": 1, "times": 1}
    assert read_order(json.dumps(wake).encode()) == Wake("acme", str(wake["message"]), 1, 1)

    with pytest.raises(ValueError, match="no entry"):
        read_order(json.dumps({**wake, name: value}).encode())


@pytest.mark.parametrize("at", [-1, 10**30])
def test_a_wake_that_names_no_time_there_is_is_refused(at: int) -> None:
    with pytest.raises(ValueError, match="no entry"):
        read_order(json.dumps({"v": 1, "org": "acme", "message": new_id(), "at": at, "times": 3}).encode())
