"""Feedback: a user says of an event who it was, and what follows from the verdict follows at once."""

from __future__ import annotations

from typing import Any

import pytest

from lib.messages import feedback
from tests.functions.resources.test_verdicts import HOME, codes, timeline
from tests.support.cards import cards
from tests.support.heed import CHROME, GMAIL, Heed, Response
from tests.support.known_subject import run_job


async def opened(heed: Heed, agent: str = CHROME, **fields: Any) -> tuple[str, Any]:
    """A message and its event."""
    message = await heed.sent(**fields)
    await heed.hit(heed.urls("o")[0], agent, **HOME)
    await heed.work()
    [event] = await timeline(heed, message)
    return message, event


async def say(heed: Heed, message: str, event: str, was: str | None, user: str = "rep1") -> Response:
    return await heed.api("POST", f"/messages/{message}/timeline/{event}/feedback", {"was": was}, x_heed_user=user)


async def another_user(heed: Heed, user: str) -> None:
    await heed.put(f"/users/{user}", {"email": f"{user}@acme.example", "name": user, "opt_in": True})


async def test_an_open_that_was_a_machines_is_judged_again_at_once_with_all_that_follows(heed: Heed) -> None:
    message, event = await opened(heed, GMAIL)
    heed.clock.move(seconds=15)
    await heed.services.assessor.refresh("acme", message)
    assert [card["kind"] for card in await cards(heed)] == ["email_opened"]

    answer = await say(heed, message, event["id"], "machine")

    assert answer.status == 200, answer.body
    assert (answer.json["id"], answer.json["verdict"]["class"] != "human") == (event["id"], True)
    assert "user-said-machine" in codes(answer.json)
    assert (await heed.get(f"/messages/{message}"))["kpis"]["opens"] == 0
    assert await cards(heed) == []


async def test_the_timeline_shows_who_said_what_and_the_last_word_of_a_user_counts(heed: Heed) -> None:
    message, event = await opened(heed)
    await say(heed, message, event["id"], "machine")
    heed.clock.move(minutes=1)

    await say(heed, message, event["id"], "me")

    [shown] = await timeline(heed, message)
    [word] = shown["feedback"]
    assert (word["user"], word["was"]) == ("rep1", "me")
    assert {"user-said-me"} == {code for code in codes(shown) if code.startswith("user-said")}
    assert (await heed.get(f"/messages/{message}"))["kpis"]["own"]["opens"] == 1


async def test_a_word_that_is_taken_back_leaves_the_verdict_as_it_was(heed: Heed) -> None:
    message, event = await opened(heed)
    await say(heed, message, event["id"], "machine")

    answer = await say(heed, message, event["id"], None)

    assert answer.json == event


async def test_the_same_word_again_changes_nothing(heed: Heed) -> None:
    message, event = await opened(heed)
    first = await say(heed, message, event["id"], "machine")
    heed.clock.move(minutes=1)

    assert (await say(heed, message, event["id"], "machine")).json == first.json


async def test_of_users_who_differ_most_of_them_count(heed: Heed) -> None:
    message, event = await opened(heed)
    for user in ("rep2", "rep3"):
        await another_user(heed, user)
        await say(heed, message, event["id"], "person", user)

    await say(heed, message, event["id"], "machine")

    [shown] = await timeline(heed, message)
    assert "user-said-person" in codes(shown)
    assert shown["verdict"]["class"] == "human"
    assert [word["user"] for word in shown["feedback"]] == ["rep3", "rep2", "rep1"]


async def test_it_takes_an_acting_user_and_one_of_three_words(heed: Heed) -> None:
    message, event = await opened(heed)
    path = f"/messages/{message}/timeline/{event['id']}/feedback"

    assert (await heed.api("POST", path, {"was": "machine"})).status == 400
    assert (await say(heed, message, event["id"], "human")).status == 422
    assert (await heed.api("POST", path, {}, x_heed_user="rep1")).status == 422


