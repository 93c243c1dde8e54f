"""Removal of whole messages: the message and all that was written for it, in whatever state it is."""

from __future__ import annotations

from contextlib import suppress

from lib.assessment.assessor import Assessor
from lib.assessment.journal_cleaning import JournalCleaning
from lib.clock import milliseconds
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.messages.threads import Threads
from lib.organizations.kept_answers import KeptAnswers
from lib.sending.schedule import Schedule
from lib.storage import Blobs, Missing
from lib.storage.due_index import Due, DueIndex
from lib.storage.layout import container


class MessageRemoval:
    """Removes messages that nothing sends just now."""

    def __init__(
        self,
        store: MessageStore,
        assessor: Assessor,
        cleaning: JournalCleaning,
        threads: Threads,
        kept_answers: KeptAnswers,
        schedule: Schedule,
        due: DueIndex,
        blobs: Blobs,
    ) -> None:
        self._store = store
        self._assessor = assessor
        self._cleaning = cleaning
        self._threads = threads
        self._kept_answers = kept_answers
        self._schedule = schedule
        self._due = due
        self._blobs = blobs

    async def remove_message(self, organization: str, loaded: Loaded) -> int:
        """Remove a message with its facts; return their number. Raises Stale, StorageError.

        The message's own row goes last: a process that dies before that leaves the message to the next try.
        """
        message = loaded.message
        await self._schedule.before_deletion(organization, loaded)
        await self._forget_in_answered(organization, message)
        facts = await self._assessor.forget_facts(organization, message.id)
        await self._assessor.forget_message(organization, loaded)
        await self._kept_answers.forget_message(organization, message.id)
        await self._threads.remove_message(organization, message)
        if message.raw:
            await self._blobs.delete_blob(container(organization), message.raw)
        await self._store.delete(organization, loaded)
        await self._leave_due_index(organization, message)
        return facts

    async def _forget_in_answered(self, organization: str, message: StoredMessage) -> None:
        """Take the facts that a received message has brought from the message that it answers."""
        answered = message.correlation.matched if message.correlation else None
        if message.state != "received" or answered is None:
            return
        await self._cleaning.remove_mail(organization, message.id, milliseconds(message.created_at))
        if await self._assessor.forget_facts(organization, answered, message.id):
            await self._assessor.refresh(organization, answered, from_all=True)

    async def _leave_due_index(self, organization: str, message: StoredMessage) -> None:
        if message.due_at:
            with suppress(Missing):
                await self._due.drop_entry(Due("send", message.due_at, organization, message.id))
        if message.reminder:
            with suppress(Missing):
                await self._due.drop_entry(Due("remind", message.reminder.at, organization, message.id))
