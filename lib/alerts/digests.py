"""Sends each user the digest of open cards at the time of their choice, once a day.

An entry of the due index leads to the next digest. The one after it is entered before the digest is noted and sent, so
that a process that dies breaks no chain; a digest that was noted is not sent again. Entries of a choice that has
changed meanwhile lead to the next time of the new one, and several of them to the same.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

from lib.alerts.digest_mail import DigestItem, write_digest
from lib.alerts.foreign_words import in_own_direction, on_one_line
from lib.alerts.telling import link_to
from lib.alerts.times import local_day, next_digest
from lib.alerts.told import ToldCards
from lib.cards.store import Card, Cards
from lib.clock import Clock
from lib.composing.preparation import check_domain
from lib.errors import UnknownSender
from lib.mime.parts import Mailbox
from lib.organizations.registry import Organizations
from lib.people.alert_choices import AlertChoices, StoredAlerts
from lib.people.store import People
from lib.people.users import StoredUser
from lib.sending.own_mails import make_own_envelope
from lib.storage.due_index import Due, DueHandOver, DueIndex
from lib.transports.protocol import Accepted, Transport

log = logging.getLogger("heed.alerts")

_MOST_CARDS = 25
_MOST_READ = 100
"""Cards that are read at once."""

_MOST_LOOKED_AT = 2_000
"""Open cards among which those are looked for that are not muted."""

_LATE = timedelta(hours=6)
"""Time after which a digest that could not be sent is left to the next one."""

_SPACE = uuid.UUID("6f0d0a3e-5c59-4f0f-9f0e-8f6d5b1f7a10")
"""Name space of digests: each has a key of its own, the same in every try."""


class Digests:
    """Sends digests. Without a transport it sends none."""

    def __init__(
        self,
        choices: AlertChoices,
        told: ToldCards,
        cards: Cards,
        people: People,
        organizations: Organizations,
        transport: Transport | None,
        due: DueIndex,
        clock: Clock,
    ) -> None:
        self._choices = choices
        self._told = told
        self._cards = cards
        self._people = people
        self._organizations = organizations
        self._transport = transport
        self._due = due
        self._clock = clock

    async def enter(self, organization: str, choice: StoredAlerts, zone: str) -> None:
        """Enter the next digest of a choice, before the choice is saved. Raises StorageError."""
        if choice.digest:
            at = next_digest(choice.digest, zone, self._clock.now())
            await self._due.put_entry(Due("digest", at, organization, choice.user))

    async def sweep(self) -> int:
        """Send the digests that are due; how many entries were looked at. Raises StorageError."""
        return await self._due.sweep("digest", self._send_due, timedelta(0))

    async def _send_due(self, entry: DueHandOver) -> None:
        due, now = entry.due, self._clock.now()
        if due.at > now:
            return  # a clock that is ahead has found it
        choice = await self._choices.load(due.organization, due.item)
        person = await self._people.user(due.organization, due.item)
        if choice is not None and person is not None and choice.digest is not None:
            await self.enter(due.organization, choice, person.time_zone)
            is_of_choice = next_digest(choice.digest, person.time_zone, due.at - timedelta(seconds=1)) == due.at
            if is_of_choice and now - due.at < _LATE:
                await self._send(due.organization, choice, person)
        await self._due.drop_entry(due)

    async def _send(self, organization: str, choice: StoredAlerts, person: StoredUser) -> None:
        items, is_more = await self._items(organization, choice)
        date = local_day(person.time_zone, self._clock.now())
        if self._transport is None or not items:
            return
        settings = await self._organizations.settings(organization)
        try:
            check_domain(settings, person)
        except UnknownSender as refusal:
            log.warning("a digest of organization %s cannot go out: %s", organization, refusal)
            return
        key = str(uuid.uuid5(_SPACE, f"{organization}|{person.id}|{date}"))
        user = Mailbox(person.name, person.email)
        envelope = make_own_envelope(write_digest(items, is_more), user, user, key, self._clock.now())
        if not await self._told.claim_digest(organization, person.id, date):
            return
        outcome = await self._transport.send(envelope)
        if not isinstance(outcome, Accepted):
            log.warning("a digest of organization %s did not go out: %s", organization, type(outcome).__name__)

    async def _items(self, organization: str, choice: StoredAlerts) -> tuple[list[DigestItem], bool]:
        """List the open cards that are not muted, and whether there are more."""
        form = (await self._organizations.settings(organization)).card_url
        items = list[DigestItem]()
        async for card in self._open_cards(organization, choice.user):
            if card.kind in choice.muted_kinds or card.message in choice.muted_messages:
                continue
            if len(items) == _MOST_CARDS:
                return items, True
            link = link_to(form, card) if form else None
            items.append(DigestItem(on_one_line(card.title), in_own_direction(card.text), link))
        return items, False

    async def _open_cards(self, organization: str, user: str) -> AsyncIterator[Card]:
        """Read the user's open cards, the most pressing first, some at a time."""
        after: str | None = None
        for _ in range(_MOST_LOOKED_AT // _MOST_READ):
            found = [each async for each in self._cards.page(organization, user, "open", after, _MOST_READ)]
            for _, card in found:
                yield card
            if len(found) < _MOST_READ:
                return
            after = found[-1][0]
