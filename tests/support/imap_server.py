"""An IMAP server with one folder that can misbehave, over TLS on this machine."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Self

Misbehaviour = Callable[["ImapServer", asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[bool | None]]
"""Takes the server, the connection, and a line `tag COMMAND …`.

Returns True if the server shall answer as if all were well, None if it has its answer, False if the connection ends.
"""


class ImapServer:
    """Serves `mails` as UIDs 1, 2 and so on of its INBOX. `misbehave` has a misbehaviour for each command.

    `commands` counts the commands, `lines` are all that came; `most_at_once` is the most connections that there were.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self.mails: list[bytes] = []
        self.validity = 7
        self.greeting = b"* OK ready\r\n"
        self.misbehave: dict[str, Misbehaviour] = {}
        self.commands: Counter[str] = Counter()
        self.lines: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._ends: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._ends:
            task.cancel()
        await asyncio.gather(*self._ends, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._ends.add(task)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            writer.write(self.greeting)
            while line := (await reader.readline()).decode().strip():
                if not await self._answer(reader, writer, line):
                    return
        except (OSError, asyncio.CancelledError):
            pass  # the client, or the test, is at its end
        finally:
            self._now -= 1
            self._ends.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> bool:
        tag, _, command = line.partition(" ")
        name = " ".join(command.split()[: 2 if command.startswith("UID") else 1])
        self.commands[name] += 1
        self.lines.append(command)
        goes_on = await self.misbehave[name](self, reader, writer, line) if name in self.misbehave else True
        if not goes_on:
            return goes_on is None
        writer.write(self._said(name, command) + f"{tag} OK done\r\n".encode())
        await writer.drain()
        return name != "LOGOUT"

    def _said(self, name: str, command: str) -> bytes:
        if name == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=XOAUTH2\r\n"
        if name == "STATUS":
            return f"* STATUS INBOX (UIDNEXT {len(self.mails) + 1} UIDVALIDITY {self.validity})\r\n".encode()
        if name == "UID SEARCH":
            return ("* SEARCH " + " ".join(str(uid + 1) for uid in range(len(self.mails))) + "\r\n").encode()
        if name == "UID FETCH":
            uids = re.findall(r"[0-9]+", command.split()[2])
            return b"".join(self._fetched(int(uid), command) for uid in uids)
        return b""

    def _fetched(self, uid: int, command: str) -> bytes:
        raw = self.mails[uid - 1]
        if "BODY.PEEK" not in command:
            return f"* {uid} FETCH (UID {uid} FLAGS () RFC822.SIZE {len(raw)})\r\n".encode()
        part = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in command else raw
        return b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (uid, uid, len(part)) + part + b")\r\n"


def is_body(line: str, uid: int) -> bool:
    """Whether the line asks for the whole of that mail."""
    return f"UID FETCH {uid} " in line and "BODY.PEEK[]" in line


async def hang(server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> bool:
    """Say nothing any more, and keep the connection."""
    await reader.read()
    return False


def stops_inside(uid: int, *, headers: bool = False) -> Misbehaviour:
    """Stop inside the literal of that mail, and of its headers, too, if asked; the connection stays."""

    async def stop(server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> bool:
        if is_body(line, uid) or (headers and f"UID FETCH {uid} (BODY" in line):
            writer.write(b"* %d FETCH (UID %d BODY[] {100000}\r\nhalf" % (uid, uid))
            await reader.read()
            return False
        return True

    return stop


def says(text: bytes) -> Misbehaviour:
    """Answer with these bytes (`TAG` stands for the tag) in place of what is right."""

    async def say(server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> None:
        writer.write(text.replace(b"TAG", line.split()[0].encode()))

    return say


def says_and_hangs(text: bytes) -> Misbehaviour:
    """Answer with these bytes, and with nothing any more."""

    async def say(server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> bool:
        writer.write(text.replace(b"TAG", line.split()[0].encode()))
        return await hang(server, reader, writer, line)

    return say
