"""A session with an IMAP server (RFC 3501, RFC 9051): logging in, the state of folders, mails as bytes.

IMAPClient speaks the protocol, and blocks a thread while it waits. Each call has a thread for itself, and ends with it:
where the caller is cancelled, as the deadline of a poll does, the socket is shut down, and the thread with it comes to
its end. A session never writes to the mailbox: EXAMINE and BODY.PEEK leave flags alone.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from lib.inbound.mailboxes.errors import CommandRefused, PollFailed
from lib.inbound.mailboxes.polling import MOST_POLLS_AT_ONCE
from lib.outside import NotOutside, resolve_outside

if TYPE_CHECKING:
    from lib.inbound.mailboxes.imap_client import BoundedClient

_LARGEST_LITERAL = 64 * 1024
"""Bytes of all literals in an answer that brings no mail, such as a folder's name."""

_MOST_ADDRESSES = 3
_SECONDS_TO_CONNECT = 6
_SECONDS_TO_LOG_OUT = 1
_ATOM = re.compile(r"[!#$&'+,./0-9:;<=>?@A-Z\[^_`a-z|}~-]+")
_AFTER_REFUSED_LOGIN = timedelta(minutes=10)
"""Servers lock accounts after several refused logins."""

ThreadResult = TypeVar("ThreadResult")


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """The state of a folder."""

    validity: int
    """UIDVALIDITY: with another value, all UIDs of the folder are void."""

    next_uid: int
    """UIDNEXT: no mail of the folder has this UID or a higher one."""

    modseq: int | None = None
    """HIGHESTMODSEQ (RFC 7162): it grows with every change of a flag. None where it was not asked for."""


@dataclass(frozen=True, slots=True)
class DescribedMail:
    """A mail without its bytes."""

    uid: int

    flags: tuple[str, ...]
    """System flags such as `\\Draft`, and keywords."""

    size: int
    """Bytes, as the server counts them."""

    arrived: datetime | None
    """INTERNALDATE."""


@dataclass(frozen=True, slots=True)
class ImapServer:
    """A server, and how TLS begins there."""

    host: str
    port: int
    security: str
    """`tls` or `starttls`."""


