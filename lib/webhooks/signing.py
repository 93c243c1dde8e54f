"""Bodies and signatures of deliveries.

A body is an event of CloudEvents 1.0 in structured mode (https://github.com/cloudevents/spec, "JSON Event Format"). The
signature is that of Standard Webhooks (https://www.standardwebhooks.com), made by its library: receivers check it with
the same one. While a secret is being replaced, a delivery carries a signature by each.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from standardwebhooks import Webhook

from lib.clock import rfc3339

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """Make a secret as receivers' libraries take it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def cloud_event(source: str, event_id: str, event_type: str, subject: str | None, at: datetime, data: Any) -> bytes:
    """Make the body of a delivery; `data` is the event as the feed shows it."""
    about = {} if subject is None else {"subject": subject}
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": event_type,
            **about,
            "time": rfc3339(at),
            "datacontenttype": "application/json",
            "data": data,
        },
        separators=(",", ":"),
    ).encode()


def signed_headers(keys: Sequence[str], event_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a delivery, signed by each of the secrets."""
    signatures = [Webhook(key).sign(event_id, now, body.decode()) for key in keys]
    return {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