@pytest.mark.parametrize("event", ["1790000000000-" + "0" * 32, "none", "-", "9" * 13 + "-x"])
async def test_an_event_that_is_not_there_is_not_found(heed: Heed, event: str) -> None:
    message, _ = await opened(heed)

    assert (await say(heed, message, event, "machine")).status == 404


async def test_an_event_of_another_message_is_not_found(heed: Heed) -> None:
    _, event = await opened(heed)
    other = await heed.sent()

    assert (await say(heed, other, event["id"], "machine")).status == 404


async def test_an_event_whose_details_are_deleted_keeps_its_verdict(heed: Heed) -> None:
    message, event = await opened(heed)
    until = int(heed.clock.now().timestamp() * 1000)
    await heed.services.assessor.retire_facts("acme", message, until, 0)

    answer = await say(heed, message, event["id"], "machine")

    assert answer.status == 409
    assert "too old" in answer.json["detail"]
    [shown] = await timeline(heed, message)
    assert shown["verdict"]["class"] == event["verdict"]["class"]


async def test_more_words_than_are_kept_are_refused_and_one_can_be_taken_back(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "MOST_WORDS", 1)
    message, event = await opened(heed)
    await another_user(heed, "rep2")
    await say(heed, message, event["id"], "machine")

    refused = await say(heed, message, event["id"], "machine", "rep2")

    assert refused.status == 409
    assert (await say(heed, message, event["id"], "person")).status == 200
    assert (await say(heed, message, event["id"], None)).status == 200
    assert (await say(heed, message, event["id"], "machine", "rep2")).status == 200


async def test_a_user_with_a_token_speaks_of_own_mail_alone(heed: Heed) -> None:
    message, event = await opened(heed)
    await another_user(heed, "rep2")
    token = (await heed.post("/users/rep2/tokens"))["token"]

    path = f"/api/orgs/acme/messages/{message}/timeline/{event['id']}/feedback"
    answer = await heed.request("POST", path, {"was": "machine"}, key=token)

    assert answer.status == 403


async def test_feedback_lasts_when_the_message_is_judged_again(heed: Heed) -> None:
    message, event = await opened(heed)
    said = await say(heed, message, event["id"], "machine")

    report = await heed.post(f"/messages/{message}/reassess")

    assert (report["changed"], report["reworded"]) == (0, 0)
    assert await timeline(heed, message) == [said.json]


async def test_an_erasure_takes_what_was_said_of_the_recipients_events_and_leaves_the_others() -> None:
    heed = await Heed().start(mixed_recipients="split")
    people = ["ada@example.com", "bob@example.com"]
    message = await heed.sent(to=[{"email": each} for each in people])
    for number in (0, 1):
        await heed.hit(heed.urls("o", number)[0], **HOME)
        heed.clock.move(minutes=5)
    await heed.work()
    of = {event["recipient"]: event["id"] for event in await timeline(heed, message)}
    for each in people:
        await say(heed, message, of[each], "person")

    await run_job(heed, "DELETE", email="ada@example.com")

    [left] = await timeline(heed, message)
    assert (left["id"], [word["user"] for word in left["feedback"]]) == (of["bob@example.com"], ["rep1"])
    stored = await heed.services.feedback.load_feedback("acme", message)
    assert stored.words.keys() == {of["bob@example.com"]}


async def test_an_export_holds_what_was_said_of_the_subjects_events(heed: Heed) -> None:
    message, event = await opened(heed)
    await say(heed, message, event["id"], "machine")

    job = await run_job(heed, "GET", email="ada@example.com")

    document = await heed.get(f"/jobs/{job['id']}/result")
    [entry] = [each for each in document["entries"] if each.get("message") == message]
    [word] = entry["feedback"]
    assert (word["event"], word["user"], word["was"]) == (event["id"], "rep1", "machine")


async def test_nothing_is_left_of_feedback_on_mail_that_is_removed(heed: Heed) -> None:
    message, event = await opened(heed)
    await say(heed, message, event["id"], "machine")

    await run_job(heed, "DELETE", "?also_sent_mail=true", email="ada@example.com")

    assert (await heed.services.feedback.load_feedback("acme", message)).words == {}
