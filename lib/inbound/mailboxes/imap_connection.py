"""A connection to an IMAP server (RFC 3501, RFC 9051): logging in, the state of folders, mails as bytes.

A client of our own, because those that are there block a thread until the server deigns to go on, read literals of
any size, or are under the GPL. This one is cancelled like every coroutine, which closes the socket at once; it reads
no line over 2 MB, no literal over what was asked for, and never writes to the mailbox: EXAMINE and BODY.PEEK leave
flags alone.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta

from lib.inbound.mailboxes.errors import PollFailed
from lib.inbound.mailboxes.imap_responses import (
    Fetched,
    Response,
    can_be_quoted,
    encode_folder,
    fetched,
    found_uids,
    quoted,
    status_items,
)
from lib.outside import NotOutside, resolve_outside

_LONGEST_LINE = 2 * 1024 * 1024
_LONGEST_PLAIN_LINE = 8 * 1024
_LARGEST_LITERAL = 64 * 1024
"""Bytes of a literal in answers that bring no mail, such as a folder's name."""

_MOST_LITERALS = 100
_MOST_RESPONSES = 20_000
_MOST_PLAIN_LINES = 20
_MOST_ADDRESSES = 3
_SECONDS_TO_CONNECT = 6
_SECONDS_TO_LOG_OUT = 1
_LOGOUT = b"LOGOUT"
_LITERAL = re.compile(rb"\{([0-9]{1,20})\}$")
_ATOM = re.compile(r"[!#$&'+,./0-9:;<=>?@A-Z\[^_`a-z|}~-]+")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FOR_NOW = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN")
"""Response codes (RFC 5530) of refusals that are not the login's fault."""

_AFTER_REFUSED_LOGIN = timedelta(minutes=10)
"""Servers lock accounts after several refused logins."""


class CommandRefused(Exception):
    """The server answered NO or BAD. `code` is the response code, if there is one."""

    def __init__(self, code: str | None) -> None:
        super().__init__(code)
        self.code = code


class LiteralTooLarge(ConnectionError):
    """The server began to send more than was asked for. The connection is of no use any more."""


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
class ImapServer:
    """A server, and how TLS begins there."""

    host: str
    port: int
    security: str
    """`tls` or `starttls`."""


