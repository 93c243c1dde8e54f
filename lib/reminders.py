"""Follow-up reminders: judged on human evidence, fired once.

A reminder is due at its time, whatever happened to the clock or the timer in between. Firing is one conditional write
on the message's row; the card follows from the row, so that two timers that race make one card.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from lib.assessment.assessor import Assessor
from lib.assessment.summary import summary_of
from lib.cards.store import Cards
from lib.clock import Clock, milliseconds
from lib.errors import Stale, WrongField
from lib.messages.follow_state import FollowState
from lib.messages.models import MessageFields, Reminder, StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.storage.due_index import Due, DueHandOver, DueIndex, is_seasoned
from lib.storage.retry import retry_on_conflict
from lib.verdicts.kpis import Kpis

NOW = timedelta(0)
_TOUCH_REMINDER = {"reminder", "deliver_at", "follow"}
"""The fields that decide whether a reminder makes sense."""


def check_times(message: MessageFields, given: set[str], now: datetime) -> None:
    """Check that times lie ahead, and in order. The clock counts for the fields that were `given` alone.

    Raises WrongField.
    """
    if "deliver_at" in given and message.deliver_at and message.deliver_at <= now:
        raise WrongField(["deliver_at"], "the time is in the past")
    reminder = message.reminder
    if reminder is None or not given & _TOUCH_REMINDER:
        return
    if "reminder" in given and reminder.at <= now:
        raise WrongField(["reminder", "at"], "the time is in the past")
    if message.deliver_at and reminder.at <= message.deliver_at:
        raise WrongField(["reminder", "at"], "the reminder is not after the delivery")


def needs_following(message: MessageFields, given: set[str]) -> bool:
    """Whether a change of the fields that were `given` is allowed only for a message that is followed."""
    reminder = message.reminder
    return reminder is not None and reminder.condition == "not_opened" and bool(given & _TOUCH_REMINDER)


def check_followed(state: FollowState) -> None:
    """Check that a reminder of a mail that was not opened can ever be met. Raises WrongField."""
    if state.state != "on":
        raise WrongField(["reminder", "condition"], f"not_opened needs a followed message. {state.reason}")


def is_met(reminder: Reminder, kpis: Kpis) -> bool:
    """Whether a person has done what the reminder waits for, so that it is not needed."""
    if reminder.condition == "no_reply":
        return kpis.replies > 0
    return reminder.condition == "not_opened" and kpis.opens > 0


class Reminders:
    """Enters, fires and ends reminders of messages."""

    def __init__(self, store: MessageStore, assessor: Assessor, cards: Cards, due: DueIndex, clock: Clock) -> None:
        self._store = store
        self._assessor = assessor
        self._cards = cards
        self._due = due
        self._clock = clock

    async def enter(self, organization: str, message: StoredMessage) -> None:
        """Before the row holds the reminder: see that the sweep will find it."""
        if message.reminder:
            await self._due.put_entry(Due("remind", message.reminder.at, organization, message.id))

    async def leave(self, organization: str, before: StoredMessage, after: StoredMessage | None = None) -> None:
        """After the row says so: the reminder that the message had `before` has been changed, removed or deleted."""
        old, new = before.reminder, after.reminder if after else None
        if old and not (new and milliseconds(new.at) == milliseconds(old.at)):
            await self._due.drop_entry(Due("remind", old.at, organization, before.id))

    async def change(self, organization: str, loaded: Loaded, reminder: Reminder | None) -> StoredMessage:
        """Set, change or remove it; one that has fired can be set anew. Raises Stale."""
        message = with_reminder(loaded.message, reminder)
        await self.enter(organization, message)
        await self._store.change(organization, message, loaded.etag)
        await self.leave(organization, loaded.message, message)
        return message

    async def sweep(self) -> int:
        """Fire what is due, and bring back cards whose snooze is over; how many entries were looked at."""
        fired = await self._due.sweep("remind", self._fire, NOW)
        return fired + await self._due.sweep("wake", self._wake, NOW)

    async def _fire(self, entry: DueHandOver) -> None:
        """Again does no harm: it brings the card of a process that died in between."""
        subject = f"the reminder of message {entry.due.item}"
        await retry_on_conflict(subject, lambda: self._fire_once(entry), on=Stale)

    async def _fire_once(self, entry: DueHandOver) -> None:
        """Raises Stale where the message has changed meanwhile."""
        due = entry.due
        loaded = await self._store.load(due.organization, due.item)
        reminder = loaded.message.reminder if loaded else None
        fired = False
        if loaded and reminder and due.is_at(reminder.at):
            if reminder.at > self._clock.now():
                return  # a clock that is ahead has found it
            if not (loaded.message.reminded_at or loaded.message.reminder_met):
                await self._write_down(due.organization, loaded, reminder)
                fired = True
            await self._assessor.refresh(due.organization, due.item)
        if fired or is_seasoned(entry.times):
            await self._due.drop_entry(due)

    async def _write_down(self, organization: str, loaded: Loaded, reminder: Reminder) -> None:
        """Raises Stale."""
        met = is_met(reminder, summary_of(loaded).kpis)
        update = {"reminder_met": True} if met else {"reminded_at": self._clock.now()}
        await self._store.change(organization, loaded.message.model_copy(update=update), loaded.etag)

    async def _wake(self, entry: DueHandOver) -> None:
        due = entry.due
        if not await self._cards.wake(due.organization, due.item) and is_seasoned(entry.times):
            await self._due.drop_entry(due)


def with_reminder(message: StoredMessage, reminder: Reminder | None) -> StoredMessage:
    """The message with this reminder, which has not fired yet."""
    return message.model_copy(update={"reminder": reminder, "reminded_at": None, "reminder_met": False})
