"""Mail that another program sends as one to all, as Outlook does: who is followed, and how Heed learns its id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.heed import Heed
from tests.support.inbound import raw_mail, receive

ADA, BOB = {"email": "ada@example.com"}, {"email": "bob@fabrikam.example"}
OUTLOOK_ID = "<AM0PR01MB1@eurprd01.prod.outlook.com>"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start(mixed_recipients="split")


async def sent_as_one(heed: Heed, **fields: Any) -> tuple[str, Any]:
    """A mail that was prepared and reported as sent without its Message-ID; its id, and what was prepared."""
    message = await heed.draft(copies="one", **fields)
    prepared = await heed.post(f"/messages/{message}/prepare")
    await heed.post(f"/messages/{message}/sent", {"sent_at": "2026-05-04T09:31:00Z"})
    return message, prepared


async def test_recipients_who_all_allow_it_share_one_followed_mail(heed: Heed) -> None:
    message, prepared = await sent_as_one(heed, to=[ADA, BOB])

    [copy] = prepared["copies"]
    assert [each["email"] for each in copy["recipients"]] == ["ada@example.com", "bob@fabrikam.example"]
    assert "/o/k1" in copy["html"]
    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "on"


async def test_a_no_of_one_blocks_the_mail_and_says_that_there_are_no_copies(heed: Heed) -> None:
    await heed.put("/consents/bob@fabrikam.example", {"follow": "do_not_allow", "source": "phone"})

    _, prepared = await sent_as_one(heed, to=[ADA, BOB])
    simulated = await heed.post("/simulate", {"from": "rep1", "to": [ADA, BOB], "html": "<p>x</p>", "copies": "one"})

    [copy] = prepared["copies"]
    assert "/o/k1" not in copy["html"]
    assert simulated["follow_state"]["blocked_by"] == ["bob@fabrikam.example"]
    assert "a copy for each is not possible" in simulated["follow_state"]["reason"]
    assert [each["follow"] for each in simulated["recipients"]] == [False, False]


async def test_without_that_each_gets_a_copy(heed: Heed) -> None:
    message = await heed.draft(to=[ADA, BOB])

    assert len((await heed.post(f"/messages/{message}/prepare"))["copies"]) == 2


async def test_a_simulation_advises_when_to_send(heed: Heed) -> None:
    await heed.put("/records/contact/ada", {"emails": ["ada@example.com"], "time_zone": "America/New_York"})

    advice = (await heed.post("/simulate", {"from": "rep1", "to": [ADA], "html": "<p>x</p>"}))["delivery_advice"]

    assert (advice["time_zone"], advice["suggested_at"]) == ("America/New_York", "2026-05-04T12:00:00.000Z")


async def test_the_message_id_is_told_later_once(heed: Heed) -> None:
    message, _ = await sent_as_one(heed)
    report = {"message_id": OUTLOOK_ID, "sent_at": "2026-05-05T10:00:00Z"}

    told = await heed.post(f"/messages/{message}/sent", report)
    again = await heed.post(f"/messages/{message}/sent", {**report, "message_id": "<other@acme.example>"})

    assert (told["message_id"], told["sent_at"]) == (OUTLOOK_ID, "2026-05-04T09:31:00.000Z")
    assert again["message_id"] == OUTLOOK_ID
    [found] = (await heed.get(f"/messages?message_id={OUTLOOK_ID}"))["items"]
    assert found["id"] == message


async def test_a_mail_that_heed_has_sent_keeps_its_message_id(heed: Heed) -> None:
    message = await heed.sent()
    before = (await heed.get(f"/messages/{message}"))["message_id"]

    await heed.post(f"/messages/{message}/sent", {"message_id": OUTLOOK_ID, "sent_at": "2026-05-04T09:31:00Z"})

    assert (await heed.get(f"/messages/{message}"))["message_id"] == before


async def test_an_answer_finds_the_mail_by_the_message_id_that_was_told_later(heed: Heed) -> None:
    message, _ = await sent_as_one(heed)
    await heed.post(f"/messages/{message}/sent", {"message_id": OUTLOOK_ID, "sent_at": "2026-05-04T09:31:00Z"})

    outcome = await receive(heed, raw_mail(In_Reply_To=OUTLOOK_ID))

    assert (outcome["correlation"]["name"], outcome["correlation"]["matched"]) == ("in_reply_to", message)


async def test_a_copy_with_the_mark_is_the_mail_itself_and_tells_its_message_id(heed: Heed) -> None:
    message, prepared = await sent_as_one(heed)
    mark = prepared["mark"]
    copy = raw_mail(sender="rep@acme.example", to="ada@example.com", X_Heed_Message=mark)

    outcome = await receive(heed, copy)
    again = await receive(heed, copy)

    assert (outcome["outcome"], outcome["message"]) == ("duplicate", message)
    assert (outcome["correlation"]["name"], outcome["correlation"]["method"]) == ("skipped", 1)
    assert again["message"] == message
    assert (await heed.get(f"/messages/{message}"))["message_id"] == "<answer1@example.com>"


async def test_a_forged_copy_with_the_mark_does_not_keep_the_sender_from_telling_the_message_id(heed: Heed) -> None:
    """Every recipient has the mark, and anyone can write a From."""
    message, prepared = await sent_as_one(heed)
    forged = raw_mail(sender="rep@acme.example", to="ada@example.com", X_Heed_Message=prepared["mark"])
    await receive(heed, forged)

    await heed.post(f"/messages/{message}/sent", {"message_id": OUTLOOK_ID, "sent_at": "2026-05-04T09:31:00Z"})
    answer = await receive(heed, raw_mail(number=2, In_Reply_To=OUTLOOK_ID))

    assert (await heed.get(f"/messages/{message}"))["message_id"] == OUTLOOK_ID
    assert (answer["correlation"]["name"], answer["correlation"]["matched"]) == ("in_reply_to", message)


async def test_a_sender_who_confirms_what_a_copy_told_has_told_it(heed: Heed) -> None:
    message, prepared = await sent_as_one(heed)
    await receive(heed, raw_mail(sender="rep@acme.example", to="ada@example.com", X_Heed_Message=prepared["mark"]))
    report = {"message_id": "<answer1@example.com>", "sent_at": "2026-05-04T09:31:00Z"}

    await heed.post(f"/messages/{message}/sent", report)
    await heed.post(f"/messages/{message}/sent", {**report, "message_id": OUTLOOK_ID})

    assert (await heed.get(f"/messages/{message}"))["message_id"] == "<answer1@example.com>"


async def test_a_further_mail_of_the_sender_that_kept_the_mark_is_not_the_first_one(heed: Heed) -> None:
    message, prepared = await sent_as_one(heed)
    await heed.post(f"/messages/{message}/sent", {"message_id": OUTLOOK_ID, "sent_at": "2026-05-04T09:31:00Z"})
    again = raw_mail(sender="rep@acme.example", to="bob@fabrikam.example", X_Heed_Message=prepared["mark"])

    outcome = await receive(heed, again)

    assert outcome["outcome"] != "duplicate"
    assert (await heed.get(f"/messages/{message}"))["message_id"] == OUTLOOK_ID


async def test_a_mark_after_the_message_was_deleted_marks_nothing(heed: Heed) -> None:
    message = await heed.draft(copies="one")
    prepared = await heed.post(f"/messages/{message}/prepare")
    gone = await heed.request("DELETE", f"/api/orgs/acme/messages/{message}", key=heed.key)
    assert gone.status == 200
    copy = raw_mail(sender="rep@acme.example", to="ada@example.com", X_Heed_Message=prepared["mark"])

    assert (await receive(heed, copy))["outcome"] != "duplicate"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_two_marks_the_first_one_counts(heed: Heed, order: tuple[int, int]) -> None:
    sent = [await sent_as_one(heed), await sent_as_one(heed)]
    marks = [sent[number][1]["mark"] for number in order]
    lines = "".join(f"X-Heed-Message: {mark}\n" for mark in marks).encode()

    outcome = await receive(heed, lines + raw_mail(sender="rep@acme.example", to="ada@example.com"))

    assert outcome["message"] == sent[order[0]][0]


async def test_the_mark_counts_for_the_sender_alone(heed: Heed) -> None:
    message, prepared = await sent_as_one(heed)
    before = (await heed.get(f"/messages/{message}"))["message_id"]

    outcome = await receive(heed, raw_mail(X_Heed_Message=prepared["mark"]))

    assert outcome["outcome"] != "duplicate"
    assert (await heed.get(f"/messages/{message}"))["message_id"] == before


@pytest.mark.parametrize("mark", ["", "x", "k1" + "a" * 52, "ü" * 54])
async def test_a_mark_that_is_none_of_ours_marks_nothing(heed: Heed, mark: str) -> None:
    await sent_as_one(heed)

    outcome = await receive(heed, raw_mail(sender="rep@acme.example", to="ada@example.com", X_Heed_Message=mark))

    assert outcome["outcome"] != "duplicate"


async def test_the_mark_of_another_organization_marks_nothing(heed: Heed) -> None:
    _, prepared = await sent_as_one(heed)
    other = await heed.organization("other")
    copy = raw_mail(sender="rep@acme.example", to="ada@example.com", X_Heed_Message=prepared["mark"])

    answer = await heed.request("POST", "/api/orgs/other/inbound", copy, key=other)

    assert answer.json["outcome"] != "duplicate"
