"""Delivery reports of the email service: Event Grid's handshake, its events, and what follows from them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.storage.protocols import EVERYTHING
from lib.tracking.journal import FACTS_ROW, facts_of
from tests.support.heed import ADMIN_KEY, Heed, Response
from tests.support.inbound import answer_to, inbound_key, raw_mail, receive

OPERATION = "00000000-1111-2222-3333-444444444444"


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


def report(status: str, recipient: str = "ada@example.com", message: str = OPERATION, **data: Any) -> dict[str, Any]:
    """An event of Event Grid's own schema."""
    return {
        "id": "e1",
        "eventType": "Microsoft.Communication.EmailDeliveryReportReceived",
        "subject": "sender/rep@acme.example/message/x",
        "data": {
            "sender": "rep@acme.example",
            "recipient": recipient,
            "messageId": message,
            "status": status,
            "deliveryStatusDetails": {"statusMessage": "550 5.1.1 no such user"},
            "deliveryAttemptTimeStamp": "2026-05-04T10:00:00.1234567+00:00",
            **data,
        },
    }


async def tell(heed: Heed, *events: Any, method: str = "POST", **headers: str) -> Response:
    key = await inbound_key(heed)
    path = f"/api/orgs/acme/delivery-reports?key={key}"
    body = json.dumps(events).encode() if method == "POST" else None
    answer = await heed.request(method, path, body, headers=headers)
    await heed.work()
    return answer


async def sent_by_the_service(heed: Heed) -> str:
    """A message that the service knows by the name of an operation."""
    message = await heed.sent()
    await heed.services.threads.enter_provider_ids("acme", message, [OPERATION])
    return message


async def delivery(heed: Heed, message: str) -> Any:
    [recipient] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    return recipient["delivery"]


async def timeline(heed: Heed, message: str) -> Any:
    return (await heed.get(f"/messages/{message}/timeline"))["items"]


