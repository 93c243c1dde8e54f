"""The clients of Python, synchronous or not, as tests call them alike."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(frozen=True, slots=True)
class Caller:
    """A client for one organization, made anew for each call."""

    package: ModuleType
    """`heed_client`."""

    is_async: bool
    url: str = ""
    key: str = "k"
    organization: str = "acme"
    options: dict[str, Any] = field(default_factory=dict)

    async def call(self, operation: str, *path: str, **arguments: Any) -> Any:
        """Call an operation such as `webhooks.put_webhook`."""
        module = _module(operation)
        if self.is_async:
            async with self._client() as heed:
                return await heed.call(module, *path, **arguments)
        return await self._in_thread(lambda heed: heed.call(module, *path, **arguments))

    async def items(self, operation: str, *path: str, **query: Any) -> list[Any]:
        """All items of a list."""
        module = _module(operation)
        if self.is_async:
            async with self._client() as heed:
                return [item async for item in heed.items(module, *path, **query)]
        return list(await self._in_thread(lambda heed: list(heed.items(module, *path, **query))))

    async def changes(self, after: str | None = None, **query: Any) -> list[Any]:
        """All pages of the feed."""
        if self.is_async:
            async with self._client() as heed:
                return [page async for page in heed.changes(after, **query)]
        return list(await self._in_thread(lambda heed: list(heed.changes(after, **query))))

    def _client(self) -> Any:
        kind = self.package.AsyncHeed if self.is_async else self.package.Heed
        return kind(self.url, self.key, self.organization, **self.options)

    async def _in_thread(self, work: Callable[[Any], Any]) -> Any:
        def run() -> Any:
            with self._client() as heed:
                return work(heed)

        return await asyncio.to_thread(run)


def _module(operation: str) -> ModuleType:
    return importlib.import_module(f"heed_client.generated.api.{operation}")
