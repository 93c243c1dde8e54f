"""Delivery at a chosen time, and reminders."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lib.storage.memory import MemoryQueues
from lib.transports.memory import MemoryTransport
from tests.support.cards import TOMORROW, cards, entries, pass_time, scheduled
from tests.support.heed import GMAIL, Heed


def sent(heed: Heed) -> int:
    assert isinstance(heed.transport, MemoryTransport)
    return len(heed.transport.sent)


async def test_a_scheduled_mail_leaves_at_its_time_and_not_before(heed: Heed) -> None:
    message = await scheduled(heed)

    await pass_time(heed, hours=12)
    assert sent(heed) == 0

    await pass_time(heed, hours=9, minutes=30)
    assert sent(heed) == 1
    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"


async def test_the_sweep_hands_over_a_minute_ahead_with_the_delay_that_is_left(heed: Heed) -> None:
    await scheduled(heed)
    heed.clock.move(hours=21, minutes=29, seconds=20)

    await heed.tick("sweep_due")

    assert isinstance(heed.storage.queues, MemoryQueues)
    [wake] = [each for each in heed.storage.queues.waiting if each.queue == "outbox"]
    assert wake.delay.total_seconds() == 40


async def test_ticks_that_were_missed_for_hours_are_caught_up_oldest_first(heed: Heed) -> None:
    early = await scheduled(heed, subject="early")
    late = await heed.draft(deliver_at="2026-05-05T09:00:00Z", subject="late")
    await heed.post(f"/messages/{late}/send")
    await heed.tick("sweep_due")

    await pass_time(heed, days=3)

    assert isinstance(heed.transport, MemoryTransport)
    subjects = [b"early" in envelope.mime for envelope in heed.transport.sent]
    assert subjects == [True, False]
    assert (await heed.get(f"/messages/{early}"))["status"] == "sent"


async def test_sweeping_again_hands_over_nothing_twice(heed: Heed) -> None:
    await scheduled(heed)

    await pass_time(heed, days=1)
    await pass_time(heed, minutes=1)
    await pass_time(heed, hours=1)

    assert sent(heed) == 1


async def test_a_changed_time_is_the_one_that_counts(heed: Heed) -> None:
    message = await scheduled(heed)

    moved = await heed.put(f"/messages/{message}/schedule", {"deliver_at": "2026-05-06T07:00:00Z"})
    assert moved["status_text"] == "Scheduled to send Wed 6 May 2026 7:00"
    await pass_time(heed, days=1)
    assert sent(heed) == 0
    await pass_time(heed, days=1)
    assert sent(heed) == 1


async def test_an_earlier_time_counts_too(heed: Heed) -> None:
    message = await scheduled(heed)
    await heed.api("PATCH", f"/messages/{message}", {"deliver_at": "2026-05-04T10:00:00Z"})

    await pass_time(heed, minutes=31)

    assert sent(heed) == 1


async def test_without_its_delay_a_waiting_mail_goes_at_once(heed: Heed) -> None:
    message = await scheduled(heed)

    answer = await heed.api("DELETE", f"/messages/{message}/schedule")
    await heed.work()

    assert (answer.status, answer.json["deliver_at"]) == (200, None)
    assert sent(heed) == 1


async def test_a_drafts_time_can_be_set_and_taken_away_without_sending(heed: Heed) -> None:
    message = await heed.draft()

    put = await heed.put(f"/messages/{message}/schedule", {"deliver_at": TOMORROW})
    assert (put["status"], put["deliver_at"]) == ("draft", "2026-05-05T07:00:00.000Z")
    deleted = await heed.api("DELETE", f"/messages/{message}/schedule")
    assert (deleted.json["status"], deleted.json["deliver_at"]) == ("draft", None)


async def test_once_it_is_sent_the_time_stays(heed: Heed) -> None:
    message = await heed.sent()

    answer = await heed.api("PUT", f"/messages/{message}/schedule", {"deliver_at": TOMORROW})

    assert answer.status == 409


async def test_a_scheduled_mail_can_be_deleted_and_does_not_leave(heed: Heed) -> None:
    message = await scheduled(heed)

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200
    await pass_time(heed, days=1)

    assert sent(heed) == 0


async def test_the_scheduled_view_holds_what_waits(heed: Heed) -> None:
    message = await scheduled(heed)
    await heed.draft()

    assert [item["id"] for item in (await heed.get("/messages?view=scheduled"))["items"]] == [message]
    await pass_time(heed, days=1)
    assert (await heed.get("/messages?view=scheduled"))["items"] == []


@pytest.mark.parametrize(
    ("fields", "loc", "word"),
    [
        ({"deliver_at": "2026-05-04T09:00:00Z"}, ["deliver_at"], "the time is in the past"),
        ({"reminder": {"title": "t", "condition": "always", "at": "2026-05-04T09:00:00Z"}}, ["reminder", "at"], "past"),
        (
            {"deliver_at": TOMORROW, "reminder": {"title": "t", "condition": "always", "at": "2026-05-05T06:00:00Z"}},
            ["reminder", "at"],
            "not after the delivery",
        ),
        (
            {"follow": False, "reminder": {"title": "t", "condition": "not_opened", "at": TOMORROW}},
            ["reminder", "condition"],
            "followed",
        ),
    ],
)
async def test_times_that_make_no_sense_are_named(heed: Heed, fields: Any, loc: list[str], word: str) -> None:
    body = {"from": "rep1", "to": [{"email": "ada@example.com"}], "html": "x", **fields}

    answer = await heed.api("POST", "/messages", body)

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, loc)
    assert word in answer.json["detail"]


async def test_moving_the_delivery_behind_the_reminder_is_refused(heed: Heed) -> None:
    message = await scheduled(heed, reminder={"title": "Call", "condition": "always", "at": "2026-05-05T09:00:00Z"})

    answer = await heed.api("PUT", f"/messages/{message}/schedule", {"deliver_at": "2026-05-06T07:00:00Z"})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["reminder", "at"])


def reminder(condition: str = "not_opened", title: str = "Ask Ada") -> dict[str, str]:
    return {"title": title, "condition": condition, "at": TOMORROW}


async def test_a_reminder_comes_as_a_pressing_card_once(heed: Heed) -> None:
    message = await heed.sent(reminder=reminder())
    read = await heed.get(f"/messages/{message}")
    assert read["reminder"]["status_text"] == "Reminds you tomorrow 7:00 if not opened"

    await pass_time(heed, days=1)
    await pass_time(heed, minutes=1)

    [card] = await cards(heed)
    assert (card["kind"], card["priority"], card["title"]) == ("reminder", "high", "Ask Ada")
    assert "has not been opened" in card["text"]
    assert (card["message"], card["recipient"]["email"]) == (message, "ada@example.com")
    heed.clock.move(days=1)
    read = await heed.get(f"/messages/{message}")
    assert (read["reminder"]["state"], read["reminder"]["status_text"]) == ("reminded", "Reminded you yesterday")


async def test_a_person_who_opened_it_makes_the_reminder_needless(heed: Heed) -> None:
    message = await heed.sent(reminder=reminder())
    await heed.hit(heed.urls("o")[0], GMAIL)
    await heed.work()

    await pass_time(heed, days=1)

    assert [card["kind"] for card in await cards(heed)] == ["email_opened"]
    read = await heed.get(f"/messages/{message}")
    assert (read["reminder"]["state"], read["reminder"]["status_text"]) == ("met", "No reminder needed: it was opened")


async def test_a_machine_that_opened_it_does_not_cancel_the_reminder(heed: Heed) -> None:
    await heed.sent(reminder=reminder())
    await heed.hit(heed.urls("o")[0], "curl/8.5")
    await heed.work()

    await pass_time(heed, days=1)

    assert [card["kind"] for card in await cards(heed)] == ["reminder"]


async def test_when_only_apple_opened_it_the_card_says_that_nobody_can_know(heed: Heed) -> None:
    await heed.sent(reminder=reminder())
    await heed.hit(heed.urls("o")[0], "Mozilla/5.0")
    await heed.work()

    await pass_time(heed, days=1)

    [card] = await cards(heed)
    assert "cannot be known" in card["text"]


@pytest.mark.parametrize(("condition", "word"), [("always", "asked to be reminded"), ("no_reply", "no reply")])
async def test_other_conditions_say_what_they_are_about(heed: Heed, condition: str, word: str) -> None:
    await heed.sent(follow=False, reminder=reminder(condition))

    await pass_time(heed, days=1)

    [card] = await cards(heed)
    assert word in card["text"]


async def test_a_reminder_can_be_set_changed_and_removed_after_sending(heed: Heed) -> None:
    message = await heed.sent()

    await heed.put(f"/messages/{message}/reminder", reminder("no_reply"))
    later = {**reminder("no_reply"), "at": "2026-05-07T07:00:00Z"}
    await heed.put(f"/messages/{message}/reminder", later)
    await pass_time(heed, days=1)
    assert await cards(heed) == []

    removed = await heed.api("DELETE", f"/messages/{message}/reminder")
    assert removed.json["reminder"] is None
    await pass_time(heed, days=5)
    assert await cards(heed) == []


async def test_a_reminder_that_fired_can_be_set_again_and_its_old_card_goes(heed: Heed) -> None:
    message = await heed.sent(reminder=reminder("no_reply"))
    await pass_time(heed, days=1)

    await heed.put(f"/messages/{message}/reminder", {**reminder("no_reply"), "at": "2026-05-07T07:00:00Z"})

    assert await cards(heed) == []
    [done] = await cards(heed, "done")
    assert done["withdrawn_because"] == "The reminder was changed."
    await pass_time(heed, days=3)
    assert len(await cards(heed)) == 1


async def test_two_timers_that_race_make_one_card(heed: Heed) -> None:
    await heed.sent(reminder=reminder("no_reply"))
    heed.clock.move(days=1)

    await asyncio.gather(heed.tick("remind"), heed.tick("remind"))

    assert len(await cards(heed)) == 1
    await heed.tick("remind")
    assert len(await cards(heed)) == 1


async def test_a_reminder_of_a_mail_that_never_left_says_so(heed: Heed) -> None:
    await heed.draft(reminder=reminder("no_reply"))

    await pass_time(heed, days=1)

    [card] = await cards(heed)
    assert "has not been sent" in card["text"]


async def test_a_reminder_that_fired_is_not_looked_at_again(heed: Heed) -> None:
    await heed.sent(reminder=reminder("no_reply"))

    await pass_time(heed, days=1)

    assert len(await cards(heed)) == 1
    assert await entries(heed) == []


async def test_a_reminder_that_was_changed_or_removed_is_not_looked_at_at_its_old_time(heed: Heed) -> None:
    message = await heed.sent(reminder=reminder("no_reply"))
    path, later = f"/messages/{message}/reminder", "2026-05-07T07:00:00.000Z"

    await heed.put(path, {**reminder("no_reply"), "at": later})
    assert await entries(heed) == [later]
    await heed.put(path, {**reminder("always"), "at": later})
    assert await entries(heed) == [later]
    patched = await heed.api("PATCH", f"/messages/{message}", {"reminder": None})

    assert patched.status == 200
    assert await entries(heed) == []


async def test_a_reminder_that_cannot_be_fired_holds_up_no_other_and_comes_again(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = await heed.draft(reminder=reminder("always", "bad"))
    for number in range(3):
        await heed.draft(reminder=reminder("always", f"good {number}"))
    load = heed.services.messages.load

    async def broken(organization: str, message: str) -> Any:
        if message == bad:
            raise ValueError("a row that nobody can read")
        return await load(organization, message)

    with monkeypatch.context() as fault:
        fault.setattr(heed.services.messages, "load", broken)
        await pass_time(heed, days=1)
        assert {card["title"] for card in await cards(heed)} == {"good 0", "good 1", "good 2"}

    await pass_time(heed, minutes=1)
    assert len(await cards(heed)) == 4


async def test_a_card_that_cannot_come_back_holds_up_no_reminder(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    await heed.draft(reminder=reminder("always", "snoozed"))
    await pass_time(heed, days=1)
    [card] = await cards(heed)
    await heed.api("POST", f"/cards/{card['id']}/snooze", x_heed_user="rep1")
    await heed.draft(reminder={**reminder("always", "new"), "at": "2026-05-05T10:35:00Z"})

    async def broken(*_: object) -> bool:
        raise ValueError("a row that nobody can read")

    with monkeypatch.context() as fault:
        fault.setattr(heed.services.cards, "wake", broken)
        await pass_time(heed, minutes=70)
        assert [each["title"] for each in await cards(heed)] == ["new"]

    await pass_time(heed, minutes=1)
    assert {each["title"] for each in await cards(heed)} == {"new", "snoozed"}


@pytest.mark.parametrize(
    "timer",
    ["sweep_due", "remind", "sweep_journal", "tidy_engaged_records", "delete_kept_answers", "watch_dead_letters"],
)
async def test_timers_have_nothing_to_do_before_there_is_an_organization(timer: str) -> None:
    await Heed().tick(timer)


async def test_a_scheduled_mail_is_taken_back_changed_and_sent_again(heed: Heed) -> None:
    message = await scheduled(heed, subject="too early")

    back = await heed.post(f"/messages/{message}/take-back")
    assert back["status"] == "draft"
    assert not await entries(heed)
    await pass_time(heed, days=2)
    assert sent(heed) == 0
    await heed.api("PATCH", f"/messages/{message}", {"subject": "in time", "deliver_at": None})
    await heed.post(f"/messages/{message}/send")
    await heed.work()

    assert sent(heed) == 1
    assert b"in time" in heed.mail()


async def test_the_request_that_had_a_mail_sent_sends_it_no_more_when_it_was_taken_back(heed: Heed) -> None:
    ada = [{"email": "ada@example.com"}]
    body = {"from": "rep1", "to": ada, "text": "Hi", "deliver_at": TOMORROW, "send": True}
    made = await heed.api("POST", "/messages", body, idempotency_key="k")
    await heed.post(f"/messages/{made.json['id']}/take-back")

    await heed.api("POST", "/messages", body, idempotency_key="k")
    await pass_time(heed, days=2)

    assert sent(heed) == 0


async def test_what_has_left_or_was_never_told_to_go_is_not_taken_back(heed: Heed) -> None:
    message = await heed.sent()
    assert (await heed.api("POST", f"/messages/{message}/take-back")).status == 409
    draft = await heed.draft()
    assert (await heed.post(f"/messages/{draft}/take-back"))["status"] == "draft"
