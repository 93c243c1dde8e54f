"""IMAPClient, with bounds on what a server may send and with errors that do not repeat its words.

This module imports the library, which takes a while: it is itself imported when a first session begins. Everything
here waits for the server, and so belongs in a thread.
"""

from __future__ import annotations

import imaplib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from imapclient import IMAPClient
from imapclient.exceptions import ProtocolError

from lib.inbound.mailboxes.errors import CommandRefused, LiteralTooLarge, PollFailed

_MOST_LINES = 20_000
_MOST_LINE_BYTES = 512 * 1024
"""Lines of a session, and their bytes without literals: the largest answers are those to a search of 20,000 UIDs, some
220 KB. The library takes 1 to 2 seconds of a core to parse a megabyte.
"""

_SECONDS_TO_ANSWER = 15.0
"""Time without a single byte after which the thread goes on, should the session's own deadline fail to end it."""

_FOR_NOW = frozenset(("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN"))
"""Response codes (RFC 5530) of refusals that are not the command's fault."""

_UNREADABLE = (ProtocolError, ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)
"""What the library raises, on purpose or not, over answers that are no IMAP."""

CommandResult = TypeVar("CommandResult")

# The library logs what servers send, which may repeat a password.
logging.getLogger("imapclient").setLevel(logging.CRITICAL + 1)


class BoundedClient(IMAPClient):  # type: ignore[misc]  # the library is not marked as typed
    """A client on a socket that is connected already. With `tls`, TLS begins at once and checks the name `host`.

    Making one reads the server's greeting and capabilities. Raises PollFailed and OSError.
    """

    def __init__(self, plain: socket.socket, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._plain = plain
        try:
            super().__init__(host, port, ssl=tls is not None, ssl_context=tls, timeout=_SECONDS_TO_ANSWER)
        except imaplib.IMAP4.abort:
            raise ConnectionError from None
        except imaplib.IMAP4.error:
            raise PollFailed("The server does not take connections for now.") from None
        except UnicodeDecodeError:
            raise PollFailed("The server does not speak IMAP.") from None
        self._imap.debug = 0  # the library logs everything, mails as well, and formats what is then not logged
        self.normalise_times = False  # times keep their zones

    def _create_IMAP4(self) -> _BoundedImap:
        return _BoundedImap(self._plain, self.host, self.port, self.ssl_context)

    def call(self, command: Callable[[BoundedClient], CommandResult], largest: int) -> CommandResult:
        """Run commands whose answers bring literals of at most `largest` bytes together.

        Raises PollFailed, CommandRefused, LiteralTooLarge and OSError.
        """
        self._imap.expect_answers(largest)
        try:
            return command(self)
        except OSError:
            raise
        except _UNREADABLE:
            raise PollFailed("The server gave an answer that Heed does not understand.") from None
        except imaplib.IMAP4.error as error:
            # The library turns what ends a login, such as a lost connection, into a login that is refused.
            if not isinstance(error, imaplib.IMAP4.abort) and not isinstance(error.__context__, imaplib.IMAP4.abort):
                raise CommandRefused(not _FOR_NOW.isdisjoint(self._imap.untagged_responses)) from None
            if "BYE" in self._imap.untagged_responses:
                raise PollFailed("The server closed the connection.") from None
            raise ConnectionError from None

    def has_told_capabilities(self) -> bool:
        """Whether the last answer brought the capabilities unasked."""
        return "CAPABILITY" in self._imap.untagged_responses


class _BoundedImap(imaplib.IMAP4):
    """The protocol itself, by the standard library."""

    def __init__(self, plain: socket.socket, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._plain = plain
        self._tls = tls
        self._lines_left = _MOST_LINES
        self._line_bytes_left = _MOST_LINE_BYTES
        self._literal_bytes_left = 0
        super().__init__(host, port, _SECONDS_TO_ANSWER)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        self._plain.settimeout(timeout)
        return self._tls.wrap_socket(self._plain, server_hostname=self.host) if self._tls else self._plain

    def expect_answers(self, largest: int) -> None:
        """Allow the next answers literals of so many bytes together, and forget what else the last ones brought."""
        self.untagged_responses.clear()
        self._literal_bytes_left = largest

    def read(self, size: int) -> bytes:
        if size > self._literal_bytes_left:
            raise LiteralTooLarge
        self._literal_bytes_left -= size
        return super().read(size)

    def readline(self) -> bytes:
        try:
            line = super().readline()
        except self.error:
            raise PollFailed("The server sends a line without end.") from None
        self._lines_left -= 1
        self._line_bytes_left -= len(line)
        if self._lines_left < 0 or self._line_bytes_left < 0:
            raise PollFailed("The server does not come to the end of its answer.")
        return line
