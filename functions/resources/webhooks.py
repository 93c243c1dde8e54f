"""Webhooks: addresses to which the feed's events are posted, and what became of each delivery."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, Field

from functions.api.authorization import Who
from functions.api.endpoint import Answer, Call, Deleted, Endpoints
from functions.api.paging import Page, PageQuery, last_key, page
from functions.api.patching import names_given, patch_of, patched
from functions.api.problems import answering_not_there, not_there
from lib.feed.models import EventType
from lib.fields import Moment
from lib.outside import NotOutside
from lib.outside.http import RequestFailed
from lib.storage.versions import IfMatch, check_version
from lib.webhooks.models import DeliveryOutcome, EventDelivery, StoredWebhook, WebhookRead, WebhookSpec
from lib.webhooks.store import read_webhook

endpoints = Endpoints("Webhooks", everybodys=True)

WebhookPatch = patch_of(WebhookSpec, __name__)
_READERS: tuple[Who, ...] = ("full", "read", "admin")
_CHANGERS: tuple[Who, ...] = ("full", "admin")
_MOST_REPLAYED = 1_000


class WebhookMade(WebhookRead):
    """A subscription, and its secret where it is new."""

    secret: str | None = Field(
        description="what deliveries are signed with, as Standard Webhooks' libraries take it: shown once, when the "
        "subscription is made; null when it is changed"
    )


class SecretMade(BaseModel):
    """A new secret, which is not shown again."""

    secret: str


class TestDelivery(BaseModel):
    """The outcome of a test."""

    delivered: bool
    status: int | None = Field(description="the receiver's; null where there was no answer")
    error: str | None = Field(description="why there was no answer")


class DeliveriesQuery(PageQuery):
    status: DeliveryOutcome = "delivered"


class DeliveryRead(BaseModel):
    """A delivery of one event."""

    id: str
    event: str = Field(description="the id of the event, which is also the header webhook-id")
    type: EventType
    message: str | None
    attempts: int = Field(description="tries so far, since it was replayed last")
    created_at: Moment
    next_at: Moment | None = Field(description="when it is tried next, at the earliest; null: it is at rest")
    ended_at: Moment | None
    last_status: int | None = Field(description="the status of the latest answer; null where there was none")
    last_error: str | None


class DeliveriesReplayed(BaseModel):
    """The outcome of a replay."""

    replayed: int = Field(description="deliveries that are tried again")


@endpoints("PUT", "/webhooks/{id}", body=WebhookSpec, answers={201: WebhookMade, 200: WebhookMade}, may=_CHANGERS)
async def put_webhook(call: Call) -> Answer:
    """Make a webhook, or replace one. A new one gets the events from then on; its secret is shown this once."""
    return await _saved(call, call.path["id"], call.body, call.if_match)


@endpoints("POST", "/webhooks", body=WebhookSpec, answers={201: WebhookMade}, may=_CHANGERS)
async def make_webhook(call: Call) -> Answer:
    """Make a webhook for a receiver that knows no ids, such as a flow. The header `Location` is its address.

    A call that is repeated with its `Idempotency-Key` makes one webhook; its secret is null where the first call died.
    """
    made = await _saved(call, call.made_id, call.body, None)
    base_url = call.services.settings.base_url
    headers = {"Location": f"{base_url}/api/orgs/{call.org}/webhooks/{call.made_id}"}
    return replace(made, status=201, headers=headers)


@endpoints("GET", "/webhooks/{id}", answers={200: WebhookRead}, may=_READERS)
async def get_webhook(call: Call) -> Answer:
    """Read a webhook, without its secret."""
    webhook, etag = await _webhook(call)
    return Answer(200, read_webhook(webhook, etag), etag)


@endpoints("PATCH", "/webhooks/{id}", body=WebhookPatch, answers={200: WebhookMade}, may=_CHANGERS)
async def patch_webhook(call: Call) -> Answer:
    """Change some fields of a webhook."""
    stored, etag = await _webhook(call)
    check_version(call.if_match, etag)
    spec = WebhookSpec.model_validate(patched(WebhookSpec, stored, call.body))
    return await _saved(call, call.path["id"], spec, IfMatch.for_version(etag))


async def _saved(call: Call, webhook_id: str, spec: WebhookSpec, if_match: IfMatch | None) -> Answer:
    webhook, secret = await call.services.webhooks.save_webhook(call.org, webhook_id, spec, if_match)
    call.note("webhook.made" if secret else "webhook.changed", webhook.id, fields=names_given(call.body))
    return Answer(201 if secret else 200, WebhookMade(**webhook.model_dump(), secret=secret), webhook.etag)


@endpoints("DELETE", "/webhooks/{id}", answers={200: Deleted}, may=_CHANGERS)
async def delete_webhook(call: Call) -> Answer:
    """Delete a webhook, with what is known of its deliveries."""
    with answering_not_there("webhook"):
        await call.services.webhooks.remove_webhook(call.org, call.path["id"], call.if_match)
    call.note("webhook.deleted", call.path["id"])
    return Answer(200, Deleted(deleted=call.path["id"]))


@endpoints("GET", "/webhooks", query=PageQuery, answers={200: Page[WebhookRead]}, may=_READERS)
async def list_webhooks(call: Call) -> Answer:
    """List the webhooks, by id. An organization has 20 at most."""
    listed = call.services.webhooks.list_webhooks(call.org, last_key(call), call.query.limit + 1)
    return Answer(200, page(call, [(webhook.id, webhook) async for webhook in listed]))


@endpoints("POST", "/webhooks/{id}/secret", answers={200: SecretMade}, may=_CHANGERS)
async def rotate_webhook_secret(call: Call) -> Answer:
    """Make a new secret. For 24 hours deliveries are signed with the old one as well."""
    webhook, _ = await _webhook(call)
    secret = await call.services.webhooks.rotate_secret(call.org, webhook.id)
    call.note("webhook.secret_made", webhook.id)
    return Answer(200, SecretMade(secret=secret))


@endpoints("POST", "/webhooks/{id}/test", answers={200: TestDelivery}, may=_CHANGERS)
async def test_webhook(call: Call) -> Answer:
    """Post a signed event of the type `webhook.test` at once, and tell what the receiver answers."""
    webhook, _ = await _webhook(call)
    try:
        reply = await call.services.webhook_delivery.test(call.org, webhook, call.made_id)
    except RequestFailed as failure:
        return Answer(200, TestDelivery(delivered=False, status=None, error=f"There was no answer: {failure}."))
    except NotOutside as refusal:
        return Answer(200, TestDelivery(delivered=False, status=None, error=f"{refusal}"))
    return Answer(200, TestDelivery(delivered=200 <= reply.status < 300, status=reply.status, error=None))


@endpoints("GET", "/webhooks/{id}/deliveries", query=DeliveriesQuery, answers={200: Page[DeliveryRead]}, may=_READERS)
async def list_deliveries(call: Call) -> Answer:
    """List deliveries: those that wait in their order, others by the newest event first."""
    webhook, _ = await _webhook(call)
    query: DeliveriesQuery = call.query
    listed = call.services.deliveries.list_deliveries(
        call.org, webhook.id, query.status, last_key(call), query.limit + 1
    )
    return Answer(200, page(call, [(key, _read(delivery)) async for key, delivery in listed]))


@endpoints("POST", "/webhooks/{id}/deliveries/{delivery}/replay", answers={200: DeliveryRead}, may=_CHANGERS)
async def replay_delivery(call: Call) -> Answer:
    """Deliver an event again, or at once: one that was given up, was delivered, or waits."""
    webhook, _ = await _webhook(call)
    delivery = await call.services.deliveries.replay(call.org, webhook.id, call.path["delivery"])
    if delivery is None:
        raise not_there("delivery")
    await _go_on(call, webhook)
    return Answer(200, _read(delivery))


@endpoints("POST", "/webhooks/{id}/replay", answers={200: DeliveriesReplayed}, may=_CHANGERS)
async def replay_dead_deliveries(call: Call) -> Answer:
    """Deliver what was given up again: the newest 1,000 events of it."""
    webhook, _ = await _webhook(call)
    count = await call.services.deliveries.replay_dead(call.org, webhook.id, _MOST_REPLAYED)
    await _go_on(call, webhook)
    return Answer(200, DeliveriesReplayed(replayed=count))


async def _go_on(call: Call, webhook: StoredWebhook) -> None:
    await call.services.deliveries.resume(call.org, webhook.id)
    await call.services.webhook_wake.order_soon(call.org, webhook.id)


async def _webhook(call: Call) -> tuple[StoredWebhook, str]:
    """Load the webhook of the path, with its etag. Raises Problem."""
    found = await call.services.webhooks.load_webhook(call.org, call.path["id"])
    if found is None:
        raise not_there("webhook")
    return found


def _read(delivery: EventDelivery) -> DeliveryRead:
    fields = delivery.model_dump(include=set(DeliveryRead.model_fields))
    return DeliveryRead(
        **fields,
        id=delivery.id,
        created_at=delivery.made_at,
        last_status=delivery.status,
        last_error=delivery.error,
    )