class ImapSession:
    """A session on a socket that is connected. Every method raises PollFailed, CommandRefused and OSError."""

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain
        # Another handle on the same connection: TLS takes the first one over, and this one stays to end it by.
        self._handle = plain.dup()
        self._client: BoundedClient | None = None

    async def begin(self, server: ImapServer, tls: ssl.SSLContext) -> None:
        """Read the server's greeting and begin TLS, which checks the host's name."""
        try:
            self._client = await self._run_in_thread(partial(_begin_client, self._plain, server, tls))
        except ssl.SSLCertVerificationError:
            raise PollFailed(f"The certificate of {server.host} is not valid for that name.") from None
        except ssl.SSLError:
            raise PollFailed(f"There is no secure connection to {server.host}.") from None

    async def log_in(self, user: str, password: str) -> None:
        """Log in with a password."""
        await self._log_in(user, partial(_log_in, user=user, password=password))

    async def log_in_with_token(self, user: str, token: str) -> None:
        """Log in with an access token. Source: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol."""
        # After a refusal the server sends its reason as another question, which an empty line answers.
        proofs = iter([f"user={user}\x01auth=Bearer {token}\x01\x01"])
        await self._log_in(user, lambda client: client.sasl_login("XOAUTH2", lambda _: next(proofs, "")))

    async def _log_in(self, user: str, command: Callable[[BoundedClient], object]) -> None:
        def log_in(client: BoundedClient) -> None:
            command(client)
            if client.has_told_capabilities():
                client.capabilities()  # notes them, and spares the command

        try:
            await self._call(log_in)
        except CommandRefused as error:
            if error.is_for_now:
                raise PollFailed("The server takes no logins for now.") from None
            raise PollFailed(f"The server refuses the login of {user}.", _AFTER_REFUSED_LOGIN) from None

    async def counts_changes(self) -> bool:
        """Whether the server counts changes of flags (CONDSTORE, RFC 7162)."""
        return await self._call(lambda client: bool(client.has_capability("CONDSTORE")))

    async def read_status(self, path: str, *, modseq: bool = False) -> FolderStatus:
        """Ask for the state of a folder: the one command that a poll without new mail costs."""
        wanted = ["UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ"] if modseq else ["UIDNEXT", "UIDVALIDITY"]
        return await self._call(partial(_read_status, path=path, wanted=wanted))

    async def open_folder(self, path: str) -> None:
        """Open a folder for reading alone."""
        await self._call(lambda client: client.select_folder(path, readonly=True))

    async def search_uids(self, first: int, last: int) -> list[int]:
        """Return the UIDs from `first` to `last` that exist in the open folder, in order."""
        return [uid for uid in await self._search(["UID", f"{first}:{last}"]) if first <= uid <= last]

    async def search_since(self, day: date) -> list[int]:
        """Return the UIDs of mails that arrived on the day or later, as the server counts days, in order."""
        return await self._search(["SINCE", day])

    async def search_keywords(self, keywords: Sequence[str], modseq: int) -> list[int]:
        """Return the UIDs of mails that were changed after `modseq` and have one of the keywords, in order.

        Names that no keyword can have (RFC 3501, 9: atom) are left out.
        """
        atoms = [each for each in keywords if _ATOM.fullmatch(each)]
        if not atoms:
            return []
        either = ["OR"] * (len(atoms) - 1) + [word for atom in atoms for word in ("KEYWORD", atom)]
        return await self._search(["MODSEQ", modseq + 1, *either])

    async def _search(self, criteria: Sequence[str | int | date]) -> list[int]:
        return await self._call(lambda client: sorted(set(client.search(criteria))))

    async def describe_mails(self, uids: Sequence[int]) -> dict[int, DescribedMail]:
        """Return flags, size and time of arrival of mails that still exist, by UID."""
        return await self._call(lambda client: {mail.uid: mail for mail in _describe_mails(client, uids)})

    async def read_mail(self, uid: int, largest: int) -> bytes | None:
        """Return the bytes of a mail; None where it is gone. Raises LiteralTooLarge."""
        return await self._read_body(uid, "BODY.PEEK[]", largest)

    async def read_headers(self, uid: int, largest: int) -> bytes | None:
        """Return the first header lines of a mail, `largest` bytes of them; None where it is gone."""
        return await self._read_body(uid, f"BODY.PEEK[HEADER]<0.{largest}>", largest)

    async def _read_body(self, uid: int, item: str, largest: int) -> bytes | None:
        return await self._call(partial(_read_body, uid=uid, item=item), largest)

    async def log_out(self) -> None:
        """End the session. All is read by then: a server that does not answer has done no harm."""
        with suppress(PollFailed, CommandRefused, OSError):
            async with asyncio.timeout(_SECONDS_TO_LOG_OUT):
                await self._call(lambda client: client.logout())

    async def _call(
        self, command: Callable[[BoundedClient], ThreadResult], largest: int = _LARGEST_LITERAL
    ) -> ThreadResult:
        assert self._client is not None
        return await self._run_in_thread(partial(self._client.call, command, largest))

    async def _run_in_thread(self, work: Callable[[], ThreadResult]) -> ThreadResult:
        doing = asyncio.get_running_loop().run_in_executor(_threads(), work)
        try:
            await asyncio.wait([doing])
        except asyncio.CancelledError:
            self._hang_up()
            await asyncio.wait([doing])  # the thread's end is near
            doing.exception()
            raise
        return doing.result()

    def _hang_up(self) -> None:
        """Shut the connection down: a thread that waits for the server gets the end of the stream."""
        with suppress(OSError):
            self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, without another word to the server."""
        self._hang_up()
        self._handle.close()
        self._plain.close()
        if self._client is not None:
            with suppress(OSError):
                self._client.shutdown()


@asynccontextmanager
async def open_session(server: ImapServer, tls: ssl.SSLContext, *, loopback: bool) -> AsyncIterator[ImapSession]:
    """Connect to the server and begin TLS; the connection is closed at the end, in any case.

    Raises PollFailed and OSError.
    """
    session = ImapSession(await _connect(server, loopback))
    try:
        await session.begin(server, tls)
        yield session
    finally:
        session.close()


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads for sessions alone, one for each that there can be: none waits for another's server."""
    return ThreadPoolExecutor(MOST_POLLS_AT_ONCE, "imap")


