"""Connections to a mail server: opening them, logging in, keeping them for further use."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiosmtplib
from aiosmtplib import SMTPResponse
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from lib.transports.mail_server import MailServer
from lib.transports.smtp_answers import told
from lib.transports.smtp_content import ended_by_dot

LINE_FAILURES = (SMTPException, OSError, TimeoutError)
"""The errors of a server that refuses, hangs up or stays silent."""

_MOST_IDLE = 4
_LONGEST_IDLE = 100.0
"""Seconds. Azure forgets a connection after 4 minutes without a word, and tells neither side."""
_LONGEST_PROBE = 5.0
"""Seconds in which an idle connection has to show that it still works."""


class NotConnected(Exception):
    """There is no usable connection, which says nothing about the message. `code` is `connection` or `login`."""

    def __init__(self, text: str, code: str = "connection") -> None:
        super().__init__(text)
        self.code = code


class SmtpConnection:
    """One session. Each method but `close` raises LINE_FAILURES."""

    def __init__(self, smtp: aiosmtplib.SMTP, timeout: float) -> None:
        self._smtp = smtp
        self._timeout = timeout
        self.reused = False

    @property
    def is_open(self) -> bool:
        return self._smtp.is_connected

    @property
    def most_bytes(self) -> int | None:
        """The longest mail that the server takes, as far as it says (RFC 1870)."""
        said = self._smtp.esmtp_extensions.get("size", "").strip()
        return int(said) or None if re.fullmatch("[0-9]{1,18}", said) else None

    @property
    def takes_utf8(self) -> bool:
        """Whether addresses may have characters outside ASCII (RFC 6531)."""
        return self._smtp.supports_extension("smtputf8")

    async def mail(self, sender: str, size: int, utf8: bool) -> None:
        options = [f"SIZE={size}"] if self._smtp.supports_extension("size") else []
        with _any_2xx():
            await self._smtp.mail(sender, options=[*options, *["SMTPUTF8"] * utf8], encoding=_encoding(utf8))

    async def rcpt(self, recipient: str, utf8: bool) -> None:
        with _any_2xx():
            await self._smtp.rcpt(recipient, encoding=_encoding(utf8))

    async def data(self) -> None:
        """Ask for leave to send the content. Raises SMTPDataError for whatever is no leave."""
        response = await self._smtp.execute_command(b"DATA")
        if response.code != 354:
            raise SMTPDataError(response.code, response.message)

    async def content(self, mime: bytes) -> None:
        """Send the content, piece by piece, and wait for the answer. Raises SMTPDataError for all but 250.

        The timeout is for each piece and for the answer: a large mail over a slow line is no silence. A server may
        refuse before the content's end.
        """
        protocol = self._smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        answer = asyncio.ensure_future(protocol.read_response())
        try:
            is_whole = await self._write(protocol, ended_by_dot(mime), answer)
            async with asyncio.timeout(self._timeout):
                response = await answer
        except BaseException:
            answer.cancel()
            self.close()
            raise
        if not is_whole:
            self.close()
        if response.code != 250 or not is_whole:
            raise SMTPDataError(response.code, response.message)

    async def _write(
        self, protocol: aiosmtplib.protocol.SMTPProtocol, pieces: Iterator[bytes], answer: asyncio.Future[SMTPResponse]
    ) -> bool:
        """Write the content. Return whether all of it was written: a server that breaks off may say why."""
        for piece in pieces:
            if answer.done():
                return False
            try:
                protocol.write(piece)
                await asyncio.sleep(0)
                # The protocol is made to be used by a StreamWriter, which waits in this way.
                # `wait_for` would lose a cancellation that comes at its end (Python 3.11).
                async with asyncio.timeout(self._timeout):
                    await protocol._drain_helper()
            except ConnectionError:
                return next(pieces, None) is None  # a server may hang up as soon as it has answered
        return True

    async def reset(self) -> None:
        """Forget what was begun, and show that the session still works."""
        await self._smtp.rset(timeout=min(_LONGEST_PROBE, self._timeout))

    async def quit(self) -> None:
        await self._smtp.quit(timeout=2)

    def close(self) -> None:
        self._smtp.close()


class SmtpConnections:
    """Open connections that are not in use: at most 4, none idle for longer than 100 s. `monotonic` gives seconds."""

    def __init__(self, server: MailServer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._monotonic = monotonic
        self._idle: deque[tuple[float, SmtpConnection]] = deque()
        self.most_bytes: int | None = None
        """The longest mail that the server takes, as it said last."""

    async def take_connection(self) -> SmtpConnection:
        """Return a connection that works: the one that was used last, else a new one. Raises NotConnected."""
        self._close_old()
        if self._idle:
            _, connection = self._idle.pop()
            try:
                await connection.reset()
            except LINE_FAILURES:
                connection.close()
            else:
                return connection
        return await self.renew_connection()

    async def renew_connection(self) -> SmtpConnection:
        """Open a new connection. The end of one idle connection is probably that of all. Raises NotConnected."""
        self._close_idle()
        return await self._open()

    def keep_connection(self, connection: SmtpConnection) -> None:
        """Keep it for the next message."""
        if connection.is_open and len(self._idle) < _MOST_IDLE:
            connection.reused = True
            self._idle.append((self._monotonic(), connection))
        else:
            connection.close()

    async def close(self) -> None:
        """End all idle sessions."""
        while self._idle:
            _, connection = self._idle.pop()
            try:
                await connection.quit()
            except LINE_FAILURES:
                connection.close()

    def _close_old(self) -> None:
        while self._idle and self._monotonic() - self._idle[0][0] > _LONGEST_IDLE:
            self._idle.popleft()[1].close()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _open(self) -> SmtpConnection:
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=server.timeout,
            local_hostname=server.ehlo,
            use_tls=server.security == "tls",
            start_tls={"starttls": True, "none": False, "tls": False}.get(server.security),
        )
        try:
            await smtp.connect()
            await _greet(smtp)
            await _log_in(smtp, server)
        except BaseException as error:
            smtp.close()
            if isinstance(error, LINE_FAILURES):
                raise NotConnected(_why_not(error)) from error
            raise
        connection = SmtpConnection(smtp, server.timeout)
        self.most_bytes = connection.most_bytes
        return connection


@contextmanager
def _any_2xx() -> Iterator[None]:
    """Take every 2xx for a yes (RFC 5321, 4.2.1): a recipient taken for refused would get the mail twice."""
    try:
        yield
    except SMTPResponseException as error:
        if not 200 <= error.code <= 299:
            raise


def _encoding(utf8: bool) -> str:
    return "utf-8" if utf8 else "ascii"


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    if not smtp.is_ehlo_or_helo_needed:
        return
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        if not smtp.is_connected:
            raise
        await smtp.helo()


async def _log_in(smtp: aiosmtplib.SMTP, server: MailServer) -> None:
    """Raises NotConnected with the code `login`, and LINE_FAILURES."""
    if server.user is None:
        return
    if not smtp.supports_extension("auth"):
        has_tls = smtp.get_transport_info("sslcontext") is not None
        why = "." if has_tls else " on a connection without TLS; it may want TLS first (HEED_SMTP_SECURITY)."
        raise NotConnected(f"HEED_SMTP_USER is set, but the mail server offers no AUTH{why}", "login")
    if not smtp.supported_auth_methods:
        offered = " ".join(smtp.server_auth_methods).upper()[:100]
        raise NotConnected(
            f"The mail server offers AUTH by {offered or 'no method'} alone; Heed knows CRAM-MD5, PLAIN and LOGIN.",
            "login",
        )
    try:
        await smtp.login(server.user, server.password or "")
    except SMTPAuthenticationError as error:
        if error.code < 500:
            raise NotConnected(f"The mail server cannot check the login now ({error.code}).", "login") from error
        raise NotConnected(f"The mail server refused the login ({error.code}).", "login") from error


def _why_not(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return f"The mail server could not be entered; it answered {error.code}: {told(error)}"
    if type(error) is SMTPException:  # the library's own words, such as on STARTTLS that is not offered
        return f"The mail server could not be used: {error.message}"
    return f"The mail server could not be reached ({type(error).__name__})."
