"""Recording an answer to a message of ours: its consequences, its fact, and the end of a reminder that waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from lib.inbound.answers import MailAnswer, fact_of_answer
from lib.inbound.consequences import Consequences
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.organizations.settings import OrganizationSettings
from lib.people.preference import Preference
from lib.storage import Unavailable
from lib.tracking.facts import AnswerKind
from lib.tracking.journal import Journal

Refresh = Callable[[str, str], Awaitable[object]]
"""Brings lists up to date, of (organization, message)."""


class AnswerRecording:
    """Records answers, each as often as it comes: again is the same."""

    def __init__(self, consequences: Consequences, messages: MessageStore, journal: Journal, refresh: Refresh) -> None:
        self._consequences = consequences
        self._messages = messages
        self._journal = journal
        self._refresh = refresh

    async def record_answer(
        self,
        organization: str,
        settings: OrganizationSettings,
        message: StoredMessage,
        answer: MailAnswer,
        preference: Preference = "unknown",
    ) -> None:
        """Record an answer to the message; `preference` is what its writer has said. Raises StorageError, Stale."""
        await self._consequences.bring_about(organization, message, answer)
        if may_record(answer.kind, settings, preference):
            fact = fact_of_answer(message, answer)
            if settings.tracking == "aggregate":
                fact = replace(fact, recipient=None)
            if not await self._journal.record(organization, fact):
                raise Unavailable("the journal does not take the fact")
        elif answer.kind in ("reply", "calendar_answer"):
            await self._end_reminder(organization, message.id)

    async def _end_reminder(self, organization: str, message: str) -> None:
        """End a reminder that waits for a reply, where no fact of the reply is recorded. Raises Stale."""
        loaded = await self._messages.load(organization, message)
        found = loaded.message if loaded else None
        if loaded is None or found is None or found.reminder is None or found.reminder.condition != "no_reply":
            return
        if not (found.reminded_at or found.reminder_met):
            await self._messages.change(organization, found.model_copy(update={"reminder_met": True}), loaded.etag)
            await self._refresh(organization, message)


def may_record(kind: AnswerKind, settings: OrganizationSettings, preference: Preference) -> bool:
    """Whether an answer becomes a fact: not where its writer may not be followed, unless it tells of delivery alone."""
    if not settings.engagement_enabled:
        return False
    if kind in ("bounce", "complaint"):
        return True
    if settings.tracking == "off" or preference == "do_not_allow":
        return False
    return settings.tracking != "consent" or preference == "allow"
