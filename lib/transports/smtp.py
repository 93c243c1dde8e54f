"""SMTP (RFC 5321) over a pool of connections, through aiosmtplib.

Until the server was told DATA, every failure is a definite one: the message was not sent. From there on only the
server's own answer decides; a line that breaks or stays silent leaves the outcome unknown.

Some providers keep what they are handed in the sender's Sent Items, tracking and all, and the protocol has no word
against it: Exchange Online (https://techcommunity.microsoft.com/t5/exchange-team-blog/x/ba-p/607825) and Gmail do. What
the sender opens there comes from the sender's own networks, and the judge knows it by them.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import TYPE_CHECKING

import aiosmtplib
from aiosmtplib.errors import SMTPAuthenticationError, SMTPException, SMTPResponseException

from lib.transports.protocol import Accepted, Envelope, Outcome, RecipientRefusal, Refused, Unknown

if TYPE_CHECKING:
    from lib.settings import Settings

_MOST_IDLE = 4
_LINE_FAILURES = (SMTPException, OSError, TimeoutError)
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


class _NotConnected(Exception):
    """There is no usable connection: nothing that this message could help or harm."""


class SmtpTransport:
    """One mail server. At most `_MOST_IDLE` connections wait for further use."""

    separate_envelopes = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: deque[aiosmtplib.SMTP] = deque()

    async def send(self, envelope: Envelope) -> Outcome:
        try:
            connection, answer = await self._envelope_accepted(envelope)
        except _NotConnected as error:
            return Refused(True, "connection", str(error))
        except SMTPResponseException as error:
            return _refused(error)
        except _LINE_FAILURES as error:
            return Refused(True, "connection", f"The mail server hung up ({type(error).__name__}).")
        if isinstance(answer, Refused):
            await self._keep(connection)
            return answer
        outcome = await self._data(connection, envelope.mime)
        await self._keep(connection)
        return Accepted(answer) if outcome is None else outcome

    async def after_doubt(self, envelope: Envelope) -> Outcome:  # noqa: ARG002 - a server has no memory to ask
        return Unknown("A mail server cannot be asked about it afterwards.")

    async def discard(self, sender: str, key: str) -> bool:  # noqa: ARG002 - a refused mail leaves nothing at a mail server
        return True

    async def _data(self, connection: aiosmtplib.SMTP, mime: bytes) -> Outcome | None:
        """None when the server has taken it."""
        try:
            await connection.data(mime)
        except SMTPResponseException as error:
            if 400 <= error.code <= 599:
                return _refused(error)
            return Unknown(f"The mail server gave an answer that makes no sense ({error.code}).")
        except _LINE_FAILURES as error:
            return Unknown(f"The mail server did not confirm the message ({type(error).__name__}).")
        return None

    async def _envelope_accepted(
        self, envelope: Envelope
    ) -> tuple[aiosmtplib.SMTP, tuple[RecipientRefusal, ...] | Refused]:
        """A connection after MAIL and RCPT, with the refused recipients or the refusal. Stale idle ones go."""
        while self._idle:
            connection = self._idle.popleft()
            try:
                return connection, await _begin(connection, envelope)
            except _LINE_FAILURES as error:
                connection.close()
                if isinstance(error, SMTPResponseException) and error.code != 421:
                    raise
        connection = await self._connect()
        try:
            return connection, await _begin(connection, envelope)
        except BaseException:
            connection.close()
            raise

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        connection = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            timeout=settings.smtp_timeout,
            use_tls=settings.smtp_security == "tls",
            start_tls={"starttls": True, "none": False, "tls": False}.get(settings.smtp_security),
            username=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        )
        try:
            await connection.connect()
        except SMTPAuthenticationError as error:
            raise _NotConnected(f"The mail server refused the login ({error.code}).") from error
        except _LINE_FAILURES as error:
            raise _NotConnected(f"The mail server could not be reached ({type(error).__name__}).") from error
        return connection

    async def _keep(self, connection: aiosmtplib.SMTP) -> None:
        """Put it back for the next message, if the server still talks to us."""
        try:
            await connection.rset()
        except _LINE_FAILURES:
            connection.close()
            return
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    async def close(self) -> None:
        while self._idle:
            connection = self._idle.popleft()
            try:
                await asyncio.wait_for(connection.quit(), 2)
            except _LINE_FAILURES:
                connection.close()


async def _begin(connection: aiosmtplib.SMTP, envelope: Envelope) -> tuple[RecipientRefusal, ...] | Refused:
    """MAIL and RCPT: the recipients that were refused, or a refusal when all were."""
    await connection.mail(envelope.sender)
    refusals: list[RecipientRefusal] = []
    for recipient in envelope.recipients:
        try:
            await connection.rcpt(recipient)
        except SMTPResponseException as error:
            if error.code == 421:
                raise
            one = _refused(error)
            refusals.append(RecipientRefusal(recipient, one.code, one.text, one.temporary))
    if len(refusals) == len(envelope.recipients):
        # One that may be taken later makes the whole worth another try.
        first = min(refusals, key=lambda refusal: refusal.code)
        return Refused(first.temporary, first.code, first.text, recipients=tuple(refusals))
    return tuple(refusals)


def _refused(error: SMTPResponseException) -> Refused:
    said = _ADDRESS.sub("<address>", str(error.message)).replace("\n", " ")[:300]
    return Refused(error.code < 500, str(error.code), f"The mail server answered {error.code}: {said}")
