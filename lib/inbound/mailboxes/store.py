"""Mailboxes in storage: rows of the table `people`.

Keys: partition `mailbox`, key = the mailbox's id, for the mailbox; partition `mailbox|state` and the same key for
what the poller knows of it. The two are apart so that a poll never changes the mailbox's etag.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cachetools import LRUCache

from lib.errors import Stale, WrongField
from lib.inbound.mailboxes.models import PORTS, MailboxRead, MailboxSpec, MailboxState, StoredMailbox
from lib.inbound.mailboxes.secrets import check_secret_name
from lib.outside import NotOutside, refuse_inside_name
from lib.storage import Conflict, Missing, Range, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.repository import Repository
from lib.storage.retry import retry_on_conflict
from lib.storage.versions import IfMatch, check_version

_MAILBOXES = "mailbox"
_STATES = "mailbox|state"
_MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class Polled:
    """A mailbox with what the poller knows of it."""

    mailbox: StoredMailbox
    state: MailboxState
    etag: str | None
    """The etag of the state; None where none is stored."""


class MailboxStore:
    """Mailboxes of every organization. With `loopback`, servers on this machine are allowed, at any port."""

    def __init__(self, tables: Tables, loopback: bool = False) -> None:
        self._tables = tables
        self._loopback = loopback
        self._mailboxes = Repository(tables, "people", StoredMailbox)
        self._states = Repository(tables, "people", MailboxState)
        self._polled: LRUCache[tuple[str, str], datetime] = LRUCache(_MOST_REMEMBERED)

    async def load_mailbox(self, organization: str, mailbox: str) -> tuple[StoredMailbox, str] | None:
        """Load a mailbox with its etag; None if there is none."""
        return await self._mailboxes.load(organization, _MAILBOXES, mailbox)

    async def read_mailbox(self, organization: str, mailbox: str) -> MailboxRead | None:
        """Load a mailbox as it is answered; None if there is none."""
        found = await self.load_mailbox(organization, mailbox)
        return None if found is None else await self._answered(organization, *found)

    async def list_mailboxes(self, organization: str, after: str | None, limit: int) -> AsyncIterator[MailboxRead]:
        """List mailboxes as they are answered, by id."""
        async for _, stored, etag in self._mailboxes.list(organization, _MAILBOXES, Range(after=after), limit):
            yield await self._answered(organization, stored, etag)

    async def save_mailbox(
        self, organization: str, mailbox: str, spec: MailboxSpec, if_match: IfMatch | None
    ) -> tuple[MailboxRead, bool]:
        """Save a mailbox; return it, and whether it is new. Raises WrongField, Stale."""
        self._check(organization, spec)
        stored = StoredMailbox(id=mailbox, **spec.model_dump(include=set(MailboxSpec.model_fields)))
        try:
            etag, made = await self._mailboxes.save(organization, _MAILBOXES, mailbox, stored, if_match)
        except Conflict as error:
            raise Stale from error
        return await self._answered(organization, stored, etag), made

    def _check(self, organization: str, spec: MailboxSpec) -> None:
        check_secret_name(organization, spec.secret)
        if spec.kind == "graph" or spec.host is None:
            return
        try:
            refuse_inside_name(spec.host, loopback=self._loopback)
        except NotOutside as error:
            raise WrongField(["host"], f"{error}") from None
        if not self._loopback and spec.server_port != PORTS[spec.security]:
            raise WrongField(["port"], f"{spec.security} is at port {PORTS[spec.security]}")

    async def remove_mailbox(self, organization: str, mailbox: str, if_match: IfMatch | None) -> None:
        """Remove a mailbox and what the poller knows of it. Raises Missing, Stale."""
        found = await self.load_mailbox(organization, mailbox)
        if found is None:
            raise Missing(f"there is no mailbox {mailbox}")
        check_version(if_match, found[1])
        await self._mailboxes.remove(organization, _MAILBOXES, mailbox, found[1] if if_match else None)
        with suppress(Missing):
            await self._states.remove(organization, _STATES, mailbox)

    async def switch_off(self, organization: str, owner: str) -> None:
        """Switch the mailboxes of a user off, and say why. Again changes nothing. Raises Stale, StorageError."""
        for polled in await self.list_polled(organization):
            if polled.mailbox.owner != owner or not polled.mailbox.enabled:
                continue
            await retry_on_conflict(
                f"mailbox {polled.mailbox.id}", partial(self._switch_one_off, organization, polled, owner), on=Stale
            )

    async def _switch_one_off(self, organization: str, polled: Polled, owner: str) -> None:
        found = await self.load_mailbox(organization, polled.mailbox.id)
        if found is None or found[0].owner != owner:
            return
        mailbox, etag = found
        off = mailbox.model_copy(update={"enabled": False})
        await self._mailboxes.change(organization, _MAILBOXES, mailbox.id, off, etag)
        polled.state.last_error = f"It was switched off, as its owner {owner} was deleted."
        with suppress(Stale):  # a poll is under way, and says what became of it
            await self.save_state(organization, polled)

    async def list_polled(self, organization: str) -> list[Polled]:
        """List the mailboxes with their states, by id, in one query."""
        mailboxes: list[StoredMailbox] = []
        states: dict[str, tuple[MailboxState, str | None]] = {}
        async for row in self._tables.query(table(organization, "people"), Range.prefix(_MAILBOXES)):
            if row.partition == _MAILBOXES:
                mailboxes.append(unpack(StoredMailbox, row))
            elif row.partition == _STATES:
                states[row.key] = unpack(MailboxState, row), row.etag
        return [Polled(each, *states.get(each.id, (MailboxState(), None))) for each in mailboxes]

    async def ask_for_poll(self, organization: str, mailbox: str) -> bool:
        """Have a mailbox polled at the poller's next turn, also after failures; tell whether there is such a one.

        The poller has the secret and the way to the server, which this process may lack. Raises StorageError.
        """
        found = [each for each in await self.list_polled(organization) if each.mailbox.id == mailbox]
        for polled in found:
            if polled.state.next_poll_at is not None:
                polled.state.next_poll_at = None
                with suppress(Stale):  # a poll is under way, or was just now
                    await self.save_state(organization, polled)
        return bool(found)

    async def save_state(self, organization: str, polled: Polled) -> None:
        """Save the state in place of the one that was read. Raises Stale where another poller was first."""
        row = Row(_STATES, polled.mailbox.id, pack(polled.state), polled.etag)
        try:
            [polled.etag] = await self._tables.write_rows(table(organization, "people"), [put_if_unchanged(row)])
        except (Conflict, Missing) as error:
            raise Stale from error

    def note_poll(self, organization: str, mailbox: str, at: datetime) -> None:
        """Remember a poll in this process alone: most polls find nothing, and writing that down would cost a write."""
        self._polled[organization, mailbox] = at

    def forget_organization(self, organization: str) -> None:
        """Forget polls of an organization that is deleted."""
        for place in [each for each in self._polled if each[0] == organization]:
            self._polled.pop(place, None)

    async def _answered(self, organization: str, stored: StoredMailbox, etag: str) -> MailboxRead:
        found = await self._states.load(organization, _STATES, stored.id)
        state = found[0] if found else MailboxState()
        times = [each for each in (state.noted_at, self._polled.get((organization, stored.id))) if each]
        return MailboxRead(
            **stored.model_dump(), etag=etag, last_poll_at=max(times, default=None), last_error=state.last_error
        )
