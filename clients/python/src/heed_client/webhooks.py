"""Deliveries of webhooks: checked by the library of Standard Webhooks (https://www.standardwebhooks.com), and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from standardwebhooks import Webhook, WebhookVerificationError

from heed_client.generated.models.feed_event import FeedEvent

TEST = "webhook.test"
"""The type of a delivery that `POST /webhooks/{id}/test` makes."""


class UnverifiedDelivery(Exception):
    """A delivery that is not to be believed: answer 401 and forget it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that was signed with the webhook's secret within five minutes."""

    id: str
    """The event's id. The same event may be delivered twice: remember the ids that you have dealt with."""

    type: str
    """Such as `message.opened`, or `webhook.test`."""

    event: FeedEvent | None
    """The event as the feed shows it; None for a test."""


def verify_delivery(body: bytes | str, headers: Mapping[str, str], *secrets: str) -> Delivery:
    """Check a delivery and read it. `body` is what came, not parsed; any of the secrets may have signed it.

    Raises UnverifiedDelivery.
    """
    found = None
    for secret in secrets:
        try:
            found = Webhook(secret).verify(body, dict(headers))
            break
        except (WebhookVerificationError, ValueError) as error:
            refusal = error
    if found is None:
        raise UnverifiedDelivery(str(refusal) if secrets else "there is no secret to check it with")
    event = None if found["type"] == TEST else FeedEvent.from_dict(found["data"])
    return Delivery(id=found["id"], type=found["type"], event=event)
