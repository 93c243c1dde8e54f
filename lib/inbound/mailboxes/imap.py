"""Polling of IMAP folders: new mails are those with a UID that was not read, from the first connection on.

The first poll of a folder notes its UIDNEXT and reads nothing, however many mails there are. A mail that is moved or
copied into the folder gets a new UID and is new. Where UIDVALIDITY has changed, all UIDs are void: the newest mails
that arrived since the last note, less an hour, are read (again), `MOST_MAILS` of them at most, and the sink tells
which it has.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta

from lib.errors import Busy
from lib.inbound.mailboxes.errors import CommandRefused, MailFailed
from lib.inbound.mailboxes.imap_session import (
    DescribedMail,
    FolderStatus,
    ImapServer,
    ImapSession,
    open_session,
)
from lib.inbound.mailboxes.models import ImapPlace
from lib.inbound.mailboxes.oauth import AccessTokens
from lib.inbound.mailboxes.turn import LARGEST_HEADERS, LARGEST_MAIL, MOST_MAILS, Turn
from lib.mime.sizes import MEGABYTE

_MOST_NUMBERS = 20_000
"""UIDs that one search covers: its answer is a single line, whose length is bounded."""

_DRAFT = "\\Draft"


class ImapPoller:
    """Polls mailboxes on IMAP servers."""

    def __init__(self, tokens: AccessTokens, *, tls: ssl.SSLContext | None = None, loopback: bool = False) -> None:
        self._tokens = tokens
        self._tls = tls
        self._loopback = loopback

    async def poll(self, turn: Turn, secret: str) -> None:
        """Read the new mails of the turn's mailbox. Raises PollFailed, LeaseTaken, StorageError and network errors."""
        mailbox = turn.mailbox
        assert mailbox.host is not None
        server = ImapServer(mailbox.host, mailbox.server_port, mailbox.security)
        token = await self._tokens.access_token(secret) if mailbox.auth == "xoauth2" else None
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # takes some 20 ms, so it is made once
        async with open_session(server, self._tls, loopback=self._loopback) as session:
            if token is None:
                await session.log_in(mailbox.user, secret)
            else:
                await session.log_in_with_token(mailbox.user, token)
            await self._poll_folders(turn, session)
            await session.log_out()

    async def _poll_folders(self, turn: Turn, session: ImapSession) -> None:
        watches_keywords = bool(turn.mailbox.categories) and await session.counts_changes()
        news: list[tuple[str, FolderStatus]] = []
        for folder in turn.mailbox.folders:
            try:
                status = await session.read_status(folder.path, modseq=watches_keywords)
            except CommandRefused:
                turn.failed_folders.append(f"The folder {folder.path} is not there, or may not be read.")
                continue
            place = turn.state.imap.get(folder.path)
            if place is None:
                turn.state.imap[folder.path] = _place_at(status)
            elif (place.validity, place.next_uid, place.modseq) != (status.validity, status.next_uid, status.modseq):
                news.append((folder.path, status))
        # The folder with the fewest new mails first: a full one cannot keep the others waiting.
        for path, status in sorted(news, key=lambda each: each[1].next_uid - turn.state.imap[each[0]].next_uid):
            try:
                if turn.left > 0:
                    await turn.begin_reading()
                    await _Folder(turn, session, path, status).read()
            except CommandRefused:
                turn.failed_folders.append(f"The folder {path} cannot be read.")
            except Busy:
                continue


def _place_at(status: FolderStatus) -> ImapPlace:
    """Return the place behind all mails that a folder has."""
    return ImapPlace(validity=status.validity, next_uid=status.next_uid, modseq=status.modseq)


class _Folder:
    """A folder with news, during one turn. Every method raises CommandRefused, Busy and what a connection raises."""

    def __init__(self, turn: Turn, session: ImapSession, path: str, status: FolderStatus) -> None:
        self._turn = turn
        self._session = session
        self._path = path
        self._status = status
        self._place = turn.state.imap[path]

    async def read(self) -> None:
        """Read new mails, then mails that have got a category."""
        await self._session.open_folder(self._path)
        status, first_new = self._status, self._place.next_uid
        if self._place.validity != status.validity or first_new > status.next_uid:
            self._place = self._turn.state.imap[self._path] = await _renumbered(self._turn, self._session, status)
            first_new = 0
        await self._read_new()
        if self._place.next_uid >= status.next_uid:
            await self._read_tagged(first_new)

    async def _read_new(self) -> None:
        place, end = self._place, self._status.next_uid
        while self._turn.left > 0 and place.next_uid < end:
            last = min(place.next_uid + _MOST_NUMBERS, end) - 1
            uids = await self._session.search_uids(place.next_uid, last)
            some = uids[: self._turn.left]
            async for uid in self._read_mails(some):
                place.next_uid = uid + 1
            if len(some) == len(uids):
                place.next_uid = last + 1

    async def _read_tagged(self, end: int) -> None:
        """Read mails under the UID `end` that have got a category since the last time."""
        place, modseq = self._place, self._status.modseq
        if place.modseq is not None and modseq is not None and modseq > place.modseq:
            names = [category.name for category in self._turn.mailbox.categories]
            found = await self._session.search_keywords(names, place.modseq)
            uids = [uid for uid in found if uid < end and uid not in place.tagged]
            some = uids[: self._turn.left]
            async for _ in self._read_mails(some):
                pass
            if len(some) < len(uids):
                return
        place.modseq = modseq

    async def _read_mails(self, uids: list[int]) -> AsyncIterator[int]:
        """Read these mails; yield the UID of each afterwards, also of one that is gone."""
        mails = await self._session.describe_mails(uids) if uids else {}
        for uid in uids:
            mail = mails.get(uid)
            if mail is not None and _DRAFT not in mail.flags:
                async with self._turn.reading(self._place, min(mail.size, LARGEST_MAIL)):
                    await self._read_mail(mail)
                if self._turn.mailbox.category_of(list(mail.flags)) is not None:
                    self._place.note_tagged(uid)
            yield uid

    async def _read_mail(self, mail: DescribedMail) -> None:
        turn, labels = self._turn, list(mail.flags)
        try:
            turn.check_breaks(self._place)
            if mail.size > LARGEST_MAIL:
                raise MailFailed(f"The mail is larger than {LARGEST_MAIL // MEGABYTE} MB.")
            raw = await self._session.read_mail(mail.uid, LARGEST_MAIL)
            if raw is not None:
                await turn.keep_mail(raw, self._path, labels)
        except MailFailed as error:
            await turn.refuse_mail(await self._headers(mail), self._path, labels, f"{error}")

    async def _headers(self, mail: DescribedMail) -> bytes:
        """Return the mail's header lines; none where asking for them has broken the connection as well."""
        if self._turn.has_given_up(self._place):
            return b""
        try:
            return await self._session.read_headers(mail.uid, LARGEST_HEADERS) or b""
        except CommandRefused:
            return b""


async def _renumbered(turn: Turn, session: ImapSession, status: FolderStatus) -> ImapPlace:
    """Find the place in a folder whose UIDs are void: before the first of the newest mails since the last note."""
    since = turn.last_noted
    # A server counts days in a zone of its own.
    uids = (await session.search_since((since - timedelta(days=1)).date()))[-MOST_MAILS:]
    mails = await session.describe_mails(uids) if uids else {}
    recent = [mail.uid for mail in mails.values() if mail.arrived is None or mail.arrived >= since]
    place = _place_at(status)
    place.next_uid = min(recent, default=status.next_uid)
    return place
