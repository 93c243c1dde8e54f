"""The two requests of Azure Communication Services Email, over the SDK's pipeline: it signs them.

Source: Email Send and Get Send Result of API version 2025-09-01.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.communication.email.aio import EmailClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceRequestTimeoutError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import HttpRequest

from lib.clock import Clock
from lib.transports.acs_resource import AcsResource
from lib.transports.answers import NoAnswer, NotSent, retry_after
from lib.transports.identity import Identity

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_SCOPE = "https://communication.azure.com//.default"
_VERSION = "2025-09-01"
_SECONDS_TO_CONNECT = 10
_SECONDS_IN_ALL = 40


@dataclass(frozen=True, slots=True)
class AcsReply:
    """An answer of the service."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    """Empty where the answer was no JSON object."""
    wait: timedelta | None
    """The time named in Retry-After."""
    repeatability: str
    """The answer to the headers that make a request repeatable: `accepted`, `rejected`, or empty."""
    token: str = field(repr=False)
    """The bearer token that the request carried."""


class AcsApi:
    """Requests to one Communication Services resource. Without a key, they carry a credential's token, or the app's."""

    def __init__(self, resource: AcsResource, clock: Clock, credential: AsyncTokenCredential | None = None) -> None:
        self._resource = resource
        self._clock = clock
        self._identity = Identity(_SCOPE, credential) if resource.key is None else None

    @cached_property
    def _client(self) -> EmailClient:
        key = self._resource.key
        return EmailClient(
            self._resource.endpoint,
            self._identity or AzureKeyCredential(key or ""),
            api_version=_VERSION,
            # The SDK's own policy repeats a POST after 500, 503, 504 and Retry-After. Only the outbox repeats.
            retry_policy=SansIOHTTPPolicy(),
            permit_redirects=False,
            connection_timeout=_SECONDS_TO_CONNECT,
        )

    async def log_in(self) -> str | None:
        """Get a token, where no key is the proof; return why that failed."""
        return await self._identity.log_in() if self._identity else None

    async def submit(self, message: Mapping[str, Any], operation: str, first_sent: str) -> AcsReply:
        """Submit a mail. Raises NotSent, NoAnswer."""
        headers = {
            "Operation-Id": operation,
            "Repeatability-Request-Id": operation,
            "Repeatability-First-Sent": first_sent,
        }
        return await self._call("POST", "/emails:send", headers=headers, json=dict(message))

    async def state(self, operation: str) -> AcsReply:
        """Read the state of an operation. Raises NotSent, NoAnswer."""
        return await self._call("GET", f"/emails/operations/{operation}")

    async def _call(self, method: str, path: str, **parts: Any) -> AcsReply:
        """Send a request; a token that is refused is renewed once."""
        reply = await self._request(method, path, **parts)
        if reply.status == 401 and self._identity is not None:
            try:
                await self._identity.renew(reply.token)
            except AzureError as error:
                raise _no_token(error) from error
            reply = await self._request(method, path, **parts)
        return reply

    async def _request(self, method: str, path: str, **parts: Any) -> AcsReply:
        request = HttpRequest(method, path, params={"api-version": _VERSION}, **parts)
        try:
            async with asyncio.timeout(_SECONDS_IN_ALL):
                response = await self._client.send_request(request)
        except ClientAuthenticationError as error:
            raise _no_token(error) from error
        except (AzureError, OSError) as error:
            if _never_left(error):
                raise NotSent(f"The email service could not be reached ({_name(error)}).") from error
            raise NoAnswer(_name(error)) from error
        try:
            body = response.json()
        except Exception:  # whatever the body is, it explains nothing then
            body = None
        return AcsReply(
            status=response.status_code,
            body=body if isinstance(body, dict) else {},
            wait=retry_after(response.headers.get("Retry-After"), self._clock.now()),
            repeatability=response.headers.get("Repeatability-Result", "").lower(),
            token=response.request.headers.get("Authorization", "").removeprefix("Bearer "),
        )

    async def close(self) -> None:
        """Close the connection."""
        if "_client" in self.__dict__:
            await self._client.close()
        if self._identity is not None:
            await self._identity.close()


def _no_token(error: Exception) -> NotSent:
    return NotSent(f"There is no token for the email service ({_name(error)}).", "token")


def _never_left(error: Exception) -> bool:
    """Whether there was no connection to send the request over.

    ServiceRequestError alone says less: the SDK raises it for a connection that was cut after the request, too.
    """
    cause = getattr(error, "inner_exception", None) or error
    return isinstance(error, ServiceRequestTimeoutError) or isinstance(cause, aiohttp.ClientConnectorError)


def _name(error: Exception) -> str:
    return type(getattr(error, "inner_exception", None) or error).__name__
