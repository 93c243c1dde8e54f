"""Calls of the running Heed's API, with the administrator's key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from demo.cast import ORGANIZATION, ORGANIZATION_NAME
from demo.stage import DemoError
from infra.local.running import RunningHeed

_TIMEOUT = aiohttp.ClientTimeout(total=60)
NOT_RUNNING = "Heed does not run here. Start it in another terminal (make run), then try again: make demo"


@dataclass(frozen=True, slots=True)
class Contents:
    """Numbers of the demo that is there."""

    users: int
    contacts: int
    mails: int
    newest: str
    """The time of the newest mail that went out (RFC 3339); empty where there is none."""


class RunningApi:
    """The API of a running Heed, for one organization."""

    def __init__(self, session: aiohttp.ClientSession, running: RunningHeed, organization: str = ORGANIZATION) -> None:
        self._session = session
        self._running = running
        self._organization = organization

    async def is_there(self) -> bool:
        """Tell whether the demo's organization is there. Raises DemoError where another one has its id."""
        status, answer = await self._call("GET", "")
        if status == 404:
            return False
        if status != 200:
            raise DemoError(f"Heed answers {status} when it is asked for the organization {ORGANIZATION}.")
        if answer["name"] != ORGANIZATION_NAME:
            raise DemoError(
                f'There is an organization {ORGANIZATION} already, of the name "{answer["name"]}". It is not the '
                "demo's, and stays as it is: run the demo on a Heed with another data folder (HEED_DATA_DIR)."
            )
        return True

    async def make_organization(self, name: str, user: str, fields: Mapping[str, Any]) -> None:
        """Make the organization, with one user and nothing else. Raises DemoError."""
        await self._put("", {"name": name})
        await self._put(f"/users/{user}", fields, await self.make_key("admin"))

    async def _put(self, path: str, body: Any, key: str | None = None) -> None:
        status, _ = await self._call("PUT", path, body, key)
        if status not in (200, 201):
            raise DemoError(f"Heed answers {status} when it is asked to make {self._organization}{path}.")

    async def delete_organization(self) -> None:
        """Delete the organization. Raises DemoError."""
        status, _ = await self._call("DELETE", "")
        if status not in (200, 404):
            raise DemoError(f"Heed answers {status} when it is asked to delete the organization {self._organization}.")

    async def make_key(self, scope: str) -> str:
        """Make a key of the organization. Raises DemoError."""
        status, answer = await self._call("POST", "/keys", {"scope": scope, "name": "make demo"})
        if status != 201:
            raise DemoError(f"Heed answers {status} when it is asked for a key.")
        return str(answer["key"])

    async def read_contents(self, key: str) -> Contents:
        """Count what is there."""
        users = [each async for each in self.list_items("/users?", key)]
        contacts = [each async for each in self.list_items("/records?type=contact&", key)]
        mails = [each async for each in self.list_items("/messages?view=all&sort=-sent_at&", key)]
        sent = [each["sent_at"] for each in mails if each["sent_at"]]
        return Contents(len(users), len(contacts), len(mails), max(sent, default=""))

    async def list_items(self, path: str, key: str, user: str | None = None) -> AsyncIterator[Any]:
        """List all items of a list; `path` ends where more of the query may follow."""
        cursor = ""
        while True:
            _, page = await self._call("GET", f"{path}limit=200{cursor}", key=key, user=user)
            for item in page["items"]:
                yield item
            if not page["next"]:
                return
            cursor = f"&cursor={page['next']}"

    async def _call(
        self, method: str, path: str, body: Any = None, key: str | None = None, user: str | None = None
    ) -> tuple[int, Any]:
        url = f"{self._running.url}/api/orgs/{self._organization}{path}"
        headers = {"Authorization": f"Bearer {key or self._running.admin_key}"}
        headers |= {"X-Heed-User": user} if user else {}
        try:
            async with self._session.request(method, url, json=body, headers=headers, timeout=_TIMEOUT) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise DemoError(NOT_RUNNING) from error
