"""Messages of the queue `webhooks`: orders to deliver what waits for one subscription."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lib.ids import CHOSEN
from lib.storage.queue_bodies import id_in, read_body


@dataclass(frozen=True, slots=True)
class DeliveryOrder:
    """An order to go on with the deliveries of a subscription."""

    organization: str
    webhook: str

    def to_json(self) -> str:
        return json.dumps({"v": 1, "org": self.organization, "webhook": self.webhook})


def read_delivery_order(body: bytes) -> DeliveryOrder:
    """Read an order. Raises ValueError for any other body, which ends in the poison queue."""
    organization, fields = read_body(body)
    return DeliveryOrder(organization, id_in(fields, "webhook", CHOSEN))
