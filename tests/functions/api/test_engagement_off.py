"""An organization that has switched engagement off: nothing new is followed, recorded or judged."""

from __future__ import annotations

from tests.support.heed import Heed


async def switch(heed: Heed, on: bool) -> None:
    await heed.organization("acme", engagement_enabled=on)
    heed.clock.move(minutes=2)


async def test_new_mail_is_not_followed(heed: Heed) -> None:
    await switch(heed, on=False)

    await heed.sent()

    assert heed.urls("c") == heed.urls("o") == []


async def test_links_in_old_mail_still_lead_where_they_led_and_nothing_is_kept(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    await switch(heed, on=False)

    click = await heed.hit(heed.urls("c")[0])
    await heed.work()

    assert (click.status, click.headers["location"]) == (302, "https://example.com/a?b=1&c=2")
    assert [event["kind"] for event in (await heed.get(f"/messages/{message}/timeline"))["items"]] == ["open"]
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["clicks"] == 0
    assert b"click" not in await journal(heed)


async def test_what_the_queue_has_lost_is_dropped_by_the_sweep(heed: Heed) -> None:
    message = await heed.sent()
    await switch(heed, on=False)
    await heed.hit(heed.urls("c")[0])
    await heed.services.journal.settle()
    heed.storage.queues.waiting.clear()  # type: ignore[attr-defined]

    heed.clock.move(minutes=15)
    await heed.tick("sweep_journal")

    assert (await heed.get(f"/messages/{message}/timeline"))["items"] == []
    assert b"click" not in await journal(heed)


async def test_what_was_recorded_stays_readable_and_new_hits_count_when_it_is_on_again(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    await switch(heed, on=False)
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 1
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    await switch(heed, on=True)
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    assert (await heed.get(f"/messages/{message}"))["kpis"]["raw"]["opens"] == 2


async def journal(heed: Heed) -> bytes:
    from lib.storage.protocols import EVERYTHING

    return str([row async for row in heed.storage.tables.query("heedacmejournal", EVERYTHING)]).encode()
