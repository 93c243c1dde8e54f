"""Webhooks: what a receiver gets, and what becomes of events that it does not take."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from lib.clock import SetClock, SystemClock
from lib.outside import http as outside_http
from lib.storage import Storage
from lib.storage.memory import MemoryQueues, memory_storage
from lib.webhooks.deliveries import Deliveries
from tests.support.failing import Failure, failing_storage
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed
from tests.support.receiver import Receiver
from tests.support.remains import remains_of


@pytest.fixture
async def heed() -> Heed:
    return await Heed(settings={"HEED_LOOPBACK": "on"}).start()


async def subscribed(heed: Heed, receiver: Receiver, name: str = "crm", **fields: Any) -> str:
    """The subscription's secret."""
    made = await heed.api("PUT", f"/webhooks/{name}", {"url": receiver.url, **fields})
    assert made.status == 201, made.body
    return str(made.json["secret"])


async def tell(heed: Heed) -> None:
    """Let the feed be told of what has come; nothing is delivered."""
    await heed.services.journal.settle()
    while await heed.work("outbox", "interactions"):
        pass


async def deliver(heed: Heed) -> None:
    """What the queue's message does when its time has come; what it orders is not done."""
    await tell(heed)
    await heed.hand_over("webhooks", '{"v": 1, "org": "acme", "webhook": "crm"}')
    drop_orders(heed)


def drop_orders(heed: Heed) -> None:
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    while queues.take_message("webhooks"):
        pass


async def sent(heed: Heed) -> str:
    """A message that went out; its events are not delivered yet."""
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    await tell(heed)
    heed.clock.move(minutes=90)
    return message


async def deliveries(heed: Heed, status: str) -> list[Any]:
    return list((await heed.get(f"/webhooks/crm/deliveries?status={status}"))["items"])


async def failing(_: web.Request) -> web.Response:
    return web.Response(status=500)


async def test_events_arrive_as_cloud_events_that_standard_webhooks_verifies(receiver: Receiver) -> None:
    heed = await Heed(clock=SetClock(SystemClock().now()), settings={"HEED_LOOPBACK": "on"}).start()
    secret = await subscribed(heed, receiver)
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    await deliver(heed)

    [posted] = receiver.posted
    assert Webhook(secret).verify(posted.body, dict(posted.headers)) == posted.event
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(posted.body + b" ", dict(posted.headers))
    [event] = (await heed.get("/events"))["items"]
    assert posted.headers["Content-Type"].startswith("application/cloudevents+json")
    assert posted.event == {
        "specversion": "1.0",
        "id": event["id"],
        "source": "https://heed.test/api/orgs/acme",
        "type": "message.sent",
        "subject": message,
        "time": event["at"],
        "datacontenttype": "application/json",
        "data": event,
    }
    [delivery] = await deliveries(heed, "delivered")
    assert (delivery["event"], delivery["last_status"], delivery["attempts"]) == (event["id"], 200, 1)


async def test_a_receiver_without_an_id_of_its_own_is_told_where_its_webhook_is(heed: Heed, receiver: Receiver) -> None:
    made = await heed.api("POST", "/webhooks", {"url": receiver.url, "events": ["message.sent"]}, idempotency_key="k")
    again = await heed.api("POST", "/webhooks", {"url": receiver.url, "events": ["message.sent"]}, idempotency_key="k")
    other = await heed.api("POST", "/webhooks", {"url": receiver.url, "events": ["message.opened"]})
    await sent(heed)
    await heed.work()

    assert (made.status, again.json) == (201, made.json)
    assert made.json["secret"].startswith("whsec_")
    assert receiver.types() == ["message.sent"]
    assert (await heed.request("DELETE", made.headers["location"].removeprefix(BASE_URL), key=heed.key)).status == 200
    assert [each["id"] for each in (await heed.get("/webhooks"))["items"]] == [other.json["id"]]


async def test_a_receiver_gets_the_types_and_verdicts_that_it_wants(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver, events=["message.opened", "message.clicked"], verdicts=["machine"])
    await sent(heed)
    await heed.hit(heed.urls("o")[0])
    await heed.hit(heed.urls("c")[0], "curl/8.0")
    await deliver(heed)

    assert receiver.types() == ["message.clicked"]
    assert receiver.posted[0].event["data"]["verdict"]["to"] == "machine"


async def test_a_new_webhook_gets_the_events_from_then_on(heed: Heed, receiver: Receiver) -> None:
    await sent(heed)
    await subscribed(heed, receiver)
    await heed.hit(heed.urls("o")[0])
    await deliver(heed)

    assert receiver.types()[0] == "message.opened"


