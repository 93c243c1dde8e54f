"""A turn: one poll of one mailbox, with what it may still read and what it has found out.

A poll that finds nothing writes nothing, but for a note once an hour. A poller that finds mail takes a lease before
it reads any: another poller that sees the same mail then fails to take it, and leaves the mailbox alone. The lease is
the row of the state, and taken on condition of the etag that was read, so there is never more than one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from lib.clock import Clock
from lib.errors import Stale
from lib.inbound.mailboxes.errors import MailFailed
from lib.inbound.mailboxes.models import GraphPlace, ImapPlace, StoredMailbox
from lib.inbound.mailboxes.store import MailboxStore, Polled
from lib.inbound.origin import Origin
from lib.inbound.sink import MailSink
from lib.mime.sizes import MEGABYTE
from lib.storage import StorageError
from lib.workers.places import WorkPlaces

log = logging.getLogger("heed.mailboxes")

LARGEST_MAIL = 25 * MEGABYTE
LARGEST_HEADERS = 256 * 1024
"""Bytes."""

MOST_MAILS = 200
"""Mails that one turn reads."""

MOST_PAGES = 25
"""Pages of lists that one turn reads: a full folder takes several turns."""

MARGIN = timedelta(hours=1)
"""Time before the last note from which mail is read again where a server has lost the place, as clocks differ."""

_LEASE = timedelta(minutes=1)
_NOTED_EACH = timedelta(hours=1)
_MOST_BREAKS = 5
"""Polls that may break off in the same mail before the mail is refused."""


class LeaseTaken(Exception):
    """Another poller reads this mailbox just now, or has changed its state."""


class Turn:
    """One poll of one mailbox."""

    def __init__(
        self,
        organization: str,
        polled: Polled,
        mailboxes: MailboxStore,
        sink: MailSink,
        places: WorkPlaces,
        clock: Clock,
    ) -> None:
        self.organization = organization
        self.mailbox: StoredMailbox = polled.mailbox
        self.state = polled.state
        self.left = MOST_MAILS
        """Mails that may still be read."""
        self.pages_left = MOST_PAGES
        """Pages of lists that may still be read."""
        self.has_read = False
        """Whether a mail was read to its end."""
        self.failed_folders: list[str] = []
        """A sentence for each folder that could not be read."""
        self._polled = polled
        self._mailboxes = mailboxes
        self._sink = sink
        self._places = places
        self._clock = clock
        self._before = polled.state.model_dump_json()
        self._leased = False

    def now(self) -> datetime:
        return self._clock.now()

    @property
    def last_noted(self) -> datetime:
        """The time from which mail is read again where a server has lost the place."""
        return (self.state.noted_at or self.now()) - MARGIN

    async def begin_reading(self) -> None:
        """Take the lease, unless this turn has it. Raises LeaseTaken."""
        if self._leased:
            return
        if self.state.leased_until is not None and self.state.leased_until > self.now():
            raise LeaseTaken
        self.state.leased_until = self.now() + _LEASE
        try:
            await self._mailboxes.save_state(self.organization, self._polled)
        except Stale:
            raise LeaseTaken from None
        self._leased = True

    async def keep_mail(self, raw: bytes, folder: str, labels: list[str]) -> None:
        """Hand a mail to the sink. Raises StorageError."""
        origin = self._origin(folder, labels)
        await self._sink.keep_mail(self.organization, raw, origin)

    async def refuse_mail(self, headers: bytes, folder: str, labels: list[str], reason: str) -> None:
        """Hand the note to the sink that a mail could not be read. Raises StorageError."""
        await self._sink.refuse_mail(self.organization, headers, self._origin(folder, labels), reason)

    def _origin(self, folder: str, labels: list[str]) -> Origin:
        mailbox = self.mailbox
        return Origin(mailbox.id, folder, mailbox.category_of(labels), mailbox.owner)

    @asynccontextmanager
    async def reading(self, place: ImapPlace | GraphPlace, size: int) -> AsyncIterator[None]:
        """Count a mail, hold room for its bytes, and note at its place if the poll breaks off in it.

        Raises Busy where there is no room just now. An outage of our own storage is not the mail's fault.
        """
        with self._places.place(self.organization, size):
            self.left -= 1
            try:
                yield
            except StorageError:
                raise
            except BaseException:
                place.breaks += 1
                raise
            place.breaks = 0
            self.has_read = True

    def check_breaks(self, place: ImapPlace | GraphPlace) -> None:
        """Raise MailFailed where polls have broken off in this mail again and again."""
        if place.breaks >= _MOST_BREAKS:
            raise MailFailed(f"The mail could not be read in {_MOST_BREAKS} tries: the connection broke off each time.")

    def has_given_up(self, place: ImapPlace | GraphPlace) -> bool:
        """Whether asking for the mail's headers alone has broken off, too, again and again."""
        return place.breaks >= 2 * _MOST_BREAKS

    async def finish(self) -> None:
        """Write down what has changed, and give the lease back. Raises StorageError."""
        state = self.state
        state.leased_until = None
        is_due = state.noted_at is None or self.now() - state.noted_at >= _NOTED_EACH
        if not self._leased and not is_due and state.model_dump_json() == self._before:
            return
        state.noted_at = self.now()
        try:
            await self._mailboxes.save_state(self.organization, self._polled)
        except Stale:
            # The lease has run out, or the mailbox is gone. Mails that were taken over twice are one to the sink.
            log.info("the state of mailbox %s of organization %s has changed", self.mailbox.id, self.organization)
