"""A small demo, made once for all tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.cast import ORGANIZATION
from demo.making import Made, make_demo
from demo.stage import ADMIN_KEY
from tests.support.heed import BASE_URL, TOKEN_KEYS

MAILS = 40
NOW = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo on its stage, with a key of its organization."""

    made: Made
    key: str

    async def get(self, path: str, user: str = "nora") -> Any:
        """Read over HTTP; `path` as it stands after `/api/orgs/{org}`."""
        url = f"/api/orgs/{ORGANIZATION}{path}"
        answer = await self.made.stage.request("GET", url, key=self.key, headers={"x-heed-user": user})
        assert answer.status == 200, answer.body
        return answer.json

    async def items(self, path: str, user: str = "nora") -> AsyncIterator[Any]:
        """List over HTTP; `path` has a query."""
        cursor = ""
        while True:
            page = await self.get(f"{path}&limit=200{cursor}", user)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"


async def _make() -> Demo:
    made = await make_demo(BASE_URL, TOKEN_KEYS, NOW, lambda at, sent: None, mails=MAILS)
    keys = f"/api/orgs/{ORGANIZATION}/keys"
    key = (await made.stage.request("POST", keys, {"scope": "full"}, key=ADMIN_KEY)).json["key"]
    return Demo(made, key)


@pytest.fixture(scope="session")
def demo() -> Demo:
    """Nothing of it belongs to an event loop: its storage is in memory."""
    return asyncio.run(_make())
