"""A link that is hit thousands of times a minute: every hit is answered and counted, and storage sees few writes."""

from __future__ import annotations

import asyncio

from lib.storage import Range
from lib.tracking.journal import FACTS_ROW, facts_of
from tests.support.heed import CHROME, Heed


async def test_every_hit_of_a_flood_is_answered_and_counted_as_a_machines(heed: Heed) -> None:
    message = await heed.sent()
    link, pixel = heed.urls("c")[0], heed.urls("o")[0]
    for _ in range(20):
        answers = await asyncio.gather(*(heed.hit(link, x_forwarded_for="203.0.113.7") for _ in range(100)))
        assert {answer.status for answer in answers} == {302}
    await heed.hit(pixel, x_forwarded_for="81.2.69.142")
    await heed.work()

    read = await heed.get(f"/messages/{message}")
    assert read["kpis"]["raw"] == {"opens": 1, "clicks": 2_000, "attachment_views": 0}
    assert (read["kpis"]["opens"], read["kpis"]["clicks"]) == (1, 0)
    assert read["kpis"]["machine"]["clicks"] == 2_000
    events = (await heed.get(f"/messages/{message}/timeline?limit=200"))["items"]
    assert len(events) == 1 + 122
    [rest] = [event for event in events if event["count"] > 1]
    assert (rest["kind"], rest["count"], rest["verdict"]["class"]) == ("click", 1_879, "machine")
    assert "1,878 more" in rest["verdict"]["reasons"][0]["text"]


async def test_a_flood_costs_storage_a_bounded_number_of_rows(heed: Heed) -> None:
    await heed.sent()
    link = heed.urls("c")[0]
    for _ in range(2_000):
        await heed.hit(link)
    await heed.work()
    journal = [row async for row in heed.storage.tables.query("heedacmejournal", Range(low="2", high="3"))]
    assert len(journal) <= 122


async def test_a_browser_that_wants_no_tracking_is_no_recipient_in_a_flood_either(heed: Heed) -> None:
    message = await heed.sent()
    for _ in range(200):
        await heed.hit(heed.urls("c")[0], agent=CHROME, sec_gpc="1")
    await heed.work()
    events = (await heed.get(f"/messages/{message}/timeline?limit=200"))["items"]
    assert {event["recipient"] for event in events} == {None}
    assert sum(event["count"] for event in events) == 200


async def test_an_app_that_ends_in_order_has_stored_every_hit(heed: Heed) -> None:
    await heed.sent()
    for _ in range(500):
        await heed.hit(heed.urls("c")[0])
    await heed.services.close()
    rows = [row async for row in heed.storage.tables.query("heedacmejournal", Range(low="2", high="3"))]
    assert sum(fact.count for row in rows if row.key == FACTS_ROW for fact in facts_of(row)) == 500