async def test_the_handshake_of_event_grid_is_answered(heed: Heed) -> None:
    code = {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://example.com"}
    event = {"id": "1", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": code}
    answer = await tell(heed, event)
    assert (answer.status, answer.json) == (200, {"validationResponse": code["validationCode"]})


async def test_the_handshake_of_cloud_events_is_answered(heed: Heed) -> None:
    answer = await tell(heed, method="OPTIONS", **{"webhook-request-origin": "eventgrid.azure.net"})
    assert answer.status == 200
    assert answer.headers["webhook-allowed-origin"] == "eventgrid.azure.net"


async def test_a_handshake_without_an_origin_is_refused(heed: Heed) -> None:
    assert (await tell(heed, method="OPTIONS")).status == 400


@pytest.mark.parametrize("status", ["Bounced", "Suppressed", "Failed"])
async def test_a_mail_that_did_not_arrive_is_bounced(heed: Heed, status: str) -> None:
    message = await sent_by_the_service(heed)
    answer = await tell(heed, report(status))
    assert answer.json["taken"] == 1
    found = await delivery(heed, message)
    assert (found["state"], found["code"], found["at"]) == ("bounced", "5.1.1", "2026-05-04T10:00:00.123Z")
    [event] = await timeline(heed, message)
    assert (event["kind"], event["recipient"]) == ("bounce", "ada@example.com")
    assert (await heed.get(f"/inbound/{event['mail']}"))["because"].startswith("The email service reports:")


async def test_its_fact_names_no_recipient_where_an_organization_counts_without_names(heed: Heed) -> None:
    message = await sent_by_the_service(heed)
    organization = {"settings": {"tracking": "aggregate"}}
    await heed.request("PATCH", "/api/orgs/acme", organization, key=ADMIN_KEY)
    heed.clock.move(minutes=2)
    await tell(heed, report("Bounced"))
    rows = [row async for row in heed.storage.tables.query("heedacmejournal", EVERYTHING, EVERYTHING)]
    [fact] = [fact for row in rows if row.key == FACTS_ROW for fact in facts_of(row)]
    assert (fact.message, fact.kind, fact.recipient) == (message, "bounce", None)


@pytest.mark.parametrize("status", ["Quarantined", "FilteredSpam"])
async def test_a_mail_that_was_taken_for_spam_is_told_and_changes_no_state(heed: Heed, status: str) -> None:
    message = await sent_by_the_service(heed)
    await tell(heed, report(status))
    assert (await delivery(heed, message))["state"] == "accepted"
    assert [each["kind"] for each in await timeline(heed, message)] == ["bounce"]


@pytest.mark.parametrize("status", ["Delivered", "Expanded", "Something new"])
async def test_other_reports_change_nothing(heed: Heed, status: str) -> None:
    message = await sent_by_the_service(heed)
    assert (await tell(heed, report(status))).json["taken"] == 1
    assert (await delivery(heed, message))["state"] == "accepted"
    assert await timeline(heed, message) == []


async def test_a_report_that_comes_again_is_the_same(heed: Heed) -> None:
    message = await sent_by_the_service(heed)
    await tell(heed, report("Bounced"), report("Bounced"))
    await tell(heed, {**report("Bounced"), "id": "e2"})
    assert len(await timeline(heed, message)) == 1


async def test_events_may_be_cloud_events(heed: Heed) -> None:
    message = await sent_by_the_service(heed)
    event = report("Bounced")
    cloud = {"specversion": "1.0", "type": event["eventType"], "source": "/x", "id": "1", "data": event["data"]}
    key = await inbound_key(heed)
    raw = json.dumps(cloud).encode()
    headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
    answer = await heed.request("POST", "/api/orgs/acme/delivery-reports", raw, key=key, headers=headers)
    await heed.work()
    assert answer.json["taken"] == 1
    assert (await delivery(heed, message))["state"] == "bounced"


async def test_a_report_tells_the_message_id_that_answers_will_name(heed: Heed) -> None:
    message = await sent_by_the_service(heed)
    await tell(heed, report("Delivered", internetMessageId="<renamed@azurecomm.net>"))
    answer = await receive(heed, raw_mail(In_Reply_To="<renamed@azurecomm.net>"))
    assert (answer["correlation"]["name"], answer["correlation"]["matched"]) == ("provider_id", message)


async def test_reports_on_other_mail_and_other_events_are_passed_over(heed: Heed) -> None:
    other = {"eventType": "Microsoft.Communication.SMSReceived", "data": {}}
    answer = await tell(heed, report("Bounced"), report("Bounced", message=""), other)
    assert (answer.status, answer.json["taken"], answer.json["ignored"]) == (200, 0, 1)


async def test_a_received_mail_is_not_what_a_report_is_about(heed: Heed) -> None:
    await receive(heed, await answer_to(heed, await heed.sent()))
    answer = await tell(heed, report("Bounced", message="<answer1@example.com>"))
    assert answer.json["ignored"] == 1


@pytest.mark.parametrize("raw", [b"", b"x", b"[1]", b'[{"data": {}}]', b"[" * 100_000])
async def test_a_body_without_events_is_refused(heed: Heed, raw: bytes) -> None:
    key = await inbound_key(heed)
    assert (await heed.request("POST", "/api/orgs/acme/delivery-reports", raw, key=key)).status == 400


async def test_reports_need_a_key(heed: Heed) -> None:
    for query in ("", "?key=wrong", "?key="):
        path = f"/api/orgs/acme/delivery-reports{query}"
        assert (await heed.request("POST", path, b"[]")).status == 401
    other = await heed.organization("other")
    assert (await heed.request("POST", f"/api/orgs/acme/delivery-reports?key={other}", b"[]")).status == 404


async def test_a_key_in_the_query_is_for_this_alone(heed: Heed) -> None:
    assert (await heed.request("GET", f"/api/orgs/acme/users?key={heed.key}")).status == 401
