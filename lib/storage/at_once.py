"""Requests to storage, some of them at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from itertools import islice
from typing import TypeVar

_Answer = TypeVar("_Answer")

_AT_ONCE = 32


async def some_at_once(work: Iterable[Awaitable[_Answer]]) -> list[_Answer]:
    """Do all of the work, 32 pieces at a time; results in order."""
    waiting, results = iter(work), list[_Answer]()
    while some := list(islice(waiting, _AT_ONCE)):
        results += await asyncio.gather(*some)
    return results
