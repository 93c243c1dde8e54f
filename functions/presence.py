"""Functions that tell, once one is called, that their instance is there. One that is never called does no harm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from lib.operations.instances import Presence

Handler = Callable[..., Awaitable[Any]]


def present(handler: Handler, presence: Presence) -> Handler:
    """Begin to tell of the instance at the first call."""

    @wraps(handler)
    async def call(*arguments: Any, **named: Any) -> Any:
        presence.begin()
        return await handler(*arguments, **named)

    return call
