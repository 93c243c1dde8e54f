"""Cards of mail that came back: one for each mail, which says who it is from and what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.ids import new_id
from lib.tracking.answer_details import AnswerDetails, details_of
from lib.tracking.facts import AnswerKind, Fact, answer_fact
from lib.tracking.requests import new_fact
from tests.support.answering import answered
from tests.support.cards import act, cards, pass_time
from tests.support.heed import Heed

ADA = {"email": "ada@example.com", "name": "Ada"}
BOB = {"email": "bob@example.com", "name": ""}
BACK = datetime(2026, 5, 18, tzinfo=UTC)


async def test_a_reply_is_told_at_once_with_who_wrote_it_and_which_mail_it_is(heed: Heed) -> None:
    message = await heed.sent()

    fact = await answered(heed, message)

    [card] = await cards(heed)
    assert (card["kind"], card["priority"], card["title"]) == ("reply", "high", "Ada replied")
    assert card["text"] == "There is an answer to “Hello”."
    assert (card["message"], card["mail"]) == (message, fact.mail)
    assert card["recipient"]["email"] == "ada@example.com"


async def test_each_reply_has_its_own_card_and_the_same_mail_twice_has_one(heed: Heed) -> None:
    message = await heed.sent()
    first = await answered(heed, message)
    heed.clock.move(hours=1)
    await answered(heed, message)

    await heed.services.assessor.assess_facts("acme", [first])

    assert [card["title"] for card in await cards(heed)] == ["Ada replied", "Ada replied"]


async def test_a_dismissed_reply_stays_dismissed(heed: Heed) -> None:
    message = await heed.sent()
    await answered(heed, message)
    [card] = await cards(heed)
    await act(heed, card["id"], "dismiss")

    await heed.services.assessor.refresh("acme", message)

    assert await cards(heed) == []


async def test_an_answer_of_an_unknown_recipient_names_nobody(heed: Heed) -> None:
    message = await heed.sent(to=[ADA, BOB])

    await answered(heed, message, recipient=None)

    [card] = await cards(heed)
    assert (card["title"], card["recipient"]) == ("Someone replied", None)


async def test_an_automatic_reply_tells_the_day_of_return(heed: Heed) -> None:
    message = await heed.sent()

    await answered(heed, message, "auto_reply", details=AnswerDetails(back_at=BACK))

    [card] = await cards(heed)
    assert (card["kind"], card["priority"]) == ("auto_reply", "normal")
    assert card["title"] == "Ada is away until Mon 18 May 2026"
    assert card["back_at"] == "2026-05-18T00:00:00.000Z"


async def test_an_automatic_reply_without_a_date_promises_none(heed: Heed) -> None:
    await answered(heed, await heed.sent(), "auto_reply")

    [card] = await cards(heed)
    assert (card["title"], card["back_at"]) == ("A program answered for Ada", None)


async def test_a_bounce_names_the_recipients_whom_the_mail_did_not_reach(heed: Heed) -> None:
    message = await heed.sent(to=[ADA, BOB, {"email": "eve@example.com"}])

    await answered(heed, message, "bounce", None, AnswerDetails(failed=(0, 1), code="5.1.1"))

    [card] = await cards(heed)
    assert (card["kind"], card["priority"]) == ("bounce", "high")
    assert card["title"] == "Your mail did not reach 2 of 3 recipients"
    assert "Ada (5.1.1)" in card["text"]
    assert "bob@example.com (5.1.1)" in card["text"]
    assert "eve@example.com" not in card["text"]


async def test_a_delay_is_told_as_a_delay(heed: Heed) -> None:
    message = await heed.sent(to=[ADA, BOB])

    await answered(heed, message, "bounce", 1, AnswerDetails(delayed=(1,), code="4.4.1"))

    [card] = await cards(heed)
    assert (card["priority"], card["title"]) == ("normal", "Your mail has not reached bob@example.com yet")
    assert "(4.4.1)" in card["text"]


async def test_a_complaint_is_told(heed: Heed) -> None:
    await answered(heed, await heed.sent(), "complaint")

    [card] = await cards(heed)
    assert (card["kind"], card["priority"], card["title"]) == (
        "complaint",
        "high",
        "Ada reported your mail as unwanted",
    )


@pytest.mark.parametrize("kind", ["read_receipt", "forward"])
async def test_what_needs_nothing_has_no_card(heed: Heed, kind: AnswerKind) -> None:
    await answered(heed, await heed.sent(), kind)

    assert [card for card in await cards(heed) if card["kind"] != "email_opened"] == []


async def test_a_reply_to_a_busy_mail_keeps_its_card_when_the_old_hits_are_folded(heed: Heed) -> None:
    message = await heed.sent()
    reply = await answered(heed, message)
    now, networks = heed.clock.now(), heed.services.catalogues.networks
    opens: list[Fact] = [
        new_fact(
            "open",
            message,
            now + timedelta(seconds=second),
            "GET",
            {"user-agent": "curl/8.5", "x-forwarded-for": "93.184.216.34"},
            recipient=0,
            trusted_hops=1,
            networks=networks,
        )
        for second in range(600)
    ]
    await heed.services.assessor.assess_facts("acme", opens)
    heed.clock.move(hours=3)
    await heed.services.assessor.refresh("acme", message)

    await heed.services.assessor.refresh("acme", message)

    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1
    assert [card["mail"] for card in await cards(heed) if card["kind"] == "reply"] == [reply.mail]


def test_details_survive_the_fact_and_foreign_headers_are_no_details() -> None:
    details = AnswerDetails(BACK, failed=(0, 12), delayed=(3,), code="5.1.1")
    fact = answer_fact("bounce", new_id(), BACK, new_id(), None, details.to_headers())
    odd = answer_fact("bounce", new_id(), BACK, new_id(), None, {"failed": "x", "back-at": "soon"})

    assert details_of(Fact.from_json(fact.to_json())) == details
    assert details_of(odd) == AnswerDetails()


async def test_a_reminder_of_no_reply_that_has_fired_goes_when_the_reply_comes(heed: Heed) -> None:
    at = (heed.clock.now() + timedelta(days=1)).isoformat()
    message = await heed.sent(reminder={"title": "Call Ada", "condition": "no_reply", "at": at})
    await pass_time(heed, days=1)
    fired = [card["kind"] for card in await cards(heed)]

    await answered(heed, message)

    assert fired == ["reminder"]
    assert [card["kind"] for card in await cards(heed)] == ["reply"]
    [done] = await cards(heed, "done")
    assert "answered" in done["withdrawn_because"]


async def away(heed: Heed, **fields: Any) -> tuple[str, str]:
    """A mail whose recipient is away until `BACK`, and the card that says so."""
    message = await heed.sent(**fields)
    await answered(heed, message, "auto_reply", details=AnswerDetails(back_at=BACK))
    [card] = await cards(heed)
    assert "move-reminder" in card["actions"]
    return message, str(card["id"])


async def test_the_reminder_moves_to_the_morning_of_the_return_in_the_users_zone(heed: Heed) -> None:
    await heed.put("/users/rep1", {"email": "rep@acme.example", "opt_in": True, "time_zone": "Europe/Vienna"})
    reminder = {"title": "Call Ada", "condition": "no_reply", "at": "2026-05-06T09:00:00Z"}
    message, card = await away(heed, reminder=reminder)

    done = await act(heed, card, "move-reminder")

    moved = (await heed.get(f"/messages/{message}"))["reminder"]
    assert (moved["title"], moved["at"], moved["state"]) == ("Call Ada", "2026-05-18T06:00:00.000Z", "set")
    assert done["status"] == "done"
    assert [each["at"] for each in (await heed.get("/reminders", x_heed_user="rep1"))["items"]] == [moved["at"]]


async def test_a_mail_without_a_reminder_gets_one(heed: Heed) -> None:
    message, card = await away(heed)

    await act(heed, card, "move-reminder", {"at": "2026-05-19T10:00:00Z"})

    moved = (await heed.get(f"/messages/{message}"))["reminder"]
    assert (moved["condition"], moved["at"]) == ("no_reply", "2026-05-19T10:00:00.000Z")


async def test_a_return_that_is_over_moves_nothing(heed: Heed) -> None:
    message, card = await away(heed)
    heed.clock.move(days=30)

    refused = await heed.api("POST", f"/cards/{card}/move-reminder", x_heed_user="rep1")

    assert refused.status == 409
    assert (await heed.get(f"/messages/{message}"))["reminder"] is None


async def test_a_card_without_a_day_of_return_moves_nothing(heed: Heed) -> None:
    await answered(heed, await heed.sent(), "auto_reply")
    [card] = await cards(heed)

    refused = await heed.api("POST", f"/cards/{card['id']}/move-reminder", x_heed_user="rep1")

    assert "move-reminder" not in card["actions"]
    assert refused.status == 409
