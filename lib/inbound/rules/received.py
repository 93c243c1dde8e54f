"""Received mail as rules look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from lib.fields import RecordRef
from lib.ids import short_hash
from lib.inbound.mailboxes.models import StoredMailbox
from lib.inbound.rules.models import RuleCreate, RuleMail, RuleWhen, StoredRule
from lib.lists.store import Lists, scope_of
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.storage.at_once import some_at_once
from lib.storage.batches import batches_of

_AT_ONCE = 100


def rule_mail(message: StoredMessage) -> RuleMail:
    """Return a received message as rules look at it."""
    writer, regarding = message.from_address, message.regarding
    return RuleMail(
        id=message.id,
        email=writer.email if writer else "",
        name=writer.name if writer else "",
        to=[each.email for each in (*message.to, *message.cc)],
        subject=message.subject,
        kind=message.kind or "new",
        category=message.category,
        user=message.sender or None,
        record=RecordRef(type=regarding.type, id=regarding.id) if regarding else message.record,
        at=message.received_at or message.created_at,
    )


def rules_of_category(mailbox: StoredMailbox | None, message: StoredMessage) -> list[StoredRule]:
    """Return the rule that the message's category stands for, where the mailbox has it make something.

    Whatever kind of mail it is: a person has put it into the category.
    """
    made = [each for each in mailbox.categories if each.create and each.name == message.category] if mailbox else []
    return [
        StoredRule(
            id=f"category-{short_hash(message.category or '')}",
            when=RuleWhen(category=each.name, kind=message.kind or "new"),
            create=RuleCreate(type=each.create or ""),
        )
        for each in made[:1]
    ]


class ReceivedMails:
    """Reads received mail of the last days for trying a rule."""

    def __init__(self, messages: MessageStore, lists: Lists) -> None:
        self._messages = messages
        self._lists = lists

    async def list_since(self, organization: str, since: datetime, limit: int) -> AsyncIterator[RuleMail]:
        """List mails that came since then, newest first, up to the limit. Raises StorageError."""
        listed = self._lists.page(organization, scope_of(), "received", "-sent_at", None, limit)
        found = [each.message.id async for _, each in listed if each.message.sort_time() >= since]
        for some in batches_of(found, _AT_ONCE):
            for loaded in await some_at_once(self._messages.load(organization, message) for message in some):
                if loaded is not None:
                    yield rule_mail(loaded.message)
