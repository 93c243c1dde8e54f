"""Microsoft Graph's mail folders with their delta queries, as its reference describes them, and a token endpoint."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from tests.support.provider_servers.faults import Provider, error


class GraphFolders(Provider):
    """The mailbox of rep@acme.example. `folders` are (id, name, id of the folder around), beside `inbox`.

    `bearers` are the tokens that were accepted. Pages have 50 mails at most.
    Kinds of requests for `faults` and `asked`: token, folder, delta, mail.
    """

    def __init__(self) -> None:
        super().__init__()
        self.challenges = False
        self.url = ""
        self.folders: list[tuple[str, str, str]] = []
        self.mails: dict[str, tuple[dict[str, Any], bytes]] = {}
        self.created: dict[str, list[str]] = {"inbox": []}
        """Ids of the mails that came into each folder, in order."""
        self.updated: dict[str, list[str]] = {}
        """Ids of the mails that were changed in each folder, in order."""
        self.valid_from = 0
        """Links of an older generation have expired."""
        self.prefers: list[str] = []
        self.bearers: list[str] = []
        self.forms: list[dict[str, list[str]]] = []
        self.link_host = ""
        self.app = web.Application()
        user = "/v1.0/users/rep@acme.example"
        self.app.router.add_get(user + "/mailFolders", self._find)
        self.app.router.add_get(user + "/mailFolders/{folder}/childFolders", self._find)
        self.app.router.add_get(user + "/mailFolders/{folder}/messages/delta", self._delta)
        self.app.router.add_get(user + "/messages/{mail}/$value", self._value)
        self.app.router.add_post("/token", self._token)

    def add_mail(self, raw: bytes, created: str, folder: str = "inbox", **fields: Any) -> str:
        """A mail that came, or was moved, into the folder; its id."""
        name = f"mail-{len(self.mails)}"
        self.mails[name] = {"id": name, "createdDateTime": created, "categories": [], **fields}, raw
        self.created.setdefault(folder, []).append(name)
        return name

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self.forms.append(parse_qs(await request.text()))
        number = self.asked["token"] + 1
        return await self.handle(
            "token", request, lambda: web.json_response({"access_token": f"app-{number}", "expires_in": 3600})
        )

    async def _authorized(self, kind: str, request: web.Request, do: Any) -> web.StreamResponse:
        bearer = request.headers["Authorization"].removeprefix("Bearer ")
        if bearer in self.revoked:
            return error(401, "InvalidAuthenticationToken", "Access token has expired.")
        self.bearers.append(bearer)
        return await self.handle(kind, request, do)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        around, wanted = request.match_info.get("folder", ""), request.query["$filter"]
        found = [
            {"id": key}
            for key, name, parent in self.folders
            if parent == around and wanted == f"displayName eq '{name.replace(chr(39), chr(39) * 2)}'"
        ]
        return await self._authorized("folder", request, lambda: web.json_response({"value": found}))

    async def _delta(self, request: web.Request) -> web.StreamResponse:
        return await self._authorized("delta", request, lambda: self._page(request))

    def _page(self, request: web.Request) -> web.Response:
        folder, query = request.match_info["folder"], request.query
        if folder not in self.created:
            return error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        token = query.get("$skiptoken") or query.get("$deltatoken")
        if token is None:
            token = f"{query['changeType']}.{self.valid_from}.0"
        change, generation, start = token.split(".")[0], *map(int, token.split(".")[1:])
        listed = self.created[folder] if change == "created" else self.updated.get(folder, [])
        if generation < self.valid_from:
            return error(410, "syncStateNotFound", "The sync state generation is not found.")
        self.prefers.append(request.headers["Prefer"])
        size = min(int(request.headers["Prefer"].partition("=")[2]), 50)
        names = listed[start : start + size]
        end = start + len(names)
        kind, link = ("deltaLink", "$deltatoken") if end == len(listed) else ("nextLink", "$skiptoken")
        place = f"{self.link_host or self.url}{request.path}?{link}={change}.{self.valid_from}.{end}"
        gone = {"id": "mail-gone", "@removed": {"reason": "deleted"}}
        items = [self.mails[name][0] if name in self.mails else gone for name in names]
        return web.json_response({"value": items, f"@odata.{kind}": place})

    async def _value(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["mail"]
        if name not in self.mails:
            return error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return await self._authorized("mail", request, lambda: web.Response(body=self.mails[name][1]))
