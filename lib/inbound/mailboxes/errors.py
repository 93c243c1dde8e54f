"""Failures of a poll, in words for the mailbox's owner. No text holds a secret or what a server has said."""

from __future__ import annotations

from datetime import timedelta


class PollFailed(Exception):
    """A poll that failed as a whole. `wait` is the shortest time until the next one."""

    def __init__(self, text: str, wait: timedelta = timedelta(0)) -> None:
        super().__init__(text)
        self.wait = wait


class MailFailed(Exception):
    """A mail that cannot be read, now or later. `headers` are its header lines, as far as they could be had."""

    def __init__(self, text: str, headers: bytes = b"") -> None:
        super().__init__(text)
        self.headers = headers


class CommandRefused(Exception):
    """A command that an IMAP server answered with NO or BAD. `is_for_now` tells whether its response code says so."""

    def __init__(self, is_for_now: bool) -> None:
        super().__init__()
        self.is_for_now = is_for_now


class LiteralTooLarge(ConnectionError):
    """More bytes than were asked for, which a server began to send. The connection is of no use any more."""
