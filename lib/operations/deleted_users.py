"""Users that are deleted: their mail that waits to go out is held, as it would have no sender.

A held mail has failed: it can be given another sender, and sent again. Any number of mails is held, in pieces that the
queue `jobs` has done. The first piece is asked for before the user is deleted, and looks once more a minute later. Mail
that a worker is handing over just then fails when it comes due again: the outbox finds no sender.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from lib.assessment.assessor import Assessor
from lib.assessment.session_places import SessionPlaces
from lib.cards.store import Card, Cards, card_id
from lib.clock import Clock
from lib.errors import Stale
from lib.inbound.mailboxes.store import MailboxStore
from lib.lists.keys import scope_of
from lib.lists.store import Lists
from lib.messages.deliveries import is_waiting
from lib.messages.models import Failure, StoredMessage
from lib.messages.store import MessageStore
from lib.organizations.job_orders import DeletedUserOrder
from lib.people.alert_choices import AlertChoices
from lib.people.known_users import KnownUsers
from lib.people.store import USERS, People
from lib.sending.schedule import Schedule
from lib.storage import Missing, Queues
from lib.storage.batches import batches_of
from lib.storage.documents import UnreadableRow
from lib.storage.layout import JOBS
from lib.storage.retry import retry_on_conflict

log = logging.getLogger("heed.users")

_CODE = "sender_deleted"

_HELD_BEFORE_THE_ANSWER = 50
_HELD_IN_A_PIECE = 200
"""Mails that are held before the next piece of the work is asked for."""

_AT_ONCE = 8
_PAGE = 100

AFTER_THE_DELETION = timedelta(minutes=1)
"""Time until the queue has the work done. Mail that was scheduled at the moment of the deletion is there by then."""


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
        mailboxes: MailboxStore,
        session_places: SessionPlaces,
        queues: Queues,
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
        self._mailboxes = mailboxes
        self._session_places = session_places
        self._queues = queues
        self._clock = clock

    async def delete_user(self, organization: str, user: str, etag: str, shown_to: str | None) -> None:
        """Delete the version `etag` of a user, and hold the first of the user's mails.

        The queue has the others held, also where this process dies. Each held mail has a card for the user `shown_to`,
        where one is named. Raises Stale, Missing, StorageError.
        """
        order = DeletedUserOrder(organization, user, shown_to)
        await self._ask_for_piece(order, AFTER_THE_DELETION)
        await self._alert_choices.delete(organization, user)
        await self._people.users.remove(organization, USERS, user, etag)
        self._known_users.forget_user(organization, user)
        await self._session_places.forget_user(organization, user)
        if not await self._hold(order, _HELD_BEFORE_THE_ANSWER):
            await self._ask_for_piece(order)

    async def do_piece(self, order: DeletedUserOrder) -> None:
        """Hold some of the mails, and ask for the next piece while there are more. Again changes nothing.

        A user who was not deleted after all, or was made again, keeps all of them. Raises Stale, StorageError.
        """
        if await self._people.user(order.organization, order.user):
            return
        # Once more: a page that was answered just before the deletion may have noted its place since.
        await self._session_places.forget_user(order.organization, order.user)
        if not await self._hold(order, _HELD_IN_A_PIECE):
            await self._ask_for_piece(order)

    async def _ask_for_piece(self, order: DeletedUserOrder, wait: timedelta = timedelta(0)) -> None:
        try:
            await self._queues.send(JOBS, order.to_json(), wait)
        except Missing:
            # Queues are made with an organization; those of before this queue was there have none.
            await self._queues.create(JOBS)
            await self._queues.send(JOBS, order.to_json(), wait)

    async def _hold(self, order: DeletedUserOrder, most: int) -> bool:
        """Switch the user's mailboxes off, and hold up to so many mails; tell whether that was all."""
        try:
            await self._mailboxes.switch_off(order.organization, order.user)
        except UnreadableRow as error:
            log.error("the mailboxes of a user of organization %s stay on: %s", order.organization, error)
        held, after = 0, None
        while held < most:
            listed = self._lists.page(
                order.organization, scope_of(order.user), "scheduled", "subject", after, min(_PAGE, most)
            )
            found = [(cursor, each.message.id) async for cursor, each in listed]
            for some in batches_of([message for _, message in found], _AT_ONCE):
                held += sum(await asyncio.gather(*(self._hold_message(order, message) for message in some)))
            if len(found) < min(_PAGE, most):
                return True
            after = found[-1][0]
        return False

    async def _hold_message(self, order: DeletedUserOrder, message: str) -> bool:
        """Hold a message, unless a worker is handing it over just now; tell whether it leaves the scheduled ones.

        The list is told last: until then the message stands there, and a piece that comes again finds it.
        """

        async def hold_once() -> StoredMessage | None:
            loaded = await self._messages.load(order.organization, message)
            if loaded is None or loaded.message.sender != order.user or loaded.is_held:
                return None
            if loaded.message.state != "scheduled":
                return loaded.message
            text = f"The sender {order.user} was deleted. Give the mail another sender, and send it again."
            failure = Failure(code=_CODE, text=text)
            failed = loaded.message.model_copy(update={"state": "failed", "failure": failure})
            await self._messages.change(order.organization, failed, loaded.etag)
            if is_waiting(loaded.message):
                await self._schedule.leave(order.organization, loaded.message)
            return failed

        found = await retry_on_conflict(f"message {message}", hold_once, on=Stale)
        if found is None:
            return False
        if order.shown_to is not None and found.failure and found.failure.code == _CODE:
            await self._cards.ensure(order.organization, self._card(found, order.user, order.shown_to))
        await self._assessor.refresh(order.organization, message)
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
