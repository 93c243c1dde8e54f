"""Drafts that cards of replies and reminders offer: in the thread, of the recommended template."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from lib.ids import new_id
from lib.messages.models import Body, Correspondent, Recipient, StoredMessage
from lib.tracking.facts import answer_fact
from tests.functions.resources.test_template_rates import used
from tests.support.answering import answered
from tests.support.cards import act, cards, pass_time
from tests.support.heed import Heed

TEXT = "<p>Dear {{ recipient.first_name }}, {{ sender.name }} again about {{ regarding.name }}.</p>"
DEAL = {"type": "opportunity", "id": "o1", "name": "Big deal"}


async def with_templates(heed: Heed) -> None:
    """Two templates in English, of which `a` is clearly better, and one in German that is better still."""
    for name, language in (("a", "en"), ("b", "en"), ("c", "de"), ("d", "de"), ("first", "en")):
        await heed.put(f"/templates/{name}", {"name": name, "language": language, "subject": "S", "html": TEXT})
    await used(heed, "a", followed=300, opened=120, replied=60)
    await used(heed, "b", followed=300, opened=120, replied=5)
    await used(heed, "c", followed=900, opened=400, replied=5)
    await used(heed, "d", followed=900, opened=400, replied=200)


async def reply_card(heed: Heed, message: str) -> dict[str, Any]:
    """The card of a reply whose mail is there."""
    mail = StoredMessage(
        id=new_id(),
        sender="rep1",
        state="received",
        created_at=heed.clock.now(),
        sent_at=heed.clock.now(),
        message_id="<reply@example.com>",
        subject="AW: Hello",
        from_address=Correspondent(email="ada@home.example", name="Lovelace, Ada"),
        to=[Recipient(email="rep@acme.example")],
        conversation=message,
    )
    await heed.services.messages.make("acme", mail, Body())
    fact = answer_fact("reply", message, heed.clock.now(), mail.id, 0)
    await heed.services.assessor.assess_facts("acme", [fact])
    [card] = await cards(heed)
    return dict(card)


async def test_a_reply_is_followed_up_in_its_thread_with_the_recommended_template(heed: Heed) -> None:
    await with_templates(heed)
    message = await heed.sent(template="first", regarding=DEAL)
    card = await reply_card(heed, message)

    draft = await act(heed, card["id"], "draft")

    assert "draft" in card["actions"]
    assert (draft["status"], draft["from"], draft["template"]) == ("draft", "rep1", "a")
    assert (draft["in_reply_to"], draft["conversation"]) == (card["mail"], message)
    assert [each["email"] for each in draft["to"]] == ["ada@home.example"]
    assert draft["html"] == "<p>Dear Ada, Rita Rep again about Big deal.</p>"
    assert draft["regarding"]["id"] == "o1"
    assert draft["subject"] not in ("", "S")
    assert [each["id"] for each in await cards(heed)] == [card["id"]]


async def test_a_reminder_is_followed_up_to_the_same_recipients(heed: Heed) -> None:
    await with_templates(heed)
    at = (heed.clock.now() + timedelta(days=1)).isoformat()
    message = await heed.sent(template="a", reminder={"title": "Ask", "condition": "no_reply", "at": at})
    await pass_time(heed, days=1)
    [card] = await cards(heed)

    draft = await act(heed, card["id"], "draft")

    assert (draft["in_reply_to"], draft["subject"]) == (message, "Re: Hello")
    assert [each["email"] for each in draft["to"]] == ["ada@example.com"]
    # What the recipient has read already is not sent again.
    assert draft["template"] != "a"


async def test_without_a_recommended_template_the_draft_is_empty(heed: Heed) -> None:
    message = await heed.sent()
    card = await reply_card(heed, message)

    draft = await act(heed, card["id"], "draft")

    assert (draft["template"], draft["html"], draft["text"]) == (None, None, None)


async def test_a_reply_whose_mail_is_not_there_is_followed_up_by_the_message_itself(heed: Heed) -> None:
    message = await heed.sent()
    await answered(heed, message)
    [card] = await cards(heed)

    assert (await act(heed, card["id"], "draft"))["in_reply_to"] == message


async def test_a_card_of_a_bounce_offers_no_draft(heed: Heed) -> None:
    await answered(heed, await heed.sent(), "bounce")
    [card] = await cards(heed)

    refused = await heed.api("POST", f"/cards/{card['id']}/draft", x_heed_user="rep1")

    assert "draft" not in card["actions"]
    assert refused.status == 409


async def test_the_same_request_twice_makes_one_draft(heed: Heed) -> None:
    await answered(heed, await heed.sent())
    [card] = await cards(heed)

    headers = {"x_heed_user": "rep1", "idempotency_key": "k1"}
    first, second = [await heed.api("POST", f"/cards/{card['id']}/draft", **headers) for _ in range(2)]

    assert first.json["id"] == second.json["id"]
