"""SMTP (RFC 5321) over a pool of connections, through aiosmtplib.

Until the server has asked for the content (354), every failure is a definite one: the message was not sent. From there
on only the server's own answer decides; a line that breaks or stays silent leaves the outcome unknown.

A server may take fewer recipients at once than a mail has. The rest get the same mail in further transactions, at once
(RFC 5321, 4.2.1 and 4.5.3.1.10); each ends by itself.

A hand-over comes to its end well before the host ends its process (`functionTimeout` in host.json): a server that is
too slow for that gets the mail for those whom it has taken so far, and the rest are left for the next try.

Some providers keep what they are handed in the sender's Sent Items, tracking and all, and the protocol has no word
against it: Exchange Online (https://techcommunity.microsoft.com/t5/exchange-team-blog/x/ba-p/607825) and Gmail do. What
the sender opens there comes from the sender's own networks, and the judge knows it by them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiosmtplib.errors import SMTPResponseException

from lib.transports.mail_server import MailServer
from lib.transports.protocol import Envelope, Outcome, RecipientRefusal, Refused, Unknown
from lib.transports.smtp_answers import (
    is_end_of_session,
    is_recipient_limit,
    is_refusal,
    names_recipient_limit,
    recipient_refused,
    refused,
)
from lib.transports.smtp_connections import LINE_FAILURES, NotConnected, SmtpConnection, SmtpConnections
from lib.transports.smtp_transactions import Transaction, outcome_of

_LIMIT_HOLDS = 3600.0
"""Seconds for which a server's limit of recipients is remembered: it may have been of the hour."""

_LONGEST_NAMING = 180.0
_LAST_NAMING = 360.0
_LAST_BEGINNING = 300.0
_LONGEST = 480.0
"""Seconds: for naming the recipients of one transaction; from the hand-over's beginning, until they are named, until no
further transaction begins, and in all."""

_MOST_BREAKS = 2
"""Recipients of one hand-over over whom a server may break off before it ends."""

_SLOW = Refused(True, "slow", "The mail server was too slow to take the mail for all recipients at once.")

_HUNG_UP = Refused(True, "connection", "The mail server hung up again and again.")


@dataclass(frozen=True, slots=True)
class _Time:
    """The time that a hand-over and its transaction have taken. `monotonic` gives seconds."""

    monotonic: Callable[[], float]
    begun_at: float
    transaction_at: float

    @property
    def names_no_more(self) -> bool:
        now = self.monotonic()
        return now - self.transaction_at > _LONGEST_NAMING or now - self.begun_at > _LAST_NAMING

    def left(self) -> asyncio.Timeout:
        """Bound a step by what is left of the whole hand-over."""
        return asyncio.timeout(max(0.0, self.begun_at + _LONGEST - self.monotonic()))


class _BrokenOver(Exception):
    """A new connection ended when this recipient was named."""

    def __init__(self, recipient: str, why: Refused) -> None:
        super().__init__(why.text)
        self.recipient = recipient
        self.why = why


