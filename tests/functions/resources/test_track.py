"""A person tracks a mail by hand: one that came in, or one that was sent with another program."""

from __future__ import annotations

import base64

import pytest

from tests.support.heed import Heed
from tests.support.inbound import ADA, REP, answer_to, raw_mail, receive

DEAL = {"type": "opportunity", "id": "o1", "name": "The deal"}


@pytest.fixture
async def heed() -> Heed:
    heed = await Heed().start()
    await heed.api("PATCH", "/users/rep1", {"inbound": "none"})
    return heed


async def test_a_mail_that_came_in_is_received(heed: Heed) -> None:
    tracked = await heed.post("/messages/track", {"mime": raw_mail().decode(), "regarding": DEAL})
    assert (tracked["status"], tracked["from"], tracked["regarding"]) == ("received", "rep1", DEAL)
    assert tracked["from_address"]["email"] == "ada@example.com"
    assert tracked["tracked_by"] == ["hand"]
    listed = (await heed.get("/messages?record=opportunity/o1"))["items"]
    assert [each["id"] for each in listed] == [tracked["id"]]


async def test_a_mail_may_come_in_base64(heed: Heed) -> None:
    tracked = await heed.post("/messages/track", {"mime": base64.b64encode(raw_mail()).decode()})
    assert (tracked["status"], tracked["regarding"]) == ("received", None)


@pytest.mark.parametrize("text", ["no base64", "\u00b1", "YWJj\U0001f600", "YQ="])
async def test_a_text_that_is_neither_a_mail_nor_base64_is_refused(heed: Heed, text: str) -> None:
    answer = await heed.api("POST", "/messages/track", {"mime": text})

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["mime"]


async def test_a_mail_that_a_user_has_sent_is_sent_and_found_by_its_answer(heed: Heed) -> None:
    own = raw_mail(sender=REP, to=ADA, subject="Offer")
    tracked = await heed.post("/messages/track", {"mime": own.decode(), "regarding": DEAL})
    assert (tracked["status"], tracked["from"], tracked["from_address"]) == ("sent", "rep1", None)
    assert tracked["sent_at"] == "2026-05-04T09:20:00.000Z"
    assert tracked["to"][0]["email"] == "ada@example.com"
    await heed.api("PATCH", "/users/rep1", {"inbound": "replies"})
    answer = await receive(heed, raw_mail(number=2, In_Reply_To="<answer1@example.com>"))
    assert answer["correlation"]["matched"] == tracked["id"]
    assert (await heed.get(f"/messages/{answer['message']}"))["regarding"] == DEAL


async def test_a_mail_that_is_tracked_twice_is_one_message(heed: Heed) -> None:
    first = await heed.post("/messages/track", {"mime": raw_mail().decode()})
    again = await heed.post("/messages/track", {"mime": raw_mail().decode(), "regarding": DEAL})
    assert (again["id"], again["regarding"]) == (first["id"], DEAL)


async def test_a_mail_that_heed_has_sent_is_that_message(heed: Heed) -> None:
    message = await heed.sent()
    tracked = await heed.post("/messages/track", {"mime": heed.mail().decode()})
    assert (tracked["id"], tracked["status"]) == (message, "sent")


async def test_an_answer_that_is_tracked_by_hand_counts_like_any_other(heed: Heed) -> None:
    message = await heed.sent()
    tracked = await heed.post("/messages/track", {"mime": (await answer_to(heed, message)).decode()})
    await heed.work()
    assert tracked["tracked_by"] == ["hand", "in_reply_to"]
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1


async def test_the_acting_user_has_a_mail_that_names_no_user(heed: Heed) -> None:
    raw = raw_mail(to="office@acme.example").decode()
    tracked = await heed.api("POST", "/messages/track", {"mime": raw}, x_heed_user="rep1")
    assert (tracked.status, tracked.json["from"]) == (201, "rep1")


@pytest.mark.parametrize("mime", ["", "no mail", "!!!", "Subject: " + "x" * 70_000 + "\n\nHi"])
async def test_what_is_no_mail_is_refused(heed: Heed, mime: str) -> None:
    answer = await heed.api("POST", "/messages/track", {"mime": mime})
    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["mime"]
