"""Microsoft Graph's drafts and Sent Items, as its reference describes them."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from aiohttp import web

from lib.clock import Clock
from lib.transports.graph import KEY_PROPERTY, TRY_PROPERTY
from tests.support.provider_servers.credentials import Credential
from tests.support.provider_servers.faults import Provider, error

__all__ = ["Credential", "GraphServer"]

_FILTER = re.compile(
    r"singleValueExtendedProperties/any\(ep: ep/id eq '(String \{[0-9a-f-]{36}\} Name \w+)' and ep/value eq '([^']+)'\)"
)
_LARGEST_REQUEST = 4 * 1024 * 1024
_SMALLEST_UPLOAD = 2_097_152


class GraphServer(Provider):
    """`items` lie in the mailbox of rep@acme.example, `sent` are the mails that went out of it.

    The copy of what is sent can be found after `late` more looks, and `searchable_after` so long; it takes a new id, as
    in Exchange. A mailbox refuses more than `at_once` requests at a time, which take `slowness` seconds each; the most
    that there were is in `most_at_once`. `message_id` is given instead of ours. Without `purges`, what is deleted goes
    to Deleted Items first. `url` is where uploads are taken.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.clock = clock
        self.items: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []
        self.late = 0
        self.searchable_after = timedelta(0)
        self.purges = True
        self.at_once = 4
        self.most_at_once = 0
        self.slowness = 0.0
        self.message_id: str | None = None
        self.url = ""
        self._now = 0
        self._hidden: dict[str, int] = {}
        self._sent_at: dict[str, datetime] = {}
        self._uploads: dict[str, tuple[str, dict[str, Any], bytearray]] = {}
        self._ids: Iterator[int] = count(1)
        self.app = web.Application(middlewares=[self._guard], client_max_size=_LARGEST_REQUEST)
        place = "/v1.0/users/{user}/messages"
        self.app.router.add_get(place, self._find)
        self.app.router.add_post(place, self._with_body("create", self._draft))
        self.app.router.add_patch(place + "/{id}", self._with_body("update", self._updated))
        self.app.router.add_delete(place + "/{id}", self._delete)
        self.app.router.add_post(place + "/{id}/permanentDelete", self._purge)
        self.app.router.add_post(place + "/{id}/attachments", self._with_body("attach", self._attached))
        self.app.router.add_post(
            place + "/{id}/attachments/createUploadSession", self._with_body("session", self._session)
        )
        self.app.router.add_post(place + "/{id}/send", self._send)
        self.app.router.add_put("/upload/{upload}", self._upload)

    @property
    def drafts(self) -> list[dict[str, Any]]:
        return [item for item in self.items.values() if item["isDraft"]]

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self._now >= self.at_once:
            return error(429, "ApplicationThrottled", "Over its MailboxConcurrency limit.", {"Retry-After": "10"})
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            await asyncio.sleep(self.slowness)
            return await self._allowed(request, handler)
        finally:
            self._now -= 1

    async def _allowed(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if "upload" in request.match_info:
            assert "Authorization" not in request.headers
            uploaded: web.StreamResponse = await handler(request)
            return uploaded
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in self.revoked:
            claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true}}}').decode()
            challenge = {"WWW-Authenticate": f'Bearer realm="", error="insufficient_claims", claims="{claims}"'}
            text = "Continuous access evaluation says no."
            return error(401, "InvalidAuthenticationToken", text, challenge if self.challenges else None)
        if request.match_info["user"] != "rep@acme.example":
            user = request.match_info["user"]
            return error(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        answer: web.StreamResponse = await handler(request)
        return answer

    def _with_body(self, kind: str, do: Callable[[str, Any], web.Response]) -> Any:
        async def handler(request: web.Request) -> web.StreamResponse:
            body = await request.json()
            return await self.handle(kind, request, lambda: do(request.match_info.get("id", ""), body))

        return handler

    def _draft(self, _: str, body: dict[str, Any]) -> web.Response:
        given = {} if self.message_id is None else {"internetMessageId": self.message_id}
        item = {"attachments": [], **body, **given, "id": f"AAMk/{next(self._ids)}+draft==", "isDraft": True}
        self.items[item["id"]] = item
        return web.json_response(item, status=201)

    def _updated(self, name: str, body: dict[str, Any]) -> web.Response:
        item = self._open(name)
        if item is None:
            return _not_found()
        assert "internetMessageHeaders" not in body  # they are fixed when the draft is made
        properties = {each["id"]: each for each in item.get("singleValueExtendedProperties", [])}
        properties |= {each["id"]: each for each in body.pop("singleValueExtendedProperties", [])}
        item.update(body, singleValueExtendedProperties=list(properties.values()))
        return web.json_response(item)

    def _attached(self, name: str, body: dict[str, Any]) -> web.Response:
        item = self._open(name)
        if item is None:
            return _not_found()
        item["attachments"] = [*item["attachments"], body]
        return web.json_response(body, status=201)

    def _session(self, name: str, body: dict[str, Any]) -> web.Response:
        file = body["AttachmentItem"]
        if self._open(name) is None:
            return _not_found()
        if file["size"] < _SMALLEST_UPLOAD:
            return error(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", "Attachment size is too small.")
        upload = f"upload-{next(self._ids)}"
        self._uploads[upload] = name, file, bytearray()
        return web.json_response({"uploadUrl": f"{self.url}/upload/{upload}?token=a%2Bb"}, status=201)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        self._check_part(request)
        data = await request.read()
        return await self.handle("upload", request, lambda: self._uploaded(request, data))

    def _check_part(self, request: web.Request) -> None:
        assert request.query["token"] == "a+b"
        assert request.content_length is not None
        assert request.content_length < _LARGEST_REQUEST

    def _uploaded(self, request: web.Request, data: bytes) -> web.Response:
        name, file, whole = self._uploads[request.match_info["upload"]]
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", request.headers["Content-Range"])
        assert found is not None
        start, end, size = map(int, found.groups())
        assert (start, end - start + 1, size) == (len(whole), len(data), file["size"])
        whole += data
        if len(whole) < size:
            return web.json_response({"nextExpectedRanges": [f"{len(whole)}-"]})
        item = self._open(name)
        if item is None:
            return _not_found()
        item["attachments"] = [*item["attachments"], {**file, "contentBytes": base64.b64encode(whole).decode()}]
        return web.Response(status=201)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        return await self.handle("delete", request, lambda: self._deleted(request.match_info["id"]))

    def _deleted(self, name: str) -> web.Response:
        item = self.items.pop(name, None)
        if item is None:
            return _not_found()
        if not item.get("deleted"):
            moved = {**item, "id": f"AAMk/{next(self._ids)}+deleted==", "deleted": True}
            self.items[moved["id"]] = moved
        return web.Response(status=204)

    async def _purge(self, request: web.Request) -> web.StreamResponse:
        return await self.handle("delete", request, lambda: self._purged(request.match_info["id"]))

    def _purged(self, name: str) -> web.Response:
        if not self.purges:
            return error(400, "BadRequest", "Resource not found for the segment 'permanentDelete'.")
        return _not_found() if self.items.pop(name, None) is None else web.Response(status=204)

    async def _send(self, request: web.Request) -> web.StreamResponse:
        assert await request.read() == b""
        return await self.handle("send", request, lambda: self._sent(request.match_info["id"]))

    def _sent(self, name: str) -> web.Response:
        item = self._open(name)
        if item is None:
            return _not_found()
        del self.items[name]
        copy = {**item, "id": f"AAMk/{next(self._ids)}+sent==", "isDraft": False}
        self.sent.append(copy)
        self.items[copy["id"]] = copy
        self._hidden[copy["id"]] = self.late
        if self.clock is not None:
            self._sent_at[copy["id"]] = self.clock.now()
        return web.Response(status=202)

    async def _find(self, request: web.Request) -> web.StreamResponse:
        return await self.handle("find", request, lambda: self._found(request.query))

    def _found(self, query: Any) -> web.Response:
        wanted = _FILTER.fullmatch(query["$filter"])
        assert wanted is not None, query
        assert wanted[1] == KEY_PROPERTY
        assert query["$expand"] == f"singleValueExtendedProperties($filter=id eq '{TRY_PROPERTY}')"
        pair = {"id": wanted[1], "value": wanted[2]}
        shown = [
            _shown(item, query["$select"].split(","))
            for name, item in self.items.items()
            if self._is_searchable(name) and pair in item.get("singleValueExtendedProperties", [])
        ]
        return web.json_response({"@odata.context": "…", "value": shown})

    def _is_searchable(self, name: str) -> bool:
        if self._hidden.get(name, 0) > 0:
            self._hidden[name] -= 1
            return False
        if name in self._sent_at and self.clock is not None:
            return self.clock.now() - self._sent_at[name] >= self.searchable_after
        return True

    def _open(self, name: str) -> dict[str, Any] | None:
        item = self.items.get(name)
        return item if item is not None and item["isDraft"] else None


def _shown(item: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """Exchange writes the GUIDs of properties as it likes; one that is not there is left out."""
    tries = [
        {**each, "id": each["id"].replace("8c9d9a6e", "8C9D9A6E")}
        for each in item["singleValueExtendedProperties"]
        if each["id"] == TRY_PROPERTY
    ]
    return {**{field: item[field] for field in fields}, **({"singleValueExtendedProperties": tries} if tries else {})}


def _not_found() -> web.Response:
    return error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
