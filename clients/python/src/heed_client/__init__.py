"""Client of Heed, which sends and follows sales mail."""

from heed_client.client import AsyncHeed, Heed
from heed_client.errors import FieldFault, HeedError
from heed_client.repeating import Retries
from heed_client.webhooks import Delivery, UnverifiedDelivery, verify_delivery

__all__ = [
    "AsyncHeed",
    "Delivery",
    "FieldFault",
    "Heed",
    "HeedError",
    "Retries",
    "UnverifiedDelivery",
    "verify_delivery",
]
