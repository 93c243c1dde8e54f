"""Cards of the relationship assistant: what a salesperson should look at now, and what they did about it.

All cards of a user are one partition of the table `cards`. A card has two rows that change together: `id|<id>`, the
card itself, and `<status>|<urgency>|<time>|<id>`, its place in a list. Ids follow from what the card is about, so
making it twice makes it once, and what a user has dismissed does not come back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel

from lib.clock import Clock, milliseconds
from lib.errors import NotAllowed, Stale
from lib.fields import Moment, RecordRef, Regarding
from lib.ids import short_hash
from lib.people.alert_choices import CardKind as CardKind
from lib.people.calls import Activity
from lib.storage import Change, Conflict, Delete, Insert, Missing, Range, Replace, Row, Tables, Upsert
from lib.storage.documents import pack, unpack
from lib.storage.due_index import Due, DueIndex
from lib.storage.layout import table
from lib.storage.retry import retry_on_conflict
from lib.storage.sort_keys import newest_first

CardPriority = Literal["high", "normal"]
CardStatus = Literal["open", "snoozed", "done"]
Action = Literal["call", "draft", "move-reminder", "snooze", "dismiss"]

CARD_ROWS = "id|"
"""Beginning of the keys of the cards themselves; others are their places in lists."""

TOLD = "told|"
"""The beginning of the keys of notes on cards that were told in chat channels (`lib.alerts.told`)."""

SNOOZE: dict[CardPriority, timedelta] = {"high": timedelta(hours=1), "normal": timedelta(hours=24)}
_URGENCY: dict[CardPriority, int] = {"high": 0, "normal": 1}


class CardRecipient(BaseModel):
    """Person that the card is about."""

    email: str
    name: str
    record: RecordRef | None = None


class Card(BaseModel):
    """One thing for a user to look at, and what the user did about it."""

    id: str
    user: str
    kind: CardKind
    priority: CardPriority
    title: str
    text: str
    created_at: Moment
    message: str
    regarding: Regarding | None = None
    recipient: CardRecipient | None = None
    mail: str | None = None
    """Id of the received mail that the card tells of."""

    back_at: Moment | None = None
    """Day on which the writer of an auto-reply is back, at 0:00 UTC."""

    status: CardStatus = "open"
    snoozed_until: Moment | None = None
    because: str | None = None
    """Why the card was withdrawn."""

    useful: bool | None = None
    activity: Activity | None = None
    """Call that the card was done with. It is stored beside its record after the card, whose version decides who makes
    it. A process that dies in between leaves that to the next request."""

    undone: Activity | None = None
    """Call that was taken back. It is removed from beside its record after the card."""

    before: CardStatus | None = None
    """Status that `undo` goes back to."""

    changed_by: str | None = None
    """Request that changed the card last."""

    @property
    def offers_draft(self) -> bool:
        """Whether the card calls for a follow-up."""
        return self.kind in ("reply", "reminder")

    def related(self) -> RecordRef | None:
        """Find the record that a call would be about."""
        if self.regarding:
            return RecordRef(type=self.regarding.type, id=self.regarding.id)
        return self.recipient.record if self.recipient else None


def card_id(*about: str) -> str:
    """Make a card's id: one matter always has the same one."""
    return short_hash("card", *about)


def version_of(card: Card) -> str:
    """Compute the version of a card that callers see, of all that is stored: so its row in a list tells it, too."""
    return short_hash("version", card.model_dump_json())