async def test_an_event_that_is_not_taken_comes_again_with_the_same_id_until_it_is(
    heed: Heed, receiver: Receiver
) -> None:
    await subscribed(heed, receiver)
    receiver.answer = failing
    await sent(heed)
    await deliver(heed)
    assert {each["attempts"] for each in await deliveries(heed, "waiting")} >= {1}
    receiver.answer = None
    heed.clock.move(hours=1)
    await deliver(heed)

    assert await deliveries(heed, "waiting") == []
    assert len(receiver.posted) > 1
    assert len({posted.id for posted in receiver.posted}) == 1


async def test_an_event_is_given_up_after_a_day_and_can_be_delivered_again(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    receiver.answer = failing
    await sent(heed)
    for _ in range(30):
        heed.clock.move(hours=1)
        await deliver(heed)
    tries = len(receiver.posted)
    assert 8 < tries < 25
    [dead] = await deliveries(heed, "dead")
    assert (dead["last_status"], dead["next_at"]) == (500, None)

    receiver.answer = None
    await heed.post(f"/webhooks/crm/deliveries/{dead['id']}/replay")
    await deliver(heed)

    assert len(receiver.posted) == tries + 1
    assert await deliveries(heed, "dead") == []
    assert [each["event"] for each in await deliveries(heed, "delivered")] == [dead["event"]]


async def test_all_that_was_given_up_can_be_replayed_at_once(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    receiver.answer = failing
    await sent(heed)
    await sent(heed)
    for _ in range(30):
        heed.clock.move(hours=1)
        await deliver(heed)
    assert len(await deliveries(heed, "dead")) == 2
    receiver.answer = None

    assert (await heed.post("/webhooks/crm/replay"))["replayed"] == 2
    await deliver(heed)

    assert len(await deliveries(heed, "delivered")) == 2


async def test_later_events_of_a_message_wait_for_earlier_ones_for_five_minutes_and_others_do_not(
    heed: Heed, receiver: Receiver
) -> None:
    await sent(heed)
    other = await sent(heed)
    await subscribed(heed, receiver)
    stuck = list[str]()

    async def refuse_first(request: web.Request) -> web.Response:
        posted = receiver.posted[-1]
        if not stuck and posted.event["subject"] == other:
            stuck.append(posted.id)
        return web.Response(status=503 if posted.id in stuck else 200)

    receiver.answer = refuse_first
    await heed.hit(heed.urls("o", -1)[0])
    await deliver(heed)
    await heed.hit(heed.urls("c", -1)[0])
    await heed.hit(heed.urls("c", -2)[0])
    await deliver(heed)
    subjects = [posted.event["subject"] for posted in receiver.posted if posted.id not in stuck]
    assert other not in subjects
    assert subjects

    heed.clock.move(minutes=5)
    await deliver(heed)

    assert other in [posted.event["subject"] for posted in receiver.posted if posted.id not in stuck]
    receiver.answer = None
    heed.clock.move(minutes=5)
    await deliver(heed)
    assert await deliveries(heed, "waiting") == []


async def test_events_of_a_message_arrive_in_order_after_an_outage(heed: Heed, receiver: Receiver) -> None:
    message = await sent(heed)
    await subscribed(heed, receiver)
    receiver.answer = failing
    for _ in range(3):
        heed.clock.move(seconds=70)
        await heed.hit(heed.urls("c")[0])
        await deliver(heed)
    receiver.answer, receiver.posted = None, []
    heed.clock.move(minutes=3)
    await deliver(heed)

    of_feed = [each["id"] for each in (await heed.get("/events"))["items"] if each["message"] == message]
    arrived = [posted.id for posted in receiver.posted]
    assert len(arrived) >= 3
    assert arrived == of_feed[-len(arrived) :]


async def test_a_dead_receiver_costs_few_requests_whatever_waits_for_it(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    receiver.answer = failing
    for _ in range(30):
        await heed.put(f"/consents/r{_}@example.com", {"follow": "do_not_allow"})
    await deliver(heed)
    first = len(receiver.posted)
    await deliver(heed)
    assert first == len(receiver.posted) < 15

    receiver.answer = None
    heed.clock.move(minutes=11)
    await deliver(heed)
    assert len(await deliveries(heed, "delivered")) == 30


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_leads_nowhere_and_is_no_delivery(heed: Heed, receiver: Receiver, status: int) -> None:
    inside = await Receiver().start()

    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": inside.url})

    receiver.answer = redirect
    await subscribed(heed, receiver)
    await sent(heed)
    await deliver(heed)
    await inside.stop()

    assert inside.posted == []
    assert receiver.posted
    assert [each["last_status"] for each in await deliveries(heed, "waiting")] == [status]


async def test_a_receiver_that_hangs_or_answers_without_end_holds_no_one_up(
    heed: Heed, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_http, "_SECONDS", 0.3)
    megabytes, hanging = 0, asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal megabytes
        if receiver.posted[-1].event["type"] == "message.sent":
            await hanging.wait()
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(1024):
                await response.write(b"x" * 1024 * 1024)
                megabytes += 1
        except ConnectionError:
            pass
        return response

    receiver.answer = answer
    await subscribed(heed, receiver)
    await sent(heed)
    await heed.put("/consents/bob@example.com", {"follow": "do_not_allow"})
    heed.clock.move(minutes=5)
    await deliver(heed)
    hanging.set()

    assert megabytes < 64
    assert [each["type"] for each in await deliveries(heed, "delivered")] == ["recipient.stopped"]
    [waiting] = await deliveries(heed, "waiting")
    assert (waiting["type"], waiting["last_status"], waiting["last_error"]) == (
        "message.sent",
        None,
        "There was no answer: none came within 5 seconds.",
    )


async def test_an_address_that_resolves_inside_is_never_reached(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    heed = await Heed().start()
    for url in (
        receiver.url,
        receiver.url.replace("http:", "https:"),
        "https://localhost/hook",
        "https://169.254.169.254/metadata",
        "https://168.63.129.16/",
        "https://[::1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://user:secret@example.com/",
        "ftp://example.com/",
        "nonsense",
        "https://exa mple.com/",
        "https://crm..example.com/",
        "https://%31%32%37.0.0.1/",
    ):
        answer = await heed.api("PUT", "/webhooks/crm", {"url": url})
        assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["url"]), url
    port = receiver.url.rpartition(":")[2].partition("/")[0]
    made = await heed.api("PUT", "/webhooks/crm", {"url": f"https://rebind.example:{port}/hook"})
    assert made.status == 201
    looked_up = list[str]()

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        return [(2, 1, 6, "", ("127.0.0.1", int(port)))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    await sent(heed)
    await deliver(heed)

    assert "rebind.example" in looked_up
    assert receiver.posted == []
    [waiting] = await deliveries(heed, "waiting")
    assert waiting["last_error"] == "rebind.example is no host of the public internet."


async def test_a_receiver_that_is_gone_for_good_switches_its_webhook_off(heed: Heed, receiver: Receiver) -> None:
    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=410)

    receiver.answer = gone
    await subscribed(heed, receiver)
    await sent(heed)
    await deliver(heed)

    webhook = await heed.get("/webhooks/crm")
    assert not webhook["enabled"]
    assert "410" in webhook["disabled_because"]
    receiver.answer, receiver.posted = None, []
    await heed.hit(heed.urls("o")[0])
    await deliver(heed)
    assert receiver.posted == []
    again = await heed.api("PATCH", "/webhooks/crm", {"enabled": True})
    assert again.json["disabled_because"] is None
    heed.clock.move(minutes=5)
    await deliver(heed)
    assert receiver.types()[0] == "message.sent"
    assert "message.opened" in receiver.types()


async def test_a_worker_that_dies_after_the_receiver_has_taken_an_event_leaves_it_to_the_next_one(
    heed: Heed, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await subscribed(heed, receiver)
    await sent(heed)
    save = Deliveries.save_state

    async def die(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(Deliveries, "end", die)
        patch.setattr(Deliveries, "save_state", lambda *given: die() if given[3].lease_until == 0 else save(*given))
        with pytest.raises(asyncio.CancelledError):
            await deliver(heed)
    drop_orders(heed)
    taken = [posted.id for posted in receiver.posted]
    assert len(taken) == 1
    await deliver(heed)
    assert [posted.id for posted in receiver.posted] == taken  # the lease of the dead worker stands

    heed.clock.move(minutes=3)
    await heed.tick("sweep_webhooks")
    await heed.work()

    assert {posted.id for posted in receiver.posted} == set(taken)
    assert len(receiver.posted) == 2
    assert len(await deliveries(heed, "delivered")) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_whatever_fails_while_events_are_delivered_each_arrives_and_is_one_delivery(
    receiver: Receiver, when: Any
) -> None:
    """Every operation of storage fails once, before or after it was done."""
    number, was_met = 1, True
    while was_met:
        receiver.posted.clear()
        failure, storage = Failure(), memory_storage()
        parts = failing_storage(storage, failure)
        heed = Heed(storage=Storage(parts.tables, parts.blobs, storage.queues), settings={"HEED_LOOPBACK": "on"})
        await heed.start()
        await subscribed(heed, receiver)
        await sent(heed)
        await heed.put("/consents/bob@example.com", {"follow": "do_not_allow"})
        failure.arm(number, when)
        await deliver(heed)
        was_met = failure.count >= number
        failure.arm(0, "before")
        for _ in range(3):
            heed.clock.move(minutes=6)
            await heed.tick("sweep_webhooks")
            await deliver(heed)

        of_feed = [event["id"] for event in (await heed.get("/events"))["items"]]
        assert len(of_feed) == 2
        assert {posted.id for posted in receiver.posted} == set(of_feed), number
        assert {each["event"] for each in await deliveries(heed, "delivered")} == set(of_feed), number
        assert await deliveries(heed, "waiting") == []
        number += 1
    assert number > 10


async def test_an_event_whose_order_was_lost_is_delivered_by_the_timer(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    await tell(heed)
    drop_orders(heed)
    assert receiver.posted == []

    await heed.tick("sweep_webhooks")
    await heed.work()

    assert receiver.types() == ["message.sent"]


async def test_a_secret_is_shown_once_and_the_old_one_signs_for_a_day_more(receiver: Receiver) -> None:
    heed = await Heed(clock=SetClock(SystemClock().now()), settings={"HEED_LOOPBACK": "on"}).start()
    old = await subscribed(heed, receiver)
    assert "secret" not in await heed.get("/webhooks/crm")
    assert (await heed.api("PUT", "/webhooks/crm", {"url": receiver.url})).json["secret"] is None
    assert await remains_of(heed.storage, old) == []
    new = (await heed.post("/webhooks/crm/secret"))["secret"]

    await heed.post("/webhooks/crm/test")
    posted = receiver.posted[-1]
    for secret in (old, new):
        Webhook(secret).verify(posted.body, dict(posted.headers))
    heed.clock.move(hours=25)
    await heed.post("/webhooks/crm/test")
    posted = receiver.posted[-1]
    assert len(posted.headers["webhook-signature"].split()) == 1


async def test_a_test_tells_what_the_receiver_answers(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    assert await heed.post("/webhooks/crm/test") == {"delivered": True, "status": 200, "error": None}
    assert receiver.types() == ["webhook.test"]
    receiver.answer = failing
    assert await heed.post("/webhooks/crm/test") == {"delivered": False, "status": 500, "error": None}
    url = receiver.url
    await receiver.stop()
    assert (await heed.post("/webhooks/crm/test"))["error"] == "There was no answer: no connection could be made."
    await receiver.start()
    assert url


async def test_an_organization_has_twenty_webhooks_at_most(heed: Heed, receiver: Receiver) -> None:
    for number in range(20):
        await subscribed(heed, receiver, f"w{number}")
    assert (await heed.api("PUT", "/webhooks/w20", {"url": receiver.url})).status == 409
    assert (await heed.api("PUT", "/webhooks/w3", {"url": receiver.url, "events": ["message.sent"]})).status == 200
    assert (await heed.api("DELETE", "/webhooks/w7")).status == 200
    await subscribed(heed, receiver, "w20")
    assert len((await heed.get("/webhooks?limit=200"))["items"]) == 20


async def test_a_webhook_that_is_deleted_gets_nothing_and_leaves_nothing(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    await sent(heed)
    receiver.posted.clear()
    await heed.api("DELETE", "/webhooks/crm")
    await heed.hit(heed.urls("o")[0])
    await deliver(heed)

    assert receiver.posted == []
    assert not [each for each in await remains_of(heed.storage, "crm") if each.startswith("heedacmefeed")]
    assert (await heed.api("GET", "/webhooks/crm/deliveries")).status == 404


async def test_changes_of_a_webhook_are_conditional_and_noted(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    old = (await heed.get("/webhooks/crm"))["etag"]
    assert (await heed.api("PATCH", "/webhooks/crm", {"enabled": False}, if_match=old)).status == 200
    assert (await heed.api("PATCH", "/webhooks/crm", {"enabled": True}, if_match=old)).status == 412
    assert (await heed.api("DELETE", "/webhooks/crm", if_match=old)).status == 412
    audit = await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)
    acts = {entry["act"] for entry in audit.json["items"]}
    assert {"webhook.made", "webhook.changed"} <= acts


async def test_deliveries_hold_no_event_so_that_an_erasure_reaches_them(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    receiver.answer = failing
    await sent(heed)
    await deliver(heed)
    receiver.posted.clear()
    answer = await heed.api("DELETE", "/subjects/ada@example.com")
    assert answer.status == 202
    await heed.work("jobs", "interactions")
    receiver.answer = None
    heed.clock.move(hours=1)
    await deliver(heed)

    assert receiver.types()[0] == "message.sent"
    assert not [posted for posted in receiver.posted if b"ada@example.com" in posted.body]


async def test_deliveries_go_with_the_events_that_they_are_of(heed: Heed, receiver: Receiver) -> None:
    await subscribed(heed, receiver)
    await sent(heed)
    await deliver(heed)
    assert len(await deliveries(heed, "delivered")) == 1
    heed.clock.move(days=32)
    for _ in range(40):
        await heed.tick("remove_old_data")

    assert await deliveries(heed, "delivered") == []
