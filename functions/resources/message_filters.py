"""Filters of the list of messages. They combine: a message is shown where all of them agree.

`recipient`, `template` and `status` have rows of their own, newest first. One of them is read; the others narrow it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from functions.api.paging import PageQuery
from lib.clock import milliseconds
from lib.fields import ChosenId, Email, Line, Moment
from lib.lists.keys import ChangeSort
from lib.lists.store import Listed, Sort
from lib.messages.models import MessageStatus, StoredMessage
from lib.people.addresses import same_mailbox
from lib.storage.sifted_pages import Sifted

LONGEST_WORDS = 200


class MessageFilters(PageQuery):
    """Filters that narrow a list: the order and the messages of the list are those that it has without them."""

    status: MessageStatus | None = Field(
        None,
        description="has an index: `scheduled` and `received` in every order, others sorted by `-sent_at` and without "
        "`record`, `recipient` or `template`; in other cases it narrows the pages",
    )
    q: str | None = Field(
        None,
        max_length=LONGEST_WORDS,
        description="words that all stand in the subject, or in a recipient's or the writer's name or address, without "
        "regard to case; narrows the pages",
    )
    template: ChosenId | None = Field(
        None,
        description="made of this template; has an index, sorted by `-sent_at` and without `record` or `recipient`; "
        "in other cases it narrows the pages",
    )
    recipient: Email | None = Field(
        None,
        description="to this address (+ written as %2B), in To, Cc or Bcc, or from it; has an index, sorted by "
        "`-sent_at`; in other orders it narrows the pages",
    )
    message_id: Line | None = Field(
        None, description="the mail's Message-ID (RFC 5322), or the provider's own for it; it is looked up at once"
    )
    sent_after: Moment | None = Field(None, description="sent at this time or later; narrows the pages")
    sent_before: Moment | None = Field(None, description="sent before this time; narrows the pages")
    updated_since: Moment | None = Field(
        None,
        description="whose `updated_at` is this time or later; has an index, sorted by `updated_at` or "
        "`-updated_at`; in other orders it narrows the pages",
    )

    @property
    def narrows(self) -> bool:
        """Whether messages of the list are passed over."""
        names = ("status", "q", "template", "recipient", "sent_after", "sent_before", "updated_since")
        return any(getattr(self, name) is not None for name in names)

    @property
    def own_view(self) -> Literal["scheduled", "received"] | None:
        """The view that holds the messages of the wanted status, and few others."""
        return self.status if self.status in ("scheduled", "received") else None


def sift_messages(
    filters: MessageFilters, sort: Sort | ChangeSort, owner: str | None = None
) -> Callable[[str, Listed], Sifted]:
    """Return what decides whether a message is shown. By time, a list ends where no later message can be wanted.

    `owner` is the user whose messages alone are shown; None: everybody's.
    """
    words = (filters.q or "").casefold().split()
    mailbox = same_mailbox(filters.recipient) if filters.recipient else None

    def sift(_: str, listed: Listed) -> Sifted:
        message = listed.message
        if _is_past(message, filters, sort) or (sort == "-updated_at" and _is_unchanged(listed, filters)):
            return "end"
        wanted = (
            owner in (None, message.sender)
            and (filters.status is None or message.status == filters.status)
            and (filters.template is None or message.template == filters.template)
            and (mailbox is None or mailbox in map(same_mailbox, message.addresses()))
            and _is_sent_within(message, filters)
            and not _is_unchanged(listed, filters)
            and (not words or _has_words(message, words))
        )
        return "show" if wanted else "pass"

    return sift


def _is_unchanged(listed: Listed, filters: MessageFilters) -> bool:
    since = filters.updated_since
    return since is not None and milliseconds(listed.changed_at()) < milliseconds(since)


def _is_past(message: StoredMessage, filters: MessageFilters, sort: Sort | ChangeSort) -> bool:
    """Whether the list has come to a time behind which no message was sent that is wanted."""
    at = milliseconds(message.sort_time())
    if sort == "-sent_at" and filters.sent_after is not None:
        return at < milliseconds(filters.sent_after)
    return sort == "sent_at" and filters.sent_before is not None and at >= milliseconds(filters.sent_before)


def _is_sent_within(message: StoredMessage, filters: MessageFilters) -> bool:
    after, before, sent = filters.sent_after, filters.sent_before, message.sent_at
    if after is None and before is None:
        return True
    return sent is not None and (after is None or sent >= after) and (before is None or sent < before)


def _has_words(message: StoredMessage, words: list[str]) -> bool:
    names = [each.name for each in message.recipients()]
    writer = message.from_address.name if message.from_address else ""
    text = "\n".join((message.subject, writer or "", *names, *message.addresses())).casefold()
    return all(word in text for word in words)
