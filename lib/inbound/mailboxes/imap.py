"""Polling of IMAP folders: new mails are those with a UID that was not read, from the first connection on.

The first poll of a folder notes its UIDNEXT and reads nothing, however many mails there are. A mail that is moved or
copied into the folder gets a new UID and is new. Where UIDVALIDITY has changed, all UIDs are void: the newest mails
that arrived since the last note, less an hour, are read (again), `MOST_MAILS` of them at most, and the sink tells
which it has.
"""

from __future__ import annotations

import ssl
from datetime import timedelta

from lib.errors import Busy
from lib.inbound.mailboxes.errors import FolderFailed, MailFailed
from lib.inbound.mailboxes.imap_connection import (
    CommandRefused,
    FolderStatus,
    ImapConnection,
    ImapServer,
    connect,
)
from lib.inbound.mailboxes.imap_responses import Fetched
from lib.inbound.mailboxes.models import ImapPlace
from lib.inbound.mailboxes.oauth import AccessTokens
from lib.inbound.mailboxes.turn import LARGEST_HEADERS, LARGEST_MAIL, MOST_MAILS, Turn
from lib.mime.sizes import MEGABYTE

_MOST_NUMBERS = 100_000
"""UIDs that one search covers: its answer is a single line."""

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
            self._tls = ssl.create_default_context()  # takes some 20 ms, so it is made once
        async with connect(server, self._tls, loopback=self._loopback) as connection:
            if mailbox.security == "tls":
                await connection.read_greeting()
            if token is None:
                await connection.login(mailbox.user, secret)
            else:
                await connection.authenticate(mailbox.user, token)
            await self._poll_folders(turn, connection)
            await connection.logout()

    async def _poll_folders(self, turn: Turn, connection: ImapConnection) -> None:
        news: list[tuple[str, FolderStatus]] = []
        for folder in turn.mailbox.folders:
            try:
                status = await connection.read_status(folder.path)
            except CommandRefused:
                turn.failed_folders.append(f"The folder {folder.path} is not there, or may not be read.")
                continue
            place = turn.state.imap.get(folder.path)
            if place is None:
                turn.state.imap[folder.path] = ImapPlace(validity=status.validity, next_uid=status.next_uid)
            elif (place.validity, place.next_uid) != (status.validity, status.next_uid):
                news.append((folder.path, status))
        # The folder with the fewest new mails first: a full one cannot keep the others waiting.
        for path, status in sorted(news, key=lambda each: each[1].next_uid - turn.state.imap[each[0]].next_uid):
            try:
                await _read_folder(turn, connection, path, status)
            except FolderFailed as error:
                turn.failed_folders.append(f"{error}")
            except Busy:
                continue


async def _read_folder(turn: Turn, connection: ImapConnection, path: str, status: FolderStatus) -> None:
    if turn.left <= 0:
        return
    await turn.begin_reading()
    try:
        await connection.open_folder(path)
        place = turn.state.imap[path]
        if place.validity != status.validity or place.next_uid > status.next_uid:
            place = turn.state.imap[path] = await _renumbered(turn, connection, status)
        while turn.left > 0 and place.next_uid < status.next_uid:
            last = min(place.next_uid + _MOST_NUMBERS, status.next_uid) - 1
            uids = await connection.search_uids(place.next_uid, last)
            some = uids[: turn.left]
            await _read_mails(turn, connection, path, some)
            if len(some) == len(uids):
                place.next_uid = last + 1
    except CommandRefused:
        raise FolderFailed(f"The folder {path} cannot be read.") from None


async def _renumbered(turn: Turn, connection: ImapConnection, status: FolderStatus) -> ImapPlace:
    """Find the place in a folder whose UIDs are void: before the first of the newest mails since the last note."""
    since = turn.last_noted
    # A server counts days in a zone of its own.
    uids = (await connection.search_since((since - timedelta(days=1)).date()))[-MOST_MAILS:]
    mails = await connection.describe_mails(uids) if uids else {}
    recent = [mail.uid for mail in mails.values() if mail.arrived is None or mail.arrived >= since]
    return ImapPlace(validity=status.validity, next_uid=min(recent, default=status.next_uid))


async def _read_mails(turn: Turn, connection: ImapConnection, path: str, uids: list[int]) -> None:
    if not uids:
        return
    place, mails = turn.state.imap[path], await connection.describe_mails(uids)
    for uid in uids:
        mail = mails.get(uid)
        if mail is not None and _DRAFT not in mail.flags:
            async with turn.reading(place, min(mail.size or 0, LARGEST_MAIL)):
                await _read_mail(turn, connection, path, mail)
        place.next_uid = uid + 1


async def _read_mail(turn: Turn, connection: ImapConnection, path: str, mail: Fetched) -> None:
    labels = list(mail.flags)
    try:
        turn.check_breaks(turn.state.imap[path])
        if (mail.size or 0) > LARGEST_MAIL:
            raise MailFailed(f"The mail is larger than {LARGEST_MAIL // MEGABYTE} MB.")
        raw = await connection.read_mail(mail.uid, LARGEST_MAIL)
        if raw is not None:
            await turn.keep_mail(raw, path, labels)
    except MailFailed as error:
        headers = await _headers(turn, connection, path, mail)
        await turn.refuse_mail(headers, path, labels, f"{error}")


async def _headers(turn: Turn, connection: ImapConnection, path: str, mail: Fetched) -> bytes:
    """Return the mail's header lines; none where asking for them has broken the connection as well."""
    if turn.has_given_up(turn.state.imap[path]):
        return b""
    try:
        return await connection.read_headers(mail.uid, LARGEST_HEADERS) or b""
    except CommandRefused:
        return b""
