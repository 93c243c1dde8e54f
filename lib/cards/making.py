"""Parts that all cards of a message share: id, user, and the recipient whom the card is about."""

from __future__ import annotations

from datetime import datetime

from lib.cards.store import Card, CardKind, CardPriority, CardRecipient, card_id
from lib.clock import milliseconds
from lib.messages.copy_rows import Delivery
from lib.messages.models import Recipient, StoredMessage


def make_card(
    message: StoredMessage,
    kind: CardKind,
    priority: CardPriority,
    title: str,
    text: str,
    at: datetime,
    recipient: Recipient | None = None,
    *about: str,
) -> Card:
    """Make a card. `about` tells it from other cards of its kind and message."""
    if kind in ("send_failed", "send_uncertain"):
        # Each time that it is told to go is a matter of its own.
        told = message.told_at
        about = (str(milliseconds(told)) if told else "", *about)
    return Card(
        id=card_id(message.id, kind, *about),
        user=message.sender,
        kind=kind,
        priority=priority,
        title=title,
        text=" ".join(text.split()),
        created_at=at,
        message=message.id,
        regarding=message.regarding,
        recipient=shown_recipient(recipient or only_recipient(message)),
    )


def only_recipient(message: StoredMessage) -> Recipient | None:
    """Return the recipient of a mail to one alone."""
    recipients = message.matched_recipients()
    return recipients[0] if len(recipients) == 1 else None


def shown_recipient(recipient: Recipient | None) -> CardRecipient | None:
    """Return the recipient as a card shows them."""
    return CardRecipient(email=recipient.email, name=recipient.name, record=recipient.record) if recipient else None


def in_quotes(message: StoredMessage) -> str:
    """Return the message's subject in quotation marks."""
    return f"“{message.subject or 'No subject'}”"


def refusal_text(recipient: Recipient, delivery: Delivery) -> str:
    """Return who did not get the mail, with the provider's code and words."""
    code = f" ({delivery.code})" if delivery.code and delivery.code not in (delivery.text or "") else ""
    return f"{recipient.name or recipient.email}{code}: {(delivery.text or 'no reason given').rstrip('.')}."
