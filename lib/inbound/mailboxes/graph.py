"""Polling of mail folders in Microsoft Graph, by delta queries for mails that are created in a folder.

The first round goes through the folder's present mails, 500 a page and without their content, and reads those alone
that came after it began. A filter by time would spare it the pages, and would hide old mails that are moved into the
folder later. Each later round tells of mails that came or were moved here. Where Graph has lost the place (410), the
first round begins again, and reads what came since the last note, less an hour. A mailbox with categories has a
second query, for mails that are changed: one that has got a category is read. Sources:
https://learn.microsoft.com/en-us/graph/delta-query-messages,
https://learn.microsoft.com/en-us/graph/delta-query-overview (synchronization reset).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError

from lib.clock import Clock
from lib.errors import Busy
from lib.ids import short_hash
from lib.inbound.mailboxes.errors import MailFailed, PollFailed
from lib.inbound.mailboxes.graph_requests import GraphMailFolders, Lost, MailChange, NotThere, Token
from lib.inbound.mailboxes.models import GraphPlace
from lib.inbound.mailboxes.oauth import AccessTokens
from lib.inbound.mailboxes.turn import LARGEST_HEADERS, LARGEST_MAIL, Turn
from lib.transports.clouds import graph_scope
from lib.transports.identity import Identity

_PAGE = 50
_PAGE_OF_FIRST_ROUND = 500
_IDENTITY = "identity:"
"""Begins a secret that lets the app's own identity read mailboxes of the domains that it lists."""

_SIZE_UNKNOWN = LARGEST_MAIL // 4
"""Bytes for which room is held: Graph tells no sizes."""


class GraphPoller:
    """Polls mailboxes in Microsoft Graph at `url`, which has the version."""

    def __init__(self, url: str, tokens: AccessTokens, identity: Identity, clock: Clock) -> None:
        self._url = url
        self._tokens = tokens
        self._identity = identity
        self._clock = clock

    async def poll(self, turn: Turn, secret: str) -> None:
        """Read the new mails of the turn's mailbox. Raises PollFailed, LeaseTaken, StorageError and network errors."""
        token = self._token_source(turn.mailbox.user, secret)
        async with aiohttp.ClientSession() as session:
            mailbox = GraphMailFolders(self._url, turn.mailbox.user, session, token, self._clock)
            for folder in turn.mailbox.folders:
                try:
                    await _Folder(turn, mailbox, folder.path, "created").poll()
                    if turn.mailbox.categories:
                        await _Folder(turn, mailbox, folder.path, "updated").poll()
                except NotThere:
                    turn.state.graph.pop(folder.path, None)
                    turn.state.graph_changes.pop(folder.path, None)
                    turn.failed_folders.append(f"The folder {folder.path} is not there.")
                except Busy:
                    continue

    def _token_source(self, user: str, secret: str) -> Token:
        """Return the source of tokens that the secret describes: an OAuth client, or the app's identity.

        The identity may be able to read mailboxes of every organization, so the secret lists the domains.
        """
        if not secret.lower().startswith(_IDENTITY):
            return lambda refused: self._tokens.access_token(secret, graph_scope(self._url), refused)
        domains = {each.strip().lower() for each in secret[len(_IDENTITY) :].split(",")}
        if user.rpartition("@")[2].lower() not in domains:
            raise PollFailed("The mailbox's secret does not list the domain of its address.")
        return self._identity_token

    async def _identity_token(self, refused: str | None) -> str:
        try:
            if refused is None:
                return (await self._identity.get_token()).token
            return (await self._identity.renew(refused)).token
        except (AzureError, OSError) as error:
            raise PollFailed(f"There is no token for Microsoft Graph ({type(error).__name__}).") from None


class _Folder:
    """Mails of one folder that were created or moved there, or that were changed there, during one turn."""

    def __init__(self, turn: Turn, mailbox: GraphMailFolders, path: str, change: MailChange) -> None:
        self._turn = turn
        self._mailbox = mailbox
        self._path = path
        self._change: MailChange = change
        self._places = turn.state.graph if change == "created" else turn.state.graph_changes

    async def poll(self) -> None:
        """Read the pages from the folder's place on. Raises PollFailed, NotThere, LeaseTaken, Busy, StorageError."""
        turn = self._turn
        place = self._places.get(self._path)
        if place is None:
            place = self._begin(await self._mailbox.find_folder(self._path), turn.now())
        while turn.left > 0 and turn.pages_left > 0:
            turn.pages_left -= 1
            try:
                page = await self._mailbox.read_page(place.link, _PAGE_OF_FIRST_ROUND if place.first_round else _PAGE)
            except Lost:
                if place.link == self._mailbox.first_link(place.folder, self._change):
                    raise PollFailed("Microsoft Graph does not begin to list the folder's mails.") from None
                place = self._begin(place.folder, place.since if place.first_round else turn.last_noted)
                continue
            for item in page.items:
                if self._is_new(item, place):
                    if turn.left <= 0:
                        return
                    await self._read_item(item, place)
            if page.items or not page.ends_round or place.first_round:
                place.link = page.link
                place.first_round = place.first_round and not page.ends_round
                if self._change == "created":
                    place.handled = []
            if page.ends_round:
                return

    def _begin(self, folder: str, since: datetime) -> GraphPlace:
        link = self._mailbox.first_link(folder, self._change)
        place = self._places[self._path] = GraphPlace(folder=folder, link=link, since=since)
        return place

    def _is_new(self, item: Mapping[str, Any], place: GraphPlace) -> bool:
        if "@removed" in item or item.get("isDraft") is True or not isinstance(item.get("id"), str):
            return False
        if self._change == "updated" and (place.first_round or self._turn.mailbox.category_of(_labels(item)) is None):
            return False
        if place.first_round and _time(item.get("createdDateTime")) < place.since:
            return False
        return short_hash(item["id"]) not in place.handled

    async def _read_item(self, item: Mapping[str, Any], place: GraphPlace) -> None:
        turn, mail, labels = self._turn, str(item["id"]), _labels(item)
        await turn.begin_reading()
        async with turn.reading(place, _SIZE_UNKNOWN):
            try:
                turn.check_breaks(place)
                raw = await self._mailbox.read_mail(mail, LARGEST_MAIL, LARGEST_HEADERS)
                await turn.keep_mail(raw, self._path, labels)
            except MailFailed as error:
                await turn.refuse_mail(error.headers, self._path, labels, f"{error}")
            except NotThere:
                pass  # It was moved or deleted meanwhile.
        place.note_handled(short_hash(mail))
        changes = turn.state.graph_changes.get(self._path)
        if self._change == "created" and changes is not None and turn.mailbox.category_of(labels) is not None:
            changes.note_handled(short_hash(mail))


def _labels(item: Mapping[str, Any]) -> list[str]:
    return [str(label) for label in item.get("categories") or []]


def _time(value: Any) -> datetime:
    """Read a time of Graph's. One that cannot be read is long ago: such a mail was there at the beginning."""
    try:
        read = datetime.fromisoformat(str(value).upper())
    except ValueError:
        read = datetime.min.replace(tzinfo=UTC)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
