"""Filters of the list of messages. They combine: a message is shown where all of them agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from functions.api.paging import PageQuery
from lib.clock import milliseconds
from lib.fields import ChosenId, Email, Line, Moment
from lib.lists.store import Listed, Sort
from lib.messages.models import MessageStatus, StoredMessage
from lib.people.addresses import same_mailbox
from lib.storage.sifted_pages import Sifted

LONGEST_WORDS = 200


class MessageFilters(PageQuery):
    """Filters that narrow a list: the order and the messages of the list are those that it has without them."""

    status: MessageStatus | None = Field(
        None, description="`scheduled` and `received` are read from lists of their own, others narrow the pages"
    )
    q: str | None = Field(
        None,
        max_length=LONGEST_WORDS,
        description="words that all stand in the subject, or in a recipient's or the writer's name or address, without "
        "regard to case; narrows the pages",
    )
    template: ChosenId | None = Field(None, description="made of this template; narrows the pages")
    recipient: Email | None = Field(
        None, description="to this address (+ written as %2B), in To, Cc or Bcc, or from it; narrows the pages"
    )
    message_id: Line | None = Field(
        None, description="the mail's Message-ID (RFC 5322), or the provider's own for it; it is looked up at once"
    )
    sent_after: Moment | None = Field(None, description="sent at this time or later; narrows the pages")
    sent_before: Moment | None = Field(None, description="sent before this time; narrows the pages")

    @property
    def narrows(self) -> bool:
        """Whether messages of the list are passed over."""
        names = ("status", "q", "template", "recipient", "sent_after", "sent_before")
        return any(getattr(self, name) is not None for name in names)

    @property
    def own_view(self) -> Literal["scheduled", "received"] | None:
        """The view that holds the messages of the wanted status, and few others."""
        return self.status if self.status in ("scheduled", "received") else None


def sift_messages(filters: MessageFilters, sort: Sort, owner: str | None = None) -> Callable[[str, Listed], Sifted]:
    """Return what decides whether a message is shown. By time, a list ends where no later message can be wanted.

    `owner` is the user whose messages alone are shown; None: everybody's.
    """
    words = (filters.q or "").casefold().split()
    mailbox = same_mailbox(filters.recipient) if filters.recipient else None

    def sift(_: str, listed: Listed) -> Sifted:
        message = listed.message
        if _is_past(message, filters, sort):
            return "end"
        wanted = (
            owner in (None, message.sender)
            and (filters.status is None or message.status == filters.status)
            and (filters.template is None or message.template == filters.template)
            and (mailbox is None or mailbox in map(same_mailbox, _addresses(message)))
            and _is_sent_within(message, filters)
            and (not words or _has_words(message, words))
        )
        return "show" if wanted else "pass"

    return sift


def _is_past(message: StoredMessage, filters: MessageFilters, sort: Sort) -> bool:
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


def _addresses(message: StoredMessage) -> list[str]:
    writer = [message.from_address.email] if message.from_address else []
    return [*writer, *(each.email for each in message.recipients())]


def _has_words(message: StoredMessage, words: list[str]) -> bool:
    names = [each.name for each in message.recipients()]
    writer = message.from_address.name if message.from_address else ""
    text = "\n".join((message.subject, writer or "", *names, *_addresses(message))).casefold()
    return all(word in text for word in words)
