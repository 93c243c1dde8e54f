"""Requests to storage as a page makes them: how many, and how many rounds, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from lib.storage import Storage
from lib.storage.protocols import EVERYTHING

MOST_ROUNDS, MOST_REQUESTS, LARGEST = 4, 12, 60_000
"""What a page of the console may take: rounds, requests, and bytes of HTML."""

_ROWS_OF_A_REQUEST: Final = 1_000
"""Rows that storage gives with one answer; the next ones are asked for when these have come."""


@dataclass
class Counted:
    """Requests to storage. A round is what goes on at the same time."""

    requests: int = 0
    rounds: int = 0
    under_way: int = 0

    def clear(self) -> None:
        """Count anew."""
        self.requests = self.rounds = 0

    async def __aenter__(self) -> None:
        if self.under_way == 0:
            self.rounds += 1
        self.requests += 1
        self.under_way += 1
        for _ in range(20):  # whatever else is asked for at the same time begins now
            await asyncio.sleep(0)

    async def __aexit__(self, *error: object) -> None:
        self.under_way -= 1


def counting_rounds(storage: Storage, counted: Counted) -> Storage:
    """Return the same storage; what its tables and blobs are asked for is counted."""
    return Storage(_Counting(storage.tables, counted), _Counting(storage.blobs, counted), storage.queues)


class _Counting:
    """Tables or blobs whose requests are counted."""

    def __init__(self, inner: Any, counted: Counted) -> None:
        self._inner = inner
        self._counted = counted

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        if name == "query":
            return self._query
        if name == "list_blobs":
            return self._list_blobs

        async def ask(*arguments: Any, **named: Any) -> Any:
            async with self._counted:
                return await inner(*arguments, **named)

        return ask

    async def _query(self, table: str, partition: Any, keys: Any = EVERYTHING, limit: Any = None) -> AsyncIterator[Any]:
        found = self._inner.query(table, partition, keys, limit)
        rest = limit
        while True:
            most = _ROWS_OF_A_REQUEST if rest is None else min(rest, _ROWS_OF_A_REQUEST)
            async with self._counted:
                rows = [row async for row in _first(found, most)]
            for row in rows:
                yield row
            rest = None if rest is None else rest - len(rows)
            if len(rows) < most or rest == 0:
                return

    async def _list_blobs(self, *arguments: Any) -> AsyncIterator[Any]:
        async with self._counted:
            found = [each async for each in self._inner.list_blobs(*arguments)]
        for each in found:
            yield each


async def _first(rows: AsyncIterator[Any], most: int) -> AsyncIterator[Any]:
    for _ in range(most):
        try:
            yield await anext(rows)
        except StopAsyncIteration:
            return
