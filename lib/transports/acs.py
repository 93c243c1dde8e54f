"""Azure Communication Services Email, through its SDK.

A submission that was accepted (202) counts as sent: what becomes of the mail afterwards comes as delivery reports, not
by polling here. Two things keep a repeated submission from being a second mail, and every request carries both:

- `Repeatability-Request-Id` and `Repeatability-First-Sent`: the service tracks requests for 5 minutes, answers a
  repeated one with the first one's answer, and refuses (412) what was first sent before that. Source: "Repeatable
  requests", https://learn.microsoft.com/en-us/rest/api/communication/repeatable-requests.
- `Operation-Id`, which names the submission, so that it can be asked for. A known id with another content is refused.
  Source: Email Send and Get Send Result of API version 2025-09-01; "Microsoft Azure REST API Guidelines", long-running
  operations, lro-operation-id-unique-except-retries.

Both are one id, made of the message's key and the time of the try: a doubtful try that is repeated keeps it, a new try
after a definite refusal has a new one, for the service would answer the old one with the old refusal.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from datetime import timedelta
from email.utils import format_datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, cast
from uuid import UUID

import aiohttp
from azure.communication.email.aio import EmailClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ServiceRequestTimeoutError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

from lib.clock import Clock
from lib.compose import Part
from lib.transports.acs_resource import AcsResource
from lib.transports.answers import retry_after, service_error
from lib.transports.protocol import Accepted, Again, Envelope, Mailbox, Outcome, Refused, Unknown

WINDOW = timedelta(minutes=4, seconds=30)
"""How long after its first submission a message may be submitted again: the service's 5 minutes, less 30 seconds for
clocks that differ and for the way."""

_PAUSE = timedelta(seconds=20)
"""Between repeated submissions, and between questions."""

_LONGEST_ASKING = timedelta(hours=1)
"""After this, a service that still cannot be asked leaves the message uncertain."""

_TEMPORARY = (401, 412, 429, 503)
"""Of the refusals, those that time or an operator mends: a key, a clock that is off, too many requests."""

_VERSION = "2025-09-01"
_SECONDS_TO_CONNECT = 10
_SECONDS_IN_ALL = 40


class _CannotAsk(Exception):
    """The service does not say what it knows; the text says why."""


class AcsTransport:
    """One Communication Services resource; without a key it is entered with the identity that the app runs as."""

    separate_envelopes = False  # It makes To and Cc of those to whom it delivers.

    def __init__(self, resource: AcsResource, clock: Clock) -> None:
        self._resource = resource
        self._clock = clock
        self._identity: Any = None

    @cached_property
    def _client(self) -> EmailClient:
        credential: Any
        if self._resource.key is not None:
            credential = AzureKeyCredential(self._resource.key)
        else:
            from azure.identity.aio import DefaultAzureCredential

            credential = self._identity = DefaultAzureCredential()
        return EmailClient(
            self._resource.endpoint,
            credential,
            api_version=_VERSION,
            # The SDK's own policy repeats a POST after 500, 503, 504 and Retry-After. The outbox repeats, nobody else.
            retry_policy=SansIOHTTPPolicy(),
            permit_redirects=False,
            connection_timeout=_SECONDS_TO_CONNECT,
        )

    async def send(self, envelope: Envelope) -> Outcome:
        repeated = envelope.earlier == "doubtful"
        if repeated and self._too_late(envelope):
            return _too_late_to_repeat()
        try:
            await self._submit(envelope)
        except HttpResponseError as error:
            return self._answered(error, repeated)
        except (AzureError, OSError) as error:
            if _never_left(error) and not repeated:
                return Refused(True, "connection", f"The email service could not be reached ({_name(error)}).")
            return _unconfirmed(error)
        return Accepted(ids=(_operation(envelope),))

    async def _submit(self, envelope: Envelope) -> None:
        operation = _operation(envelope)
        headers = {
            "Repeatability-Request-Id": operation,
            "Repeatability-First-Sent": format_datetime(envelope.tried_at, usegmt=True),
        }
        async with asyncio.timeout(_SECONDS_IN_ALL):
            await self._client.begin_send(_message(envelope), operation_id=operation, polling=False, headers=headers)

    def _answered(self, error: HttpResponseError, repeated: bool) -> Outcome:
        if error.response is None:
            return _without_response(error, repeated)
        response = cast(AsyncHttpResponse, error.response)
        status, headers = response.status_code, response.headers
        code, said = service_error(_json(error), status)
        text = f"The email service answered {status}: {said}"
        wait = retry_after(headers.get("Retry-After"), self._clock.now())
        if not _definite(status, wait is not None):
            return Unknown(text)
        if repeated and headers.get("Repeatability-Result", "").lower() != "accepted":
            # This one was refused, perhaps just for being the second; of the first one that says nothing.
            return Unknown(text)
        return Refused(status in _TEMPORARY, code, text, wait)

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        """Whatever the service knows of the operation counts, at any time; else the window decides."""
        since = self._clock.now() - envelope.tried_at
        try:
            known = await self._ask(envelope)
        except _CannotAsk as error:
            if not self._too_late(envelope):
                return Again(_PAUSE)
            return Unknown(str(error), ask_again=_PAUSE * 3 if since < _LONGEST_ASKING else None)
        if known is not None:
            return known
        return _too_late_to_repeat() if self._too_late(envelope) else Again(_PAUSE)

    async def _ask(self, envelope: Envelope) -> Accepted | Refused | None:
        """What became of the operation; None when the service knows of none. Raises _CannotAsk."""
        operation = _operation(envelope)
        request = HttpRequest("GET", f"/emails/operations/{operation}", params={"api-version": _VERSION})
        try:
            async with asyncio.timeout(_SECONDS_IN_ALL):
                response = await self._client.send_request(request)
            body = response.json() if response.status_code == 200 else None
        except (AzureError, OSError, ValueError) as error:
            raise _CannotAsk(f"The email service could not be asked ({_name(error)}).") from error
        if response.status_code == 404:
            return None
        if not isinstance(body, Mapping):
            raise _CannotAsk(f"The email service could not be asked ({response.status_code}).")
        if body.get("status") in ("Failed", "Canceled"):
            code, said = service_error(body, response.status_code)
            return Refused(False, code, f"The email service did not send it: {said}")
        return Accepted(ids=(operation,))

    async def discard(self, sender: str, key: str) -> bool:  # noqa: ARG002 - the service keeps no drafts
        return True

    def _too_late(self, envelope: Envelope) -> bool:
        return self._clock.now() - envelope.tried_at > WINDOW

    async def close(self) -> None:
        if "_client" in self.__dict__:
            await self._client.close()
        if self._identity is not None:
            await self._identity.close()


def _operation(envelope: Envelope) -> str:
    """A version 4 UUID. The time counts in seconds, as it stands in the header."""
    moment = envelope.tried_at.replace(microsecond=0).isoformat()
    return str(UUID(bytes=blake2b(f"{envelope.key} {moment}".encode(), digest_size=16).digest(), version=4))


def _message(envelope: Envelope) -> dict[str, Any]:
    """The request's body. It is the same in every try of an unchanged message: nothing in it depends on the time.

    The service keeps a valid Message-ID. Source: "Adding reserved custom headers",
    https://learn.microsoft.com/en-us/azure/communication-services/concepts/email/email-headers.
    """
    content = envelope.content
    bodies = {"plainText": content.text, "html": content.html}
    return {
        "senderAddress": envelope.sender,
        "content": {"subject": content.subject, **{name: body for name, body in bodies.items() if body is not None}},
        "recipients": {
            "to": _addresses(content.to),
            "cc": _addresses(content.cc),
            "bcc": _addresses(content.bcc),
        },
        **({"attachments": [_attachment(file) for file in content.files]} if content.files else {}),
        "headers": {"Message-ID": envelope.message_id, **dict(content.headers)},
        # Following is ours, by consent; the service's own pixel and links would be a second tracker.
        "userEngagementTrackingDisabled": True,
    }


def _attachment(file: Part) -> dict[str, Any]:
    """With all of them the service takes 10 MB a mail; what is more, it refuses by itself.

    Source: "Service limits for Email", https://learn.microsoft.com/en-us/azure/communication-services/concepts/service-limits.
    """
    found = {
        "name": file.filename,
        "contentType": file.content_type,
        "contentInBase64": base64.b64encode(file.data).decode(),
    }
    return {**found, "contentId": file.cid} if file.cid else found


def _addresses(mailboxes: tuple[Mailbox, ...]) -> list[dict[str, str]]:
    return [{"address": address, **({"displayName": name} if name else {})} for name, address in mailboxes]


def _without_response(error: HttpResponseError, repeated: bool) -> Outcome:
    """An identity that gives no token stops the request; an answer that breaks off is none."""
    if isinstance(error, ClientAuthenticationError) and not repeated:
        return Refused(True, "token", f"There is no token for the email service ({_name(error)}).")
    return _unconfirmed(error)


def _unconfirmed(error: Exception) -> Unknown:
    return Unknown(f"The email service did not confirm the message ({_name(error)}).")


def _definite(status: int, names_a_time: bool) -> bool:
    """Whether this status says that the service did not take the message.

    A 503 that names a time to come again is the service's own; a gateway's says only that nobody answered it.
    """
    return (400 <= status < 500 and status not in (408, 409)) or (status == 503 and names_a_time)


def _never_left(error: Exception) -> bool:
    """Whether there was no connection to send it over. ServiceRequestError alone says less: the SDK raises it for a
    connection that was cut after the request, too."""
    cause = getattr(error, "inner_exception", None) or error
    return isinstance(error, ServiceRequestTimeoutError) or isinstance(cause, aiohttp.ClientConnectorError)


def _json(error: HttpResponseError) -> object:
    try:
        return error.response.json()  # type: ignore[union-attr]
    except Exception:  # whatever the body is, it explains nothing then
        return None


def _name(error: Exception) -> str:
    return type(getattr(error, "inner_exception", None) or error).__name__


def _too_late_to_repeat() -> Unknown:
    return Unknown("The email service does not know it, and the time in which it notices a repetition is over.")
