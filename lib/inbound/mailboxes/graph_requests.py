"""The few requests of Microsoft Graph that reading a mailbox needs, as plain REST.

Sources: https://learn.microsoft.com/en-us/graph/api/message-delta (`changeType`, `odata.maxpagesize`),
https://learn.microsoft.com/en-us/graph/outlook-get-mime-message (`$value`),
https://learn.microsoft.com/en-us/graph/api/resources/mailfolder (names of folders that every mailbox has),
https://learn.microsoft.com/en-us/graph/throttling (429 and Retry-After). The app needs Mail.Read on the mailboxes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from lib.clock import Clock
from lib.inbound.mailboxes.errors import MailFailed, PollFailed
from lib.mime.sizes import MEGABYTE
from lib.transports.answers import retry_after, service_error

_WELL_KNOWN = frozenset({"archive", "clutter", "deleteditems", "inbox", "junkemail", "outbox", "sentitems"})
_FIELDS = "createdDateTime,categories,isDraft"
_LARGEST_ANSWER = 8 * MEGABYTE
_CHUNK = 64 * 1024
_LOST = ("syncstatenotfound", "syncstateinvalid", "resyncrequired")
"""Error codes, in lower case, of a link that has expired; some services answer them with 400."""

_WAIT = timedelta(minutes=1)
_AFTER_NO_ACCESS = timedelta(minutes=10)

Token = Callable[[str | None], Awaitable[str]]
"""Returns an access token, another one than the one that was refused, if that is given. Raises PollFailed."""


MailChange = Literal["created", "updated"]


class Lost(Exception):
    """Graph has lost the place at which a folder was read: the link has expired."""


class NotThere(Exception):
    """The folder or the mail does not exist (any more)."""


@dataclass(frozen=True, slots=True)
class DeltaPage:
    """A page of a delta query."""

    items: list[Mapping[str, Any]]
    link: str
    """The address of the next page, or of the next round."""
    ends_round: bool


class GraphMailFolders:
    """The folders and mails of one mailbox. Every method raises PollFailed."""

    def __init__(self, url: str, user: str, session: aiohttp.ClientSession, token: Token, clock: Clock) -> None:
        self._url = url
        self._user = f"{url}/users/{quote(user, safe='')}"
        self._session = session
        self._token = token
        self._clock = clock

    async def find_folder(self, path: str) -> str:
        """Return the id of a folder, whose path has / between names. Raises NotThere."""
        names = [name for name in path.split("/") if name]
        found, place = "", f"{self._user}/mailFolders"
        for number, name in enumerate(names):
            well_known = name.replace(" ", "").lower()
            if number == 0 and well_known in _WELL_KNOWN:
                found = well_known
            else:
                wanted = quote(f"displayName eq '{name.replace(chr(39), chr(39) * 2)}'", safe="")
                answer = await self._read_json(f"{place}?$filter={wanted}&$select=id")
                folders = _items(answer)
                if not folders:
                    raise NotThere
                found = str(folders[0].get("id", ""))
            place = f"{self._user}/mailFolders/{quote(found, safe='')}/childFolders"
        if not found:
            raise NotThere
        return found

    def first_link(self, folder: str, change: MailChange) -> str:
        """Return the address at which a folder's first round begins, for changes of one type."""
        return f"{self._user}/mailFolders/{quote(folder, safe='')}/messages/delta?changeType={change}&$select={_FIELDS}"

    async def read_page(self, link: str, size: int) -> DeltaPage:
        """Read the page at an address, of some `size` mails. Raises Lost, NotThere."""
        answer = await self._read_json(link, {"Prefer": f"odata.maxpagesize={size}"})
        following, end = answer.get("@odata.nextLink"), answer.get("@odata.deltaLink")
        place = str(following or end or "")
        if not place:
            raise PollFailed("Microsoft Graph answers what Heed does not understand.")
        if urlsplit(place)[:2] != urlsplit(self._url)[:2]:
            # Our token goes nowhere else.
            raise PollFailed("Microsoft Graph answers with a link to another host.")
        return DeltaPage(_items(answer), place, following is None)

    async def read_mail(self, mail: str, largest: int, largest_headers: int) -> bytes:
        """Return the bytes of a mail. Raises NotThere, and MailFailed for a mail over `largest` bytes."""
        raw = bytearray()
        async with self._answered(f"{self._user}/messages/{quote(mail, safe='')}/$value", {}) as response:
            async for chunk in response.content.iter_chunked(_CHUNK):
                raw += chunk
                if len(raw) > largest:
                    headers = bytes(raw[:largest_headers]).partition(b"\r\n\r\n")[0]
                    raise MailFailed(f"The mail is larger than {largest // MEGABYTE} MB.", headers)
        return bytes(raw)

    async def _read_json(self, url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        async with self._answered(url, headers or {}) as response:
            return await _json(response)

    @asynccontextmanager
    async def _answered(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and yield its good answer; a token that is refused is renewed once."""
        token = await self._token(None)
        try:
            async with self._requested(url, headers, token) as response:
                if response.status != 401:
                    await self._check(response)
                    yield response
                    return
            async with self._requested(url, headers, await self._token(token)) as response:
                await self._check(response)
                yield response
        except (aiohttp.ClientError, ValueError) as error:
            raise PollFailed(f"Microsoft Graph cannot be asked ({type(error).__name__}).") from None

    def _requested(self, url: str, headers: Mapping[str, str], token: str) -> Any:
        return self._session.get(
            URL(url, encoded=True), headers={**headers, "Authorization": f"Bearer {token}"}, allow_redirects=False
        )

    async def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 200:
            return
        code, _ = service_error(await _json(response), response.status)
        if response.status == 410 or code.lower() in _LOST:
            raise Lost
        if response.status == 404:
            raise NotThere
        if response.status in (429, 503, 504):
            wait = retry_after(response.headers.get("Retry-After"), self._clock.now())
            raise PollFailed("Microsoft Graph asks Heed to wait.", wait or _WAIT)
        if response.status in (401, 403):
            raise PollFailed(f"Microsoft Graph refuses access to the mailbox ({code}).", _AFTER_NO_ACCESS)
        raise PollFailed(f"Microsoft Graph answers with an error ({code}).")


def _items(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = answer.get("value")
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


async def _json(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """Return the object of an answer; an empty one where the answer is none, or is too large."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        raw += chunk
        if len(raw) > _LARGEST_ANSWER:
            return {}
    try:
        answer = json.loads(raw)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