async def _connect(server: ImapServer, loopback: bool) -> socket.socket:
    """Return a connection to the first address that takes one: the addresses that were checked, and no others."""
    loop = asyncio.get_running_loop()
    try:
        addresses = await resolve_outside(server.host, server.port, loopback=loopback)
    except NotOutside as error:
        raise PollFailed(f"{error}") from None
    except (OSError, UnicodeError):
        raise PollFailed(f"The name {server.host} is not known.") from None
    for address in addresses[:_MOST_ADDRESSES]:
        plain = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        plain.setblocking(False)
        try:
            async with asyncio.timeout(_SECONDS_TO_CONNECT):
                await loop.sock_connect(plain, (address, server.port))
        except (OSError, TimeoutError):
            plain.close()
            continue
        except BaseException:
            plain.close()
            raise
        return plain
    raise PollFailed(f"{server.host} takes no connections at port {server.port}.")


def _begin_client(plain: socket.socket, server: ImapServer, tls: ssl.SSLContext) -> BoundedClient:
    """Make a client whose connection is secure."""
    from lib.inbound.mailboxes.imap_client import BoundedClient  # imports the library

    if server.security == "tls":
        return BoundedClient(plain, server.host, server.port, tls)
    client = BoundedClient(plain, server.host, server.port, None)
    try:
        client.call(lambda client: client.starttls(tls), _LARGEST_LITERAL)
    except CommandRefused:
        # So is the command of a server that has logged us in already (PREAUTH; RFC 8314, 3.2).
        raise PollFailed("The server does not begin TLS (STARTTLS).") from None
    return client


def _log_in(client: BoundedClient, user: str, password: str) -> None:
    if client.has_capability("AUTH=PLAIN"):
        client.plain_login(user, password)
    elif f"{user}{password}".isascii() and f"{user}{password}".isprintable():
        quoted = user.replace("\\", "\\\\").replace('"', '\\"')
        client.login(f'"{quoted}"', password)  # the library quotes the password alone
    else:
        raise PollFailed("The server takes passwords of printable ASCII characters alone (no AUTH=PLAIN).")


def _read_status(client: BoundedClient, path: str, wanted: Sequence[str]) -> FolderStatus:
    items: dict[bytes, Any] = {}
    with suppress(IndexError):  # the library's word for an answer without a STATUS
        items = {name.upper(): value for name, value in client.folder_status(path, wanted).items()}
    numbers = [items.get(name.encode()) for name in wanted]
    if not isinstance(numbers[0], int) or not isinstance(numbers[1], int):
        raise PollFailed("The server does not number its mails (UIDNEXT, UIDVALIDITY).")
    modseq = numbers[2] if len(numbers) > 2 and isinstance(numbers[2], int) else None
    return FolderStatus(validity=numbers[1], next_uid=numbers[0], modseq=modseq)


def _describe_mails(client: BoundedClient, uids: Sequence[int]) -> Iterator[DescribedMail]:
    for uid, items in client.fetch(uids, ["FLAGS", "RFC822.SIZE", "INTERNALDATE"]).items():
        size, arrived = items.get(b"RFC822.SIZE"), items.get(b"INTERNALDATE")
        # Servers also tell of flags that others change meanwhile; these answers name no size.
        if isinstance(size, int):
            flags = tuple(_flag(each) for each in items.get(b"FLAGS") or ())
            yield DescribedMail(uid, flags, size, arrived.astimezone(UTC) if arrived and arrived.tzinfo else None)


def _flag(value: Any) -> str:
    """Return a flag as text; the library takes a keyword of digits for a number."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else f"{value}"


def _read_body(client: BoundedClient, uid: int, item: str) -> bytes | None:
    items = client.fetch([uid], [item]).get(uid, {})
    bodies = (value or b"" for name, value in items.items() if name.startswith(b"BODY["))
    return next(bodies, None)
