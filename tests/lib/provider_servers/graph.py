"""Microsoft Graph's drafts and Sent Items, as its reference describes them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from aiohttp import web

from lib.transports.graph import KEY_PROPERTY
from tests.lib.provider_servers.faults import Provider, error

_FILTER = re.compile(
    r"singleValueExtendedProperties/any\(ep: ep/id eq '(String \{[0-9a-f-]{36}\} Name \w+)' and ep/value eq '([^']+)'\)"
)


class Credential:
    """Gives tokens `token-1`, `token-2` and so on, a new one each time; `claims` are those it was asked for."""

    def __init__(self) -> None:
        self.claims: list[str | None] = []
        self.failure: Exception | None = None

    async def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> Any:
        from azure.core.credentials import AccessToken

        assert scopes == ("https://graph.microsoft.com/.default",)
        if self.failure:
            raise self.failure
        self.claims.append(claims)
        return AccessToken(f"token-{len(self.claims)}", 4_000_000_000)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class GraphServer(Provider):
    """`items` lie in the mailbox of rep@acme.example, `sent` are the mails that went out of it.

    `revoked` tokens are refused. The copy of what is sent can be seen after `late` more looks; it takes a new id, as in
    Exchange.
    """

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []
        self.revoked: set[str] = set()
        self.late = 0
        self._hidden: dict[str, int] = {}
        self._ids: Iterator[int] = count(1)
        self.app = web.Application(middlewares=[self._guard], client_max_size=8_000_000)
        place = "/v1.0/users/{user}/messages"
        self.app.router.add_get(place, self._find)
        self.app.router.add_post(place, self._create)
        self.app.router.add_patch(place + "/{id}", self._update)
        self.app.router.add_delete(place + "/{id}", self._delete)
        self.app.router.add_post(place + "/{id}/send", self._send)

    @property
    def drafts(self) -> list[dict[str, Any]]:
        return [item for item in self.items.values() if item["isDraft"]]

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in self.revoked:
            claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
            challenge = {"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{claims}"'}
            return error(401, "InvalidAuthenticationToken", "Continuous access evaluation says no.", challenge)
        if request.match_info["user"] != "rep@acme.example":
            user = request.match_info["user"]
            return error(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self.handle("create", request, lambda: self._draft(body))

    def _draft(self, body: dict[str, Any]) -> web.Response:
        item = {**body, "id": f"AAMk/{next(self._ids)}+draft==", "isDraft": True}
        self.items[item["id"]] = item
        return web.json_response(item, status=201)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self.handle("update", request, lambda: self._updated(request.match_info["id"], body))

    def _updated(self, name: str, body: dict[str, Any]) -> web.Response:
        item = self.items.get(name)
        if item is None or not item["isDraft"]:
            return _not_found()
        assert "internetMessageHeaders" not in body  # they are fixed when the draft is made
        item.update(body)
        return web.json_response(item)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        return await self.handle("delete", request, lambda: self._deleted(request.match_info["id"]))

    def _deleted(self, name: str) -> web.Response:
        return _not_found() if self.items.pop(name, None) is None else web.Response(status=204)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        assert await request.read() == b""
        return await self.handle("send", request, lambda: self._sent(request.match_info["id"]))

    def _sent(self, name: str) -> web.Response:
        item = self.items.get(name)
        if item is None or not item["isDraft"]:
            return _not_found()
        del self.items[name]
        copy = {**item, "id": f"AAMk/{next(self._ids)}+sent==", "isDraft": False}
        self.sent.append(copy)
        self.items[copy["id"]] = copy
        self._hidden[copy["id"]] = self.late
        return web.Response(status=202)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        return await self.handle("find", request, lambda: self._found(request.query))

    def _found(self, query: Any) -> web.Response:
        wanted = _FILTER.fullmatch(query["$filter"])
        assert wanted is not None, query
        assert wanted[1] == KEY_PROPERTY
        pair = {"id": wanted[1], "value": wanted[2]}
        shown = []
        for name, item in self.items.items():
            if self._hidden.get(name, 0) > 0:
                self._hidden[name] -= 1
            elif pair in item.get("singleValueExtendedProperties", []):
                shown.append({field: item[field] for field in query["$select"].split(",")})
        return web.json_response({"@odata.context": "…", "value": shown})


def _not_found() -> web.Response:
    return error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