class Cards:
    """Cards in storage. `is_told`: whether the user of an organization is told of cards in chat channels."""

    def __init__(
        self, tables: Tables, due: DueIndex, clock: Clock, is_told: Callable[[str, str], Awaitable[bool]]
    ) -> None:
        self._tables = tables
        self._due = due
        self._clock = clock
        self._is_told = is_told

    async def ensure(self, organization: str, card: Card) -> None:
        """Show the card, unless it is there already, whatever became of it. One that was withdrawn comes back."""
        await self._have_told(organization, card)
        try:
            await self._write(organization, [Insert(_row(card)), Upsert(_place(card))])
        except Conflict:
            found = await self.load_card(organization, card.user, card.id)
            if found and found[0].because:
                await self._replace(organization, found[0], card, found[1])

    async def withdraw(self, organization: str, user: str, card: str, because: str) -> None:
        """Withdraw a card whose reason has gone. A card that its user has dealt with stays as it is."""
        found = await self.load_card(organization, user, card)
        if found is None or found[0].status == "done":
            return
        await self._have_told(organization, found[0])
        gone = found[0].model_copy(update={"status": "done", "because": because, "before": None})
        await self._replace(organization, found[0], gone, found[1])

    async def _have_told(self, organization: str, card: Card) -> None:
        """Enter the card for its user's channels, before it is written: a process that dies tells it later."""
        if await self._is_told(organization, card.user):
            await self._due.put_entry(Due("tell", self._clock.now(), organization, f"{card.user}|{card.id}"))

    async def load_card(self, organization: str, user: str, card: str) -> tuple[Card, str] | None:
        """Read the card and its etag."""
        row = await self._tables.read_row(table(organization, "cards"), user, CARD_ROWS + card)
        return None if row is None else (unpack(Card, row), row.etag or "")

    async def page(
        self, organization: str, user: str, status: CardStatus, after: str | None, limit: int
    ) -> AsyncIterator[tuple[str, Card]]:
        """(cursor, card), the most pressing first, and of those the newest."""
        keys = Range.prefix(f"{status}|")
        if after:
            keys = Range(low=keys.low, high=keys.high, after=f"{status}|{after}")
        async for row in self._tables.query(table(organization, "cards"), user, keys, limit):
            yield row.key.removeprefix(f"{status}|"), unpack(Card, row)

    async def snooze(self, organization: str, card: Card, etag: str, until: datetime | None, by: str) -> str:
        """Hide the card until then; by default an hour when it is pressing, else a day. Returns the new etag.

        Raises NotAllowed, Stale.
        """
        _must_be(card, "open", "snoozed")
        at = until or self._clock.now() + SNOOZE[card.priority]
        update = {"status": "snoozed", "snoozed_until": at, "before": card.status, "changed_by": by}
        changed = card.model_copy(update=update)
        if entry := snooze_entry(organization, changed):
            await self._due.put_entry(entry)
        return await self._replace(organization, card, changed, etag)

    async def wake(self, organization: str, item: str) -> bool:
        """Bring the card back if its snooze is over; whether it is still away. Raises Stale."""
        return await retry_on_conflict(f"card {item}", lambda: self._wake_once(organization, item), on=Stale)

    async def _wake_once(self, organization: str, item: str) -> bool:
        user, _, card = item.partition("|")
        found = await self.load_card(organization, user, card)
        if found is None or found[0].status != "snoozed":
            return False
        there, etag = found
        if there.snoozed_until and there.snoozed_until > self._clock.now():
            return True
        awake = there.model_copy(update={"status": "open", "snoozed_until": None, "before": None})
        await self._replace(organization, there, awake, etag)
        return False

    async def finish(self, organization: str, card: Card, etag: str, by: str, activity: Activity | None = None) -> str:
        """Dismiss the card, or finish it by an activity; `card.undone` was removed before. Returns the new etag.

        Raises NotAllowed, Stale.
        """
        _must_be(card, "open", "snoozed")
        undone = None if activity else card.undone
        update = {"status": "done", "before": card.status, "activity": activity, "undone": undone, "changed_by": by}
        return await self._replace(organization, card, card.model_copy(update=update), etag)

    async def undo(self, organization: str, card: Card, etag: str, by: str) -> str:
        """Put the card back to before its last action. Returns the new etag. Raises NotAllowed, Stale."""
        if card.before is None:
            raise NotAllowed("There is nothing to undo about this card.")
        update = {
            "status": "open",
            "snoozed_until": None,
            "before": None,
            "activity": None,
            "undone": card.activity or card.undone,
            "changed_by": by,
        }
        return await self._replace(organization, card, card.model_copy(update=update), etag)

    async def rate(self, organization: str, card: Card, etag: str, useful: bool, by: str) -> str:
        """Note whether the user found the card useful. Returns the new etag. Raises Stale."""
        changed = card.model_copy(update={"useful": useful, "changed_by": by})
        return await self._replace(organization, card, changed, etag)

    async def delete_card(self, organization: str, card: Card) -> None:
        """Delete the card, whatever became of it. Again is the same. Raises StorageError."""
        for key in (_row(card).key, _place(card).key, f"{TOLD}{card.id}"):
            with suppress(Missing):
                await self._tables.write_rows(table(organization, "cards"), [Delete(card.user, key)])
        if entry := snooze_entry(organization, card):
            await self._due.drop_entry(entry)

    async def _replace(self, organization: str, old: Card, new: Card, etag: str) -> str:
        row = _row(new)
        changes: list[Change] = [Replace(Row(row.partition, row.key, row.values, etag)), Upsert(_place(new))]
        if _place(old).key != _place(new).key:
            changes.append(Delete(old.user, _place(old).key))
        etag = await self._write(organization, changes)
        entry, kept = snooze_entry(organization, old), snooze_entry(organization, new)
        if entry and not (kept and kept.place == entry.place):
            await self._due.drop_entry(entry)
        return etag

    async def _write(self, organization: str, changes: Sequence[Change]) -> str:
        try:
            etags = await self._tables.write_rows(table(organization, "cards"), changes)
        except (Conflict, Missing) as error:
            if isinstance(changes[0], Insert):
                raise
            raise Stale from error
        return etags[0] or ""


def _must_be(card: Card, *statuses: CardStatus) -> None:
    if card.status not in statuses:
        raise NotAllowed(f"This card is {card.status}.")


def _row(card: Card) -> Row:
    return Row(card.user, CARD_ROWS + card.id, pack(card))


def snooze_entry(organization: str, card: Card) -> Due | None:
    """The entry of the due index by which the card comes back."""
    if card.status != "snoozed" or card.snoozed_until is None:
        return None
    return Due("wake", card.snoozed_until, organization, f"{card.user}|{card.id}")


def _place(card: Card) -> Row:
    urgency, created = _URGENCY[card.priority], newest_first(milliseconds(card.created_at))
    return Row(card.user, f"{card.status}|{urgency}|{created}|{card.id}", pack(card))