class ImapConnection:
    """A connection after its login. Every method raises PollFailed, CommandRefused, OSError and IncompleteReadError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._tags = 0

    async def read_greeting(self) -> None:
        """Read the greeting that begins a connection."""
        response = await self._read(_LARGEST_LITERAL)
        if not response.line.upper().startswith(b"* OK"):
            raise PollFailed("The server does not take connections for now.")

    async def login(self, user: str, password: str) -> None:
        """Log in with a password."""
        await self._logged_in(self._run(_words(b"LOGIN", user.encode(), password.encode())), user)

    async def authenticate(self, user: str, token: str) -> None:
        """Log in with an access token. Source: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol."""
        proof = base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode())
        # After a refusal the server sends its reason as another question, which an empty line answers.
        await self._logged_in(self._run([b"AUTHENTICATE XOAUTH2", proof, b""]), user)

    async def _logged_in(self, command: AsyncIterator[Response], user: str) -> None:
        try:
            async for _ in command:
                pass
        except CommandRefused as error:
            if error.code in _FOR_NOW:
                raise PollFailed("The server takes no logins for now.") from None
            raise PollFailed(f"The server refuses the login of {user}.", _AFTER_REFUSED_LOGIN) from None

    async def counts_changes(self) -> bool:
        """Whether the server counts changes of flags (CONDSTORE, RFC 7162)."""
        found = False
        async for response in self._run([b"CAPABILITY"]):
            found = found or b"CONDSTORE" in response.line.upper().split()
        return found

    async def read_status(self, path: str, *, modseq: bool = False) -> FolderStatus:
        """Ask for the state of a folder: the one command that a poll without new mail costs."""
        items: dict[str, int] = {}
        wanted = b" (UIDNEXT UIDVALIDITY HIGHESTMODSEQ)" if modseq else b" (UIDNEXT UIDVALIDITY)"
        async for response in self._run([b"STATUS " + quoted(encode_folder(path)) + wanted]):
            items |= status_items(response) or {}
        if "UIDNEXT" not in items or "UIDVALIDITY" not in items:
            raise PollFailed("The server does not number its mails (UIDNEXT, UIDVALIDITY).")
        return FolderStatus(items["UIDVALIDITY"], items["UIDNEXT"], items.get("HIGHESTMODSEQ") if modseq else None)

    async def open_folder(self, path: str) -> None:
        """Open a folder for reading alone."""
        async for _ in self._run([b"EXAMINE " + quoted(encode_folder(path))]):
            pass

    async def search_uids(self, first: int, last: int) -> list[int]:
        """Return the UIDs from `first` to `last` that exist in the open folder, in order."""
        return [uid for uid in await self._search(f"UID {first}:{last}") if first <= uid <= last]

    async def search_since(self, day: date) -> list[int]:
        """Return the UIDs of mails that arrived on the day or later, as the server counts days, in order."""
        return await self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}")

    async def search_keywords(self, keywords: Sequence[str], modseq: int) -> list[int]:
        """Return the UIDs of mails that were changed after `modseq` and have one of the keywords, in order.

        Names that no keyword can have (RFC 3501, 9: atom) are left out.
        """
        atoms = [f"KEYWORD {each}" for each in keywords if _ATOM.fullmatch(each)]
        return (
            await self._search(" ".join([f"MODSEQ {modseq + 1}", *["OR"] * (len(atoms) - 1), *atoms])) if atoms else []
        )

    async def _search(self, criterion: str) -> list[int]:
        uids: set[int] = set()
        async for response in self._run([f"UID SEARCH {criterion}".encode()]):
            uids.update(found_uids(response))
        return sorted(uids)

    async def describe_mails(self, uids: Sequence[int]) -> dict[int, Fetched]:
        """Return flags, size and time of arrival of mails that still exist, by UID."""
        numbers = ",".join(map(str, uids))
        command = f"UID FETCH {numbers} (UID FLAGS RFC822.SIZE INTERNALDATE)".encode()
        wanted, described = set(uids), dict[int, Fetched]()
        async for response in self._run([command]):
            found = fetched(response)
            # Servers also tell of flags that others change meanwhile; these responses name no size.
            if found and found.uid in wanted and found.size is not None:
                described[found.uid] = found
        return described

    async def read_mail(self, uid: int, largest: int) -> bytes | None:
        """Return the bytes of a mail; None where it is gone. Raises LiteralTooLarge."""
        return await self._body(uid, f"UID FETCH {uid} (UID BODY.PEEK[])", largest)

    async def read_headers(self, uid: int, largest: int) -> bytes | None:
        """Return the first header lines of a mail, `largest` bytes of them; None where it is gone."""
        return await self._body(uid, f"UID FETCH {uid} (UID BODY.PEEK[HEADER]<0.{largest}>)", largest)

    async def _body(self, uid: int, command: str, largest: int) -> bytes | None:
        body: bytes | None = None
        async for response in self._run([command.encode()], largest=largest):
            found = fetched(response)
            if found and found.uid == uid and found.body is not None:
                body = found.body
        return body

    async def logout(self) -> None:
        """End the session. All is read by then: a server that does not answer has done no harm."""
        with suppress(PollFailed, CommandRefused, OSError, EOFError):
            async with asyncio.timeout(_SECONDS_TO_LOG_OUT):
                async for _ in self._run([_LOGOUT]):
                    pass

    async def _run(self, chunks: Sequence[bytes], *, largest: int = _LARGEST_LITERAL) -> AsyncIterator[Response]:
        """Send a command and yield its untagged responses until it is done.

        The first chunk begins the command, each further one goes out when the server asks for it. Literals of up to
        `largest` bytes are read.
        """
        self._tags += 1
        tag = f"h{self._tags}".encode()
        waiting = iter(chunks)
        self._send(tag + b" " + next(waiting))
        for _ in range(_MOST_RESPONSES):
            response = await self._read(largest)
            if response.line.startswith(b"+"):
                self._send(next(waiting, b"*"))
            elif response.line.startswith(tag + b" "):
                done = Response(response.line[len(tag) + 1 :])
                if not done.line.upper().startswith(b"OK"):
                    raise CommandRefused(done.code)
                return
            elif response.line.upper().startswith(b"* BYE") and chunks[0] != _LOGOUT:
                raise PollFailed("The server closed the connection.")
            elif response.line.startswith(b"* "):
                yield Response(response.line[2:], response.literals)
        raise PollFailed("The server does not come to the end of its answer.")

    def _send(self, line: bytes) -> None:
        self._writer.write(line + b"\r\n")

    async def _read(self, largest: int) -> Response:
        line, literals = bytearray(), list[bytes]()
        while True:
            try:
                part = (await self._reader.readuntil(b"\n")).rstrip(b"\r\n")
            except asyncio.LimitOverrunError:
                raise PollFailed("The server sends a line without end.") from None
            line += part
            found = _LITERAL.search(part)
            if found is None:
                return Response(bytes(line), tuple(literals))
            size = int(found[1])
            if size > largest or len(literals) == _MOST_LITERALS:
                raise LiteralTooLarge
            literals.append(await self._reader.readexactly(size))


def _words(command: bytes, *texts: bytes) -> list[bytes]:
    """Return a command with texts as chunks: a text that cannot be quoted goes as a literal, when it is asked for."""
    chunks = [command]
    for text in texts:
        if can_be_quoted(text):
            chunks[-1] += b" " + quoted(text)
        else:
            chunks[-1] += b" {%d}" % len(text)
            chunks.append(text)
    return chunks


@asynccontextmanager
async def connect(server: ImapServer, tls: ssl.SSLContext, *, loopback: bool) -> AsyncIterator[ImapConnection]:
    """Connect to the server and begin TLS, which checks the host's name; the socket is closed at the end, in any case.

    Raises PollFailed and what a connection raises.
    """
    plain = await _connected(server, loopback)
    try:
        if server.security == "starttls":
            await _ask_for_tls(plain)
        reader, writer = await asyncio.open_connection(
            sock=plain, ssl=tls, server_hostname=server.host, limit=_LONGEST_LINE
        )
    except ssl.SSLCertVerificationError:
        raise PollFailed(f"The certificate of {server.host} is not valid for that name.") from None
    except ssl.SSLError:
        raise PollFailed(f"There is no secure connection to {server.host}.") from None
    finally:
        if "writer" not in locals():
            plain.close()
    try:
        yield ImapConnection(reader, writer)
    finally:
        writer.transport.abort()


async def _connected(server: ImapServer, loopback: bool) -> socket.socket:
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


async def _ask_for_tls(plain: socket.socket) -> None:
    """Send STARTTLS on the bare socket, so that nothing that came before TLS can be taken for what comes after it."""
    greeting = await _plain_line(plain)
    # A server that has logged us in already (PREAUTH) would never begin TLS (RFC 8314, 3.2).
    if greeting.upper().startswith(b"* OK"):
        await asyncio.get_running_loop().sock_sendall(plain, b"s STARTTLS\r\n")
        for _ in range(_MOST_PLAIN_LINES):
            line = await _plain_line(plain)
            if line.upper().startswith(b"S OK"):
                return
            if not line.startswith(b"* "):
                break
    raise PollFailed("The server does not begin TLS (STARTTLS).")


async def _plain_line(plain: socket.socket) -> bytes:
    """Read a line byte by byte: what follows belongs to TLS."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _LONGEST_PLAIN_LINE:
        byte = await asyncio.get_running_loop().sock_recv(plain, 1)
        if not byte:
            raise PollFailed("The server closed the connection.")
        line += byte
    return bytes(line)
