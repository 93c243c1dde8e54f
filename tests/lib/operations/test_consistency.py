"""The consistency check: a tampered index is found and mended, and a sound organization has no finding."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from lib.operations.inconsistencies import Inconsistency
from lib.storage import Delete, Row, Unavailable, Upsert
from lib.storage.layout import DUE, table
from lib.storage.protocols import EVERYTHING
from tests.support.failing import Failure, failing_storage
from tests.support.heed import Heed

INDEX, RECORDS = table("acme", "index"), "records|engaged"


async def lived_in() -> tuple[Heed, str]:
    """An organization with mail that was sent, opened and clicked, mail that waits, a reminder, a snoozed card."""
    heed = await Heed().start()
    await heed.put("/records/account/a1", {"name": "Company"})
    parent = {"type": "account", "id": "a1"}
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"], "parent": parent})
    await heed.put("/users/rep1/alerts", {"digest": {"at": "08:00"}})
    message = await heed.sent()
    for path in (heed.urls("o")[0], heed.urls("c")[0], heed.urls("c")[0]):
        await heed.hit(path)
        heed.clock.move(minutes=3)
    await heed.work()
    recipients = [{"email": f"person{number}@example.com", "name": "x" * 60} for number in range(90)]
    await heed.draft(to=recipients)
    waiting = await heed.draft(
        deliver_at="2026-05-20T09:00:00Z", reminder={"title": "x", "condition": "always", "at": "2026-05-21T09:00:00Z"}
    )
    await heed.post(f"/messages/{waiting}/send")
    await heed.work()
    [card, *_] = (await heed.get("/cards?status=open", x_heed_user="rep1"))["items"]
    snoozed = await heed.api("POST", f"/cards/{card['id']}/snooze", {}, x_heed_user="rep1")
    assert snoozed.status == 200
    return heed, message


async def findings(heed: Heed, *, repair: bool = False) -> list[str]:
    found: list[Inconsistency] = []
    for check in heed.services.consistency_checks:
        async for finding in check.find("acme"):
            found.append(finding)
            if repair:
                await finding.repair()
    await heed.work()
    return [f"{each.about}: {each.text}" for each in found]


UNREADABLE = [
    (table("acme", "messages"), "f" * 32, "m", {"due", "lists", "records"}),
    (table("acme", "cards"), "rep1", "id|broken", {"due"}),
    (table("acme", "people"), "alerts", "rep9", {"due"}),
    (INDEX, RECORDS, "r|contact|c9", {"records"}),
    (INDEX, RECORDS, f"m|contact|c9|{'e' * 32}", {"records"}),
    (DUE, "send|broken", "no number|acme|x", set()),
]


@pytest.mark.parametrize(("name", "partition", "key", "parts"), UNREADABLE)
async def test_a_row_that_cannot_be_read_is_told_and_the_rest_is_mended(
    name: str, partition: str, key: str, parts: set[str]
) -> None:
    heed, _ = await lived_in()
    before = await everything(heed)
    await delete(heed, INDEX, "all", "")
    await heed.storage.tables.write_rows(name, [Upsert(Row(partition, key, {"v": 1, "d0": "[]"}))])

    found = await findings(heed, repair=True)

    assert {each.partition(":")[0] for each in found if "cannot be read" in each} == parts
    assert (await everything(heed))["/messages?view=all&sort=-opens"] == before["/messages?view=all&sort=-opens"]
    left = await findings(heed)
    assert [each for each in left if "cannot be read" not in each] == []
    row = await heed.storage.tables.read_row(name, partition, key)
    assert row is not None


async def everything(heed: Heed) -> dict[str, object]:
    """What a CRM sees of it all."""
    seen: dict[str, object] = {}
    for path in ("/messages?view=all&sort=-opens", "/messages?view=scheduled", "/messages?view=followed&sort=subject"):
        seen[path] = [each["id"] for each in (await heed.get(path))["items"]]
    for path in ("/records/contact/c1", "/records/account/a1"):
        seen[path] = (await heed.get(path))["engagement"]
    seen["due"] = sorted([row.key async for row in heed.storage.tables.query(DUE, EVERYTHING) if "|" in row.key])
    seen["index"] = sorted([(row.partition, row.key) async for row in heed.storage.tables.query(INDEX, EVERYTHING)])
    return seen


async def test_a_sound_organization_has_no_finding() -> None:
    heed, _ = await lived_in()

    assert await findings(heed) == []
    heed.clock.move(days=3)
    assert await findings(heed) == []


async def delete(heed: Heed, name: str, partition: str, beginning: str) -> None:
    tables = heed.storage.tables
    rows = [row async for row in tables.query(name, EVERYTHING) if row.partition.startswith(partition)]
    gone = [row for row in rows if row.key.startswith(beginning)]
    assert gone
    for row in gone:
        await tables.write_rows(name, [Delete(row.partition, row.key)])


async def change(heed: Heed, partition: str, beginning: str, old: str, new: str) -> None:
    tables = heed.storage.tables
    changed = 0
    async for row in tables.query(INDEX, EVERYTHING):
        if row.partition.startswith(partition) and row.key.startswith(beginning):
            values = {name: str(each).replace(old, new) if name != "v" else each for name, each in row.values.items()}
            changed += values != row.values
            await tables.write_rows(INDEX, [Upsert(Row(row.partition, row.key, values))])
    assert changed


async def lose_due_entries(heed: Heed) -> None:
    for kind in ("send|", "remind|", "wake|", "digest|"):
        await delete(heed, DUE, kind, "")


async def lose_rows_of_a_list(heed: Heed) -> None:
    await delete(heed, INDEX, "all", "followed|-sent_at")
    await delete(heed, INDEX, "all", "followed|opens")


async def lose_marks(heed: Heed) -> None:
    await delete(heed, INDEX, "user:rep1", "mark|")


async def lose_a_large_message(heed: Heed) -> None:
    await delete(heed, INDEX, "whole", "")


async def change_rows_of_a_list(heed: Heed) -> None:
    await change(heed, "all", "followed|subject", "Hello", "Tampered")


async def put_a_row_into_a_list(heed: Heed) -> None:
    rows = heed.storage.tables.query(INDEX, "all", EVERYTHING)
    [row, *_] = [row async for row in rows if row.key.startswith("followed|opens|2")]
    key = row.key.replace("|2|", "|1|")
    await heed.storage.tables.write_rows(INDEX, [Upsert(Row("user:other", key, row.values))])


async def lose_a_contribution(heed: Heed) -> None:
    await delete(heed, INDEX, RECORDS, "m|contact|c1")


async def change_a_sum(heed: Heed) -> None:
    await change(heed, RECORDS, "r|account|a1", '"click":1', '"click":7')


async def add_a_contribution(heed: Heed) -> None:
    rows = heed.storage.tables.query(INDEX, RECORDS, EVERYTHING)
    [row, *_] = [row async for row in rows if row.key.startswith("m|contact|c1")]
    tampered = Row(RECORDS, f"m|contact|c1|{'f' * 32}", row.values)
    await heed.storage.tables.write_rows(INDEX, [Upsert(tampered)])


TAMPERINGS = (
    (lose_due_entries, "due: "),
    (lose_rows_of_a_list, "lists: "),
    (lose_marks, "lists: "),
    (lose_a_large_message, "lists: "),
    (change_rows_of_a_list, "lists: "),
    (put_a_row_into_a_list, "lists: "),
    (lose_a_contribution, "records: "),
    (change_a_sum, "records: "),
    (add_a_contribution, "records: "),
)


@pytest.mark.parametrize(("tamper", "part"), TAMPERINGS)
async def test_a_tampered_index_is_found_and_mended(tamper: Callable[[Heed], Awaitable[None]], part: str) -> None:
    heed, _ = await lived_in()
    before = await everything(heed)

    await tamper(heed)
    told = await findings(heed)
    untouched = await findings(heed)
    mended = await findings(heed, repair=True)

    assert [each for each in told if each.startswith(part)]
    assert told == untouched
    assert set(mended) & set(told)
    assert await findings(heed) == []
    assert await everything(heed) == before


async def test_evidence_of_before_retention_and_of_no_message_goes() -> None:
    heed, message = await lived_in()
    tables, name = heed.storage.tables, table("acme", "evidence")
    rows = [row async for row in tables.query(name, EVERYTHING)]
    assert rows
    [row] = [row for row in rows if row.partition.startswith("c")][:1]
    old, gone = row.key.replace(message, "e" * 32), row.key.replace(message, "f" * 32)
    await tables.write_rows(name, [Upsert(Row(row.partition, gone, row.values))])
    await tables.write_rows(name, [Upsert(Row(row.partition, old, {**row.values, "at": 1}))])
    await tables.write_rows(name, [Upsert(Row(row.partition, "nonsense", {"v": 1}))])

    told = await findings(heed, repair=True)

    assert len(told) == 3
    assert [each async for each in tables.query(name, EVERYTHING)] == rows
    heed.clock.move(days=91)
    await findings(heed, repair=True)
    assert [each async for each in tables.query(name, EVERYTHING)] == []


async def test_a_repair_that_dies_is_ended_by_another_run() -> None:
    """It dies at one operation after the other."""
    heed, _ = await lived_in()
    before = await everything(heed)
    failure, died = Failure(), 0
    for number in range(1, 200, 7):
        for tamper, _ in TAMPERINGS[1:5]:
            await tamper(heed)
        storage = replace(failing_storage(heed.storage, failure), queues=heed.storage.queues)
        failing = Heed(storage=storage, clock=heed.clock)
        failure.arm(number, "after")
        try:
            await findings(failing, repair=True)
        except Unavailable:
            died += 1
        failure.arm(0, "before")
        await findings(heed, repair=True)
        assert await findings(heed) == []
    assert died >= 10
    assert await everything(heed) == before
