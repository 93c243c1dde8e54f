"""The section `webhooks` of the OpenAPI document: requests that Heed sends, with bodies, headers and examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from functions.api.openapi_schemas import References, Schema

_HEADERS: Mapping[str, tuple[str, Any, Schema]] = {
    "webhook-id": (
        "The id of the event, also each time that it is tried again: remember it, as an event may come twice.",
        "0b54a3c4c1f24c4a9d1a8a5d0f6f2c11",
        {"type": "string"},
    ),
    "webhook-timestamp": (
        "The time of this try, in seconds since 1970. Refuse a request that is more than 5 minutes away from now.",
        1777887000,
        {"type": "integer"},
    ),
    "webhook-signature": (
        "Signatures, with a space between two: `v1,` and the HMAC-SHA256, in base64, of the id, the time and the body "
        "as it came, with a dot between two. One of them has to match; there are several while a secret is replaced.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        {"type": "string", "pattern": "^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$"},
    ),
}
"""Meaning, example and schema of each header that Standard Webhooks has a request carry."""

_REQUIRED: Schema = {"in": "header", "required": True}


class SentEvent(NamedTuple):
    """A type of events, as a webhook gets it."""

    model: type[BaseModel]
    """The model of the body."""

    media_type: str
    example: Any
    """The body of one event."""


def webhooks_section(events: Mapping[str, SentEvent], references: References) -> Schema:
    """Describe the request that each type of events comes in."""
    return {name: {"post": _request(name, event, references)} for name, event in events.items()}


def _request(name: str, event: SentEvent, references: References) -> Schema:
    media = {"schema": references[event.model, "serialization"], "example": event.example}
    summary = (event.model.__doc__ or "").strip()
    return {
        "operationId": f"on_{name.replace('.', '_')}",
        "tags": ["Webhooks"],
        "summary": summary,
        "description": f"{summary} Check the signature before you read the body: any library of Standard Webhooks "
        "(https://www.standardwebhooks.com) does that with the webhook's secret.",
        "security": [],
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": schema,
                "example": example,
            }
            for header, (text, example, schema) in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {event.media_type: media}},
        "responses": {
            "2XX": {"description": "The event was taken. Answer within 5 seconds."},
            "410": {"description": "The receiver wants no more: the webhook is switched off."},
            "default": {"description": "The event was not taken, and is tried again for a day. Redirects are none."},
        },
    }