class SmtpTransport:
    """One mail server. `monotonic` gives seconds."""

    separate_envelopes = True

    def __init__(self, server: MailServer, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connections = SmtpConnections(server, monotonic)
        self._monotonic = monotonic
        self._limit: tuple[int, float] | None = None

    @property
    def most_bytes(self) -> int | None:
        """The longest mail that the server takes, as it said last; None while that is unknown, or has no bound."""
        return self._connections.most_bytes

    async def send(self, envelope: Envelope) -> Outcome:
        """Hand the mail over, in as many transactions as the server needs."""
        left, begun_at = envelope.recipients, self._monotonic()
        transactions: list[Transaction] = []
        while left:
            now = self._monotonic()
            if now - begun_at > _LAST_BEGINNING:
                transactions.append(Transaction(end=_SLOW))
                break
            time_of = _Time(self._monotonic, begun_at, now)
            most = self._most_recipients() or len(left)
            transaction = await self._hand_over(envelope, left[:most], time_of)
            transactions.append(transaction)
            left = transaction.left + left[most:]
            if transaction.end is not None:
                break
            if sum(each.broken for each in transactions) > _MOST_BREAKS:
                transactions.append(Transaction(end=_HUNG_UP))
                break
        return outcome_of(transactions, left)

    async def after_doubt(self, envelope: Envelope) -> Outcome:  # noqa: ARG002 - a server has no memory to ask
        return Unknown("A mail server cannot be asked about it afterwards.")

    async def discard(self, sender: str, key: str) -> bool:  # noqa: ARG002 - a refused mail leaves nothing at a mail server
        """Return True: a refused mail leaves nothing at a mail server."""
        return True

    async def log_in(self) -> str | None:
        """Open a connection and log in; return why that failed, None where it went well."""
        try:
            self._connections.keep_connection(await self._connections.take_connection())
        except NotConnected as error:
            return str(error)
        return None

    async def close(self) -> None:
        await self._connections.close()

    async def _hand_over(self, envelope: Envelope, recipients: tuple[str, ...], time_of: _Time) -> Transaction:
        """One transaction. Where a kept connection turns out to be at its end, a new one takes its place at once."""
        try:
            async with time_of.left():
                connection = await self._connections.take_connection()
            try:
                return await self._transaction(connection, envelope, recipients, time_of)
            except LINE_FAILURES as error:
                if not (connection.reused and is_end_of_session(error)):
                    raise
            async with time_of.left():
                connection = await self._connections.renew_connection()
            return await self._transaction(connection, envelope, recipients, time_of)
        except _BrokenOver as broken:
            others = tuple(each for each in recipients if each != broken.recipient)
            return Transaction(refused=(recipient_refused(broken.recipient, broken.why),), left=others, broken=True)
        except NotConnected as error:
            end = Refused(True, error.code, str(error))
        except LINE_FAILURES as error:
            end = _broken_off(error)
        return Transaction(left=recipients, end=end)

    async def _transaction(
        self, connection: SmtpConnection, envelope: Envelope, recipients: tuple[str, ...], time_of: _Time
    ) -> Transaction:
        """Raises LINE_FAILURES for what ended it before the content was asked for: the mail was not sent then."""
        try:
            if (unsendable := _unsendable(connection, envelope)) is not None:
                transaction = Transaction(left=recipients, end=unsendable)
            else:
                transaction = await self._mail(connection, envelope, recipients, time_of)
        except BaseException:
            connection.close()
            raise
        self._connections.keep_connection(connection)
        return transaction

    async def _mail(
        self, connection: SmtpConnection, envelope: Envelope, recipients: tuple[str, ...], time_of: _Time
    ) -> Transaction:
        utf8 = connection.takes_utf8 and not all(each.isascii() for each in (envelope.sender, *recipients))
        async with time_of.left():
            await connection.mail(envelope.sender, len(envelope.mime), utf8)
            named, refusals, left = await self._recipients(connection, recipients, utf8, time_of)
        if not named:
            return Transaction(refused=refusals, left=left)
        end = await _data(connection, envelope.mime, time_of)
        if end is None:
            return Transaction(accepted=named, refused=refusals, left=left)
        if isinstance(end, Refused):
            return Transaction(refused=refusals, left=named + left, end=end)
        return Transaction(unknown=named, refused=refusals, left=left, end=end)

    async def _recipients(
        self, connection: SmtpConnection, recipients: tuple[str, ...], utf8: bool, time_of: _Time
    ) -> tuple[tuple[str, ...], tuple[RecipientRefusal, ...], tuple[str, ...]]:
        """Name the recipients to the server. Return those whom it takes, and those whom it refuses.

        The third are those for whom this transaction has no room, or no time.
        """
        named: list[str] = []
        refusals: list[RecipientRefusal] = []
        for number, recipient in enumerate(recipients):
            if number and time_of.names_no_more:
                return tuple(named), tuple(refusals), recipients[number:]
            if not (utf8 or recipient.isascii()):
                refusals.append(recipient_refused(recipient, _NO_UTF8))
                continue
            try:
                await connection.rcpt(recipient, utf8)
            except LINE_FAILURES as error:
                if not isinstance(error, SMTPResponseException) or _breaks_off(connection, error):
                    if connection.reused or len(recipients) == 1:
                        raise
                    raise _BrokenOver(recipient, _broken_off(error)) from error
                if named and is_recipient_limit(error):
                    self._learn_limit(len(named), error)
                    return tuple(named), tuple(refusals), recipients[number:]
                refusals.append(recipient_refused(recipient, refused(error)))
            except ValueError:
                refusals.append(recipient_refused(recipient, _NO_ADDRESS))
            else:
                named.append(recipient)
        return tuple(named), tuple(refusals), ()

    def _learn_limit(self, most: int, error: SMTPResponseException) -> None:
        if names_recipient_limit(error):
            self._limit = (most, self._monotonic())

    def _most_recipients(self) -> int | None:
        """Return the number of recipients that the server takes at once, as far as it has said lately."""
        if self._limit is None:
            return None
        most, learned = self._limit
        return most if self._monotonic() - learned < _LIMIT_HOLDS else None


_NO_UTF8 = Refused(False, "smtputf8", "The mail server takes no addresses with characters outside ASCII (SMTPUTF8).")
_NO_ADDRESS = Refused(False, "address", "The address cannot be written in an SMTP command.")


def _unsendable(connection: SmtpConnection, envelope: Envelope) -> Refused | None:
    """Return why this server will not take the mail for any recipient; None where it may."""
    size, most = len(envelope.mime), connection.most_bytes
    if most is not None and size > most:
        return Refused(False, "size", f"The mail has {size:,} bytes; the mail server takes at most {most:,}.")
    if not envelope.sender.isascii() and not connection.takes_utf8:
        return _NO_UTF8
    return None


def _broken_off(error: Exception) -> Refused:
    if isinstance(error, SMTPResponseException):
        return refused(error)
    return Refused(True, "connection", f"The mail server hung up or fell silent ({type(error).__name__}).")


def _breaks_off(connection: SmtpConnection, error: SMTPResponseException) -> bool:
    """Whether an answer ends more than what it answers."""
    return error.code == 421 or not is_refusal(error) or (connection.reused and is_end_of_session(error))


async def _data(connection: SmtpConnection, mime: bytes, time_of: _Time) -> Refused | Unknown | None:
    """None when the server has taken it. Raises LINE_FAILURES before the server has asked for the content."""
    try:
        async with time_of.left():
            await connection.data()
    except SMTPResponseException as error:
        if _breaks_off(connection, error):
            raise
        return refused(error)
    try:
        async with time_of.left():
            await connection.content(mime)
    except SMTPResponseException as error:
        if is_refusal(error):
            return refused(error)
        return Unknown(f"The mail server gave an answer that makes no sense ({error.code}).")
    except LINE_FAILURES as error:
        return Unknown(f"The mail server did not confirm the message ({type(error).__name__}).")
    return None
