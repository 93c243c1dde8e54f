"""Webhooks in the OpenAPI document: what it says of a request is what a receiver gets."""

from __future__ import annotations

import re
from typing import Any, get_args

import jsonschema_rs

from lib.feed.models import EventType
from tests.support.described import document
from tests.support.heed import Heed
from tests.support.receiver import Receiver

SCHEMAS = document()["components"]["schemas"]


def test_every_type_of_events_is_described_as_a_webhook_gets_it() -> None:
    webhooks = document()["webhooks"]

    assert set(webhooks) == {*get_args(EventType), "webhook.test"}
    for name, methods in webhooks.items():
        headers = {each["name"]: each["required"] for each in methods["post"]["parameters"]}
        assert headers == {"webhook-id": True, "webhook-timestamp": True, "webhook-signature": True}
        media = methods["post"]["requestBody"]["content"]["application/cloudevents+json"]
        schema = {**media["schema"], "components": {"schemas": SCHEMAS}}
        assert [error.message for error in jsonschema_rs.iter_errors(schema, media["example"])] == []
        assert media["example"]["type"] == name
        assert not jsonschema_rs.is_valid(schema, {**media["example"], "type": "another"})


def fields_of(value: Any, place: str = "") -> set[str]:
    """Name the fields that hold something."""
    if isinstance(value, dict):
        return {found for name, inner in value.items() for found in fields_of(inner, f"{place}.{name}")}
    return set() if value in (None, 0) else {place}


def answer_to(mail: bytes) -> bytes:
    found = re.search(rb"(?im)^message-id: *(<[^>]+>)", mail)
    assert found
    return b"\r\n".join(
        (
            b"From: Ada <ada@example.com>",
            b"To: rep@acme.example",
            b"Subject: Re: Hello",
            b"Message-ID: <answer@example.com>",
            b"In-Reply-To: " + found[1],
            b"",
            b"Gladly.",
        )
    )


async def test_events_are_delivered_as_their_examples_show(receiver: Receiver) -> None:
    heed = await Heed(settings={"HEED_LOOPBACK": "on"}).start()
    await heed.put("/webhooks/crm", {"url": receiver.url})
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": ["ada@example.com"]})
    opportunity = {"type": "opportunity", "id": "o1", "name": "Windmill"}
    message = await heed.sent(metadata={"deal": "windmill"}, regarding=opportunity)
    for hit in (heed.urls("o")[0], heed.urls("c")[0]):
        await heed.hit(hit)
        await heed.work()
    await heed.api("POST", "/inbound", answer_to(heed.mail()), content_type="message/rfc822")
    await heed.work()
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow", "source": "by phone"})
    await heed.work()
    await heed.api("POST", "/webhooks/crm/test")

    posted = {request.event["type"]: (request.event, request.headers) for request in receiver.posted}
    assert set(posted) == {
        *("message.sent", "message.opened", "message.clicked", "message.replied", "card.created"),
        *("recipient.stopped", "webhook.test"),
    }
    for name, (event, sent) in posted.items():
        described = document()["webhooks"][name]["post"]
        media = described["requestBody"]["content"]["application/cloudevents+json"]
        schema = {**media["schema"], "components": {"schemas": SCHEMAS}}
        assert [error.message for error in jsonschema_rs.iter_errors(schema, event)] == [], name
        assert fields_of(event) == fields_of(media["example"]), name
        for header in described["parameters"]:
            assert jsonschema_rs.is_valid({**header["schema"], "type": "string"}, sent[header["name"]])
        assert event.get("subject") in (message, None)
