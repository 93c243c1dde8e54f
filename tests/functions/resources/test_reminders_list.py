"""The list of a user's reminders: what has not fired yet, soonest first, whatever became of the message."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from lib.storage import Range, Storage, Unavailable
from lib.storage.memory import memory_storage
from tests.support.cards import pass_time, scheduled
from tests.support.failing import FailingTables, Failure
from tests.support.heed import Heed


def reminder(day: int, title: str = "Call", condition: str = "always") -> dict[str, str]:
    return {"title": title, "condition": condition, "at": f"2026-05-{day:02d}T07:00:00Z"}


async def listed(heed: Heed, user: str = "rep1", query: str = "") -> list[Any]:
    return list((await heed.get(f"/reminders{query}", x_heed_user=user))["items"])


async def titles(heed: Heed, user: str = "rep1") -> list[str]:
    return [each["title"] for each in await listed(heed, user)]


async def test_reminders_of_sent_scheduled_and_unsent_mail_stand_soonest_first(heed: Heed) -> None:
    deal = {"type": "opportunity", "id": "o1", "name": "Big deal"}
    sent = await heed.sent(reminder=reminder(20, "sent", "no_reply"), subject="Offer", regarding=deal)
    await heed.draft(reminder=reminder(10, "draft"))
    await scheduled(heed, reminder=reminder(15, "scheduled"))
    await heed.draft()

    found = await listed(heed)

    assert [each["title"] for each in found] == ["draft", "scheduled", "sent"]
    assert found[2] == {
        "message": sent,
        "subject": "Offer",
        "status": "sent",
        "title": "sent",
        "condition": "no_reply",
        "at": "2026-05-20T07:00:00.000Z",
        "regarding": deal,
    }
    assert [each["status"] for each in found] == ["draft", "scheduled", "sent"]


async def test_reminders_are_the_acting_users_own_and_name_one_is_needed(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "two@acme.example", "name": "Two"})
    await heed.draft(reminder=reminder(10))

    assert await titles(heed, "rep2") == []
    assert (await heed.api("GET", "/reminders")).status == 400


async def test_a_list_of_reminders_comes_in_pages(heed: Heed) -> None:
    for day in (12, 10, 11, 10, 13):
        await heed.draft(reminder=reminder(day, f"{day}"))

    found, cursor = [], ""
    while True:
        page = await heed.get(f"/reminders?limit=2{cursor}", x_heed_user="rep1")
        found += [each["title"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={quote(page['next'])}"

    assert found == ["10", "10", "11", "12", "13"]


async def test_a_reminder_that_has_fired_or_was_met_is_no_longer_listed(heed: Heed) -> None:
    await heed.sent(reminder=reminder(5, "met", "not_opened"))
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    await heed.draft(reminder=reminder(5, "fired"))
    await heed.draft(reminder=reminder(9, "later"))
    assert sorted(await titles(heed)) == ["fired", "later", "met"]

    await pass_time(heed, days=1)

    assert await titles(heed) == ["later"]


async def test_a_change_of_the_reminder_or_the_message_shows_at_once(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "two@acme.example", "name": "Two", "opt_in": True})
    message = await heed.draft(reminder=reminder(10, "first"))

    await heed.put(f"/messages/{message}/reminder", reminder(12, "second"))
    assert [(each["title"], each["at"]) for each in await listed(heed)] == [("second", "2026-05-12T07:00:00.000Z")]
    await heed.api("PATCH", f"/messages/{message}", {"subject": "New", "from": "rep2"})
    assert await listed(heed) == []
    assert [each["subject"] for each in await listed(heed, "rep2")] == ["New"]
    await heed.api("DELETE", f"/messages/{message}/reminder")
    assert await listed(heed, "rep2") == []
    await heed.put(f"/messages/{message}/reminder", reminder(13, "third"))
    assert await titles(heed, "rep2") == ["third"]
    await heed.api("DELETE", f"/messages/{message}")
    assert await listed(heed, "rep2") == []


async def test_a_reminder_that_is_set_again_after_it_fired_is_listed_again(heed: Heed) -> None:
    message = await heed.sent(reminder=reminder(5))
    await pass_time(heed, days=1)
    assert await listed(heed) == []

    await heed.put(f"/messages/{message}/reminder", reminder(20, "again"))

    assert await titles(heed) == ["again"]


async def test_a_large_message_has_its_reminder_listed(heed: Heed) -> None:
    to = [{"email": f"p{number}@example.com", "name": "N" * 90} for number in range(120)]
    message = await heed.draft(to=to, reminder=reminder(10), subject="To many")

    assert [(each["message"], each["subject"]) for each in await listed(heed)] == [(message, "To many")]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_change_that_dies_anywhere_is_right_after_the_next_try(when: Any) -> None:
    """Storage fails for good at each operation of the change in turn; the client asks again."""
    for number in range(1, 40):
        failure = Failure()
        memory = memory_storage()
        heed = await Heed(storage=Storage(FailingTables(memory.tables, failure), memory.blobs, memory.queues)).start()
        message = await heed.draft(reminder=reminder(10, "first"))
        failure.arm(number, when)
        answer = await heed.api("PUT", f"/messages/{message}/reminder", reminder(12, "second"))
        failed = failure.count >= number
        failure.arm(0, when)
        if failed and answer.status != 200:
            await heed.put(f"/messages/{message}/reminder", reminder(12, "second"))

        assert [(each["title"], each["at"][8:10]) for each in await listed(heed)] == [("second", "12")], number
        rows = [row.key async for row in memory.tables.query("heedacmeindex", "reminders:rep1", Range.prefix("at|"))]
        assert len(rows) == 1, number
        if not failed:
            return
    raise AssertionError("the change never came to its end")


async def test_a_timer_that_dies_after_firing_leaves_no_reminder_in_the_list(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heed.draft(reminder=reminder(5))

    async def down(*_: Any, **__: Any) -> None:
        raise Unavailable("down")

    with monkeypatch.context() as fault:
        fault.setattr(heed.services.assessor, "refresh", down)
        await pass_time(heed, days=1)
    assert len(await listed(heed)) == 1

    await pass_time(heed, minutes=20)

    assert await listed(heed) == []
