"""Changes of webhooks when storage fails, answers get lost, clocks go back, or Heed has switched one off."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from lib.storage import Storage
from lib.storage.memory import memory_storage
from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure, failing_storage
from tests.support.heed import Heed
from tests.support.receiver import Posted, Receiver

LOCAL = {"HEED_LOOPBACK": "on"}
ORDER = '{"v": 1, "org": "acme", "webhook": "crm"}'


@pytest.fixture
async def heed() -> Heed:
    return await Heed(settings=LOCAL).start()


async def failing(_: web.Request) -> web.Response:
    return web.Response(status=500)


async def rotated(heed: Heed) -> str:
    return str((await heed.post("/webhooks/crm/secret"))["secret"])


async def trial(heed: Heed, receiver: Receiver) -> Posted:
    await heed.post("/webhooks/crm/test")
    return receiver.posted[-1]


def is_signed_by(posted: Posted, secret: str) -> bool:
    at = datetime.fromtimestamp(int(posted.headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(posted.id, at, posted.body.decode()) in posted.headers["webhook-signature"].split()


async def test_the_secret_that_the_receiver_knows_signs_on_whatever_answers_with_new_ones_were_lost(
    heed: Heed, receiver: Receiver
) -> None:
    known = (await heed.put("/webhooks/crm", {"url": receiver.url}))["secret"]
    lost = await rotated(heed)
    new = await rotated(heed)
    posted = await trial(heed, receiver)
    assert all(is_signed_by(posted, secret) for secret in (known, lost, new))

    for _ in range(10):
        newest = await rotated(heed)
    posted = await trial(heed, receiver)
    assert is_signed_by(posted, known)
    assert is_signed_by(posted, newest)
    assert len(posted.headers["webhook-signature"].split()) == 5

    heed.clock.move(hours=24)
    assert not is_signed_by(await trial(heed, receiver), known)


async def test_a_webhook_whose_delivery_cannot_be_ordered_just_now_is_made_and_shows_its_secret(
    receiver: Receiver,
) -> None:
    storage, failure = memory_storage(), Failure()
    queues = failing_storage(storage, failure).queues
    heed = await Heed(storage=Storage(storage.tables, storage.blobs, queues), settings=LOCAL).start()
    failure.fail_always()

    made = await heed.api("PUT", "/webhooks/crm", {"url": receiver.url})
    assert made.status == 201
    assert made.json["secret"]
    assert (await heed.api("PATCH", "/webhooks/crm", {"events": ["message.opened"]})).status == 200
    assert (await heed.api("POST", "/webhooks/crm/replay")).status == 200


async def test_a_webhook_that_was_switched_off_says_why_until_it_is_switched_on(heed: Heed, receiver: Receiver) -> None:
    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=410)

    receiver.answer = gone
    await heed.put("/webhooks/crm", {"url": receiver.url})
    await heed.sent()
    changed: Any = (await heed.api("PATCH", "/webhooks/crm", {"events": ["message.opened"]})).json
    switched_on: Any = (await heed.api("PATCH", "/webhooks/crm", {"enabled": True})).json
    switched_off: Any = (await heed.api("PATCH", "/webhooks/crm", {"enabled": False})).json

    assert "410" in changed["disabled_because"]
    assert switched_on["disabled_because"] is None
    assert switched_off["disabled_because"] is None


async def test_a_clock_that_was_ahead_and_is_set_back_holds_no_delivery_up(heed: Heed, receiver: Receiver) -> None:
    await heed.put("/webhooks/crm", {"url": receiver.url})
    receiver.answer = failing
    heed.clock.move(days=400)
    for _ in range(6):
        await heed.post(f"/messages/{await heed.draft()}/send")
    await heed.work("outbox", "interactions")
    await heed.hand_over("webhooks", ORDER)
    heed.clock.move(days=-400)
    receiver.answer, receiver.posted = None, []
    await heed.hand_over("webhooks", ORDER)

    assert receiver.types() == ["message.sent"] * 6


async def test_a_new_webhook_gets_no_event_of_an_earlier_one_of_its_name_whatever_failed_when_that_was_deleted(
    receiver: Receiver,
) -> None:
    step, is_over = 1, False
    while not is_over:
        failure = Failure()
        heed = await disturbed_heed(failure, LOCAL)
        await heed.put("/webhooks/crm", {"url": receiver.url, "enabled": False})
        await heed.sent()
        await heed.api("PATCH", "/webhooks/crm", {"enabled": True})
        receiver.answer = failing
        await heed.hand_over("webhooks", ORDER)
        failure.arm(step, "before")
        await heed.api("DELETE", "/webhooks/crm")
        is_over = failure.count < step
        failure.arm(0, "before")
        if step % 2:
            await heed.api("DELETE", "/webhooks/crm")
        receiver.answer, receiver.posted = None, []
        made = await heed.api("PUT", "/webhooks/crm", {"url": receiver.url})
        heed.clock.move(minutes=5)
        await heed.hand_over("webhooks", ORDER)
        assert made.status == 200 or receiver.posted == [], step
        step += 1
    assert step > 5


async def test_a_webhook_whose_secret_is_lost_posts_nothing_unsigned_and_says_what_to_do(receiver: Receiver) -> None:
    storage = memory_storage()
    before = await Heed(storage=storage, settings=LOCAL).start()
    await before.put("/webhooks/crm", {"url": receiver.url})
    other_keys = "k2:" + base64.urlsafe_b64encode(bytes(range(1, 65))).decode().rstrip("=")
    heed = Heed(storage=storage, settings={**LOCAL, "HEED_TOKEN_KEYS": other_keys}, key=before.key)
    refused = await heed.api("POST", "/webhooks/crm/test")
    await heed.hand_over("webhooks", ORDER)
    webhook = await heed.get("/webhooks/crm")

    assert (refused.status, receiver.posted) == (409, [])
    assert "make a new one, and switch the webhook on" in refused.json["detail"]
    assert (webhook["enabled"], webhook["disabled_because"]) == (False, refused.json["detail"])

    secret = await rotated(heed)
    await heed.api("PATCH", "/webhooks/crm", {"enabled": True})
    assert is_signed_by(await trial(heed, receiver), secret)
