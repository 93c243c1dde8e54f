"""Those who look at the screens of the demo: a salesperson, an administrator, an operator, and a stranger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from demo.cast import ORGANIZATION
from demo.names import SELLERS
from demo.screens import Screen, Who, find_screens
from infra.local.host.asking import Response

_API = f"/api/orgs/{ORGANIZATION}"
_FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}


class Ask(Protocol):
    """Makes a request of a Heed that has the demo."""

    async def __call__(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str]
    ) -> Response: ...


@dataclass(slots=True)
class Onlooker:
    """Signed in as each of them. The first salesperson is the one as whom a newcomer signs in."""

    ask: Ask
    keys: dict[str, str] = field(default_factory=dict)
    """Keys of the organization by their scope."""
    _cookies: dict[Who, str] = field(default_factory=dict)
    _user: str = SELLERS[0][0]

    async def sign_in(self, admin_key: str) -> None:
        """Make keys of the organization, and sign in with each."""
        for scope in ("full", "admin"):
            body = {"scope": scope, "name": "onlooker"}
            made = await self.ask("POST", f"{_API}/keys", body, key=admin_key, headers={})
            self.keys[scope] = made.json["key"]
        by_key = {"user": self._user}
        self._cookies = {
            "seller": await self._cookie("sign-in", {"key": self.keys["full"], **by_key}),
            "admin": await self._cookie("sign-in", {"key": self.keys["admin"], **by_key}),
            "operator": await self._cookie("operator/sign-in", {"key": admin_key}),
            "nobody": "",
        }

    async def _cookie(self, path: str, fields: Mapping[str, str]) -> str:
        answer = await self.ask("POST", f"/console/{path}", urlencode(fields).encode(), headers=_FORM)
        return answer.headers["set-cookie"].split(";")[0]

    async def find_screens(self) -> list[Screen]:
        """List the screens of the demo."""

        async def read_page(path: str) -> str:
            answer = await self.ask("GET", f"/console/{path}", headers={"cookie": self._cookies["seller"]})
            return answer.body.decode()

        return await find_screens(self._lister("full"), self._lister("admin"), read_page)

    def _lister(self, scope: str) -> Any:
        async def items(path: str) -> AsyncIterator[Any]:
            cursor = ""
            while True:
                url = f"{_API}{path}limit=200{cursor}"
                answer = await self.ask("GET", url, key=self.keys[scope], headers={"x-heed-user": self._user})
                for item in answer.json["items"]:
                    yield item
                if not answer.json["next"]:
                    return
                cursor = f"&cursor={answer.json['next']}"

        return items

    async def look(self, screen: Screen) -> Response:
        """Load a screen, as the one who sees it."""
        return await self.ask("GET", f"/console/{screen.path}", headers={"cookie": self._cookies[screen.who]})
