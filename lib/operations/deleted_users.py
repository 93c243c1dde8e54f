"""Users that are deleted: their mail that waits to go out is held, as it would have no sender.

A held mail has failed: it can be given another sender, and sent again. The mail of a deleted user that is not held, as
it was scheduled at the same moment, fails when it comes due: the outbox finds no sender.
"""

from __future__ import annotations

from lib.assessment.assessor import Assessor
from lib.cards.store import Card, Cards, card_id
from lib.clock import Clock
from lib.errors import Stale
from lib.lists.keys import scope_of
from lib.lists.store import Lists
from lib.messages.deliveries import is_waiting
from lib.messages.models import Failure, StoredMessage
from lib.messages.store import MessageStore
from lib.people.alert_choices import AlertChoices
from lib.people.known_users import KnownUsers
from lib.people.store import USERS, People
from lib.sending.schedule import Schedule
from lib.storage.retry import retry_on_conflict

_MOST_HELD = 500
"""Mails that one deletion holds; others are held when they come due."""


class DeletedUsers:
    """Deletes users in storage."""

    def __init__(
        self,
        people: People,
        known_users: KnownUsers,
        alert_choices: AlertChoices,
        lists: Lists,
        messages: MessageStore,
        schedule: Schedule,
        cards: Cards,
        assessor: Assessor,
        clock: Clock,
    ) -> None:
        self._people = people
        self._known_users = known_users
        self._alert_choices = alert_choices
        self._lists = lists
        self._messages = messages
        self._schedule = schedule
        self._cards = cards
        self._assessor = assessor
        self._clock = clock

    async def delete_user(self, organization: str, user: str, etag: str, shown_to: str | None) -> int:
        """Delete the version `etag` of a user, and hold the user's mail; return how many mails are held.

        Each held mail has a card for the user `shown_to`, where one is named. After an error the caller asks again.
        Raises Stale, Missing, StorageError.
        """
        held = await self._hold_mail(organization, user, shown_to)
        await self._alert_choices.delete(organization, user)
        await self._people.users.remove(organization, USERS, user, etag)
        self._known_users.forget_user(organization, user)
        return held

    async def _hold_mail(self, organization: str, user: str, shown_to: str | None) -> int:
        listed = self._lists.page(organization, scope_of(user), "scheduled", "subject", None, _MOST_HELD)
        held = 0
        for message in [each.message.id async for _, each in listed]:
            held += await self._hold_message(organization, message, user, shown_to)
        return held

    async def _hold_message(self, organization: str, message: str, user: str, shown_to: str | None) -> bool:
        """Hold a message, unless a worker is handing it over just now."""

        async def hold_once() -> StoredMessage | None:
            loaded = await self._messages.load(organization, message)
            if loaded is None or loaded.message.sender != user or loaded.message.state != "scheduled" or loaded.is_held:
                return None
            text = f"The sender {user} was deleted. Give the mail another sender, and send it again."
            failure = Failure(code="sender_deleted", text=text)
            failed = loaded.message.model_copy(update={"state": "failed", "failure": failure})
            await self._messages.change(organization, failed, loaded.etag)
            if is_waiting(loaded.message):
                await self._schedule.leave(organization, loaded.message)
            return failed

        failed = await retry_on_conflict(f"message {message}", hold_once, on=Stale)
        if failed is None:
            return False
        await self._assessor.refresh(organization, message)
        if shown_to is not None:
            await self._cards.ensure(organization, self._card(failed, user, shown_to))
        return True

    def _card(self, message: StoredMessage, user: str, shown_to: str) -> Card:
        subject = message.subject or "No subject"
        return Card(
            id=card_id(message.id, "held", user),
            user=shown_to,
            kind="send_failed",
            priority="high",
            title="Mail of a deleted user is held",
            text=f"“{subject}” was to be sent by {user}, who was deleted. Give it another sender, and send it again.",
            created_at=self._clock.now(),
            message=message.id,
            regarding=message.regarding,
        )
