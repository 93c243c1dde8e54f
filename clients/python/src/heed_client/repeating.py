"""Requests that are sent again where that is safe: transports of httpx, beneath every generated call.

A POST gets an `Idempotency-Key`, so that its repetition is answered with its first answer and does nothing twice.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass

import httpx

_KEY = "Idempotency-Key"
Outcome = httpx.Response | httpx.TransportError

_BUSY = frozenset({429, 503})
"""Statuses that say to come again; whatever the method was."""

_LOST = frozenset({502, 504})
"""Statuses of a gateway that has no answer: the request may have been carried out."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Limits of repeating a request."""

    attempts: int = 4
    """How often a request is sent at most."""

    first_pause: float = 0.5
    """Seconds before the second attempt where the answer names none; doubled for each one more."""

    longest_pause: float = 30.0
    """Seconds: a longer pause that an answer asks for is left to the caller, as an error."""

    def pause(
        self, attempt: int, request: httpx.Request, outcome: httpx.Response | httpx.TransportError
    ) -> float | None:
        """Return the seconds to wait after this attempt (from 1), or None where it was the last."""
        if attempt >= self.attempts or not _may_repeat(request, outcome):
            return None
        asked = _asked_pause(outcome)
        if asked is not None:
            return asked if asked <= self.longest_pause else None
        jitter = 0.5 + random.random()  # noqa: S311 - clients that failed together come back apart
        return min(self.longest_pause, self.first_pause * 2.0 ** (attempt - 1) * jitter)


class RepeatingTransport(httpx.BaseTransport):
    """A transport that repeats requests."""

    def __init__(self, inner: httpx.BaseTransport, retries: Retries) -> None:
        self._inner = inner
        self._retries = retries

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        _name_request(request)
        for attempt in range(1, self._retries.attempts + 1):
            try:
                response = self._inner.handle_request(request)
            except httpx.TransportError as error:
                pause = self._retries.pause(attempt, request, error)
                if pause is None:
                    raise
            else:
                pause = self._retries.pause(attempt, request, response)
                if pause is None:
                    return response
                response.close()
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._inner.close()


class AsyncRepeatingTransport(httpx.AsyncBaseTransport):
    """A transport that repeats requests of asynchronous clients."""

    def __init__(self, inner: httpx.AsyncBaseTransport, retries: Retries) -> None:
        self._inner = inner
        self._retries = retries

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _name_request(request)
        for attempt in range(1, self._retries.attempts + 1):
            try:
                response = await self._inner.handle_async_request(request)
            except httpx.TransportError as error:
                pause = self._retries.pause(attempt, request, error)
                if pause is None:
                    raise
            else:
                pause = self._retries.pause(attempt, request, response)
                if pause is None:
                    return response
                await response.aclose()
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        await self._inner.aclose()


def _name_request(request: httpx.Request) -> None:
    if request.method == "POST" and _KEY not in request.headers:
        request.headers[_KEY] = uuid.uuid4().hex


def _may_repeat(request: httpx.Request, outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        if outcome.status_code in _BUSY:
            return True
        if outcome.status_code == 409:  # the first attempt is still under way
            return _KEY in request.headers and "Retry-After" in outcome.headers
        return outcome.status_code in _LOST and _is_safe_to_repeat(request)
    if isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return True  # nothing was sent
    return _is_safe_to_repeat(request)


def _is_safe_to_repeat(request: httpx.Request) -> bool:
    """Whether doing it twice is as doing it once, and is answered alike.

    A change under `If-Match` would be answered with 412 the second time, and a deletion with 404.
    """
    return request.method in ("GET", "HEAD", "POST") or (request.method == "PUT" and "If-Match" not in request.headers)


def _asked_pause(outcome: Outcome) -> float | None:
    """Return the seconds that an answer asks for. Heed names seconds; dates of a proxy's are not read."""
    asked = outcome.headers.get("Retry-After", "") if isinstance(outcome, httpx.Response) else ""
    return float(asked) if asked.isdecimal() else None
