"""Messages of the queue `webhooks`: orders to deliver what waits for one subscription."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lib.ids import CHOSEN, ORGANIZATION


@dataclass(frozen=True, slots=True)
class DeliveryOrder:
    """An order to go on with the deliveries of a subscription."""

    organization: str
    webhook: str

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "webhook": self.webhook})


def read_delivery_order(body: bytes) -> DeliveryOrder:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("v") != 1:
        raise ValueError("a message of another version, or none")
    organization, webhook = raw.get("org"), raw.get("webhook")
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise ValueError("it names no organization")
    if not isinstance(webhook, str) or not CHOSEN.fullmatch(webhook):
        raise ValueError("it names no webhook")
    return DeliveryOrder(organization, webhook)
