"""Rules of cards: which cards a message calls for. They are a pure function of its state: cards change with it.

A first open is told when the noise rules have had their say, `SETTLING` after it; a card whose reason has gone is
withdrawn, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lib.cards.store import Card, CardRecipient, card_id
from lib.clock import milliseconds, moment
from lib.messages.deliveries import refused_recipients
from lib.messages.models import Copy, Delivery, Recipient, StoredMessage
from lib.tracking.facts import Fact
from lib.verdicts import Verdict
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.kpis import Kpis
from lib.verdicts.thresholds import SETTLING

AlertOn = Literal["human", "any"]

_MOST_NAMED = 10


@dataclass(slots=True)
class Wanted:
    """Cards that a message calls for now."""

    cards: list[Card] = field(default_factory=list)
    again_at: datetime | None = None
    """When another card may be due."""


def wanted_cards(assessed: AssessedMessage, alert_on: AlertOn, now: datetime) -> Wanted:
    """Find all cards of the message, as its state and its judged facts have them at `now`."""
    message, copies, verdicts = assessed.message, assessed.copies, assessed.verdicts
    wanted = Wanted()
    opened = _first_open(assessed.facts, verdicts, alert_on)
    if opened is not None:
        ready = moment(opened.at) + SETTLING
        if ready > now:
            wanted.again_at = ready
        else:
            wanted.cards.append(_open_card(message, opened, verdicts[opened.key], ready))
    if message.state in ("failed", "uncertain"):
        wanted.cards.append(_sending_card(message, copies, now))
    if message.state in ("sent", "uncertain") and message.delivery and message.delivery.refused:
        wanted.cards.append(_refused_card(message, copies, now))
    if message.reminder and message.reminded_at:
        wanted.cards.append(_reminder_card(message, assessed.kpis))
    return wanted


def _first_open(facts: Iterable[Fact], verdicts: Mapping[str, Verdict], alert_on: AlertOn) -> Fact | None:
    counted = [
        fact for fact in facts if fact.kind == "open" and (alert_on == "any" or verdicts[fact.key].kind == "human")
    ]
    return min(counted, key=lambda fact: fact.key, default=None)


def _open_card(message: StoredMessage, opened: Fact, verdict: Verdict, at: datetime) -> Card:
    recipient = _recipient(message, opened.recipient)
    who = (recipient.name or recipient.email) if recipient else "A recipient"
    doubt = "" if verdict.kind == "human" else " It may have been a machine: your organization is told of every open."
    return _card(
        message,
        "email_opened",
        "normal",
        f"{who} opened your mail",
        f"“{message.subject or 'No subject'}” was opened for the first time.{doubt}",
        at,
        recipient,
    )


def _sending_card(message: StoredMessage, copies: Sequence[Copy], now: datetime) -> Card:
    why = message.failure.text if message.failure else ""
    subject = f"“{message.subject or 'No subject'}”"
    if message.state == "failed":
        refused = refused_recipients(message, copies)
        if len(refused) > 1:
            why = _named(message, refused)
        return _card(
            message, "send_failed", "high", "Your mail was not sent", f"{subject} could not be sent. {why}", now
        )
    text = f"Nobody knows whether {subject} has left. {why} Look for it, and then say so, or have it sent again."
    return _card(message, "send_uncertain", "high", "Your mail may not have been sent", text, now)


def _refused_card(message: StoredMessage, copies: Sequence[Copy], now: datetime) -> Card:
    refused, recipients = refused_recipients(message, copies), message.matched_recipients()
    total = message.delivery.total if message.delivery else len(recipients)
    return _card(
        message,
        "send_failed",
        "high",
        f"Your mail did not reach {len(refused)} of {total} recipients",
        f"“{message.subject or 'No subject'}” was refused. {_named(message, refused)}",
        now,
        recipients[refused[0][0]] if len(refused) == 1 else None,
        # When more are refused, that is told anew.
        "recipients",
        *(str(number) for number, _ in refused),
    )


def _named(message: StoredMessage, refused: Sequence[tuple[int, Delivery]]) -> str:
    recipients = message.matched_recipients()
    named = [_refusal_text(recipients[number], each) for number, each in refused[:_MOST_NAMED]]
    if len(refused) > _MOST_NAMED:
        named.append(f"And {len(refused) - _MOST_NAMED} more.")
    return " ".join(named)


def _refusal_text(recipient: Recipient, delivery: Delivery) -> str:
    code = f" ({delivery.code})" if delivery.code and delivery.code not in (delivery.text or "") else ""
    return f"{recipient.name or recipient.email}{code}: {(delivery.text or 'no reason given').rstrip('.')}."


def _reminder_card(message: StoredMessage, kpis: Kpis) -> Card:
    assert message.reminder
    assert message.reminded_at
    subject = f"“{message.subject or 'No subject'}”"
    texts = {
        "always": f"You asked to be reminded of {subject}.",
        "no_reply": f"There is no reply to {subject} yet.",
        "not_opened": f"{subject} has not been opened yet.",
    }
    text = texts[message.reminder.condition]
    if message.state != "sent":
        text = f"You asked to be reminded of {subject}, which has not been sent."
    elif message.reminder.condition == "not_opened" and (kpis.uncertain.opens or kpis.machine.opens):
        text = (
            f"Whether {subject} was opened cannot be known: only programs have loaded its images so far, "
            "such as Apple Mail, which do so whether or not a person reads."
        )
    at = message.reminder.at
    card = _card(
        message, "reminder", "high", message.reminder.title, text, message.reminded_at, None, str(milliseconds(at))
    )
    return card.model_copy(update={"recipient": _shown(_recipient(message, None))})


def _card(
    message: StoredMessage,
    kind: Literal["email_opened", "reminder", "send_failed", "send_uncertain"],
    priority: Literal["high", "normal"],
    title: str,
    text: str,
    at: datetime,
    recipient: Recipient | None = None,
    *about: str,
) -> Card:
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
        recipient=_shown(recipient or _recipient(message, None)),
    )


def _recipient(message: StoredMessage, number: int | None) -> Recipient | None:
    """Find the recipient of that number; where the number is not known, the only one."""
    recipients = message.matched_recipients()
    if number is not None and number < len(recipients):
        return recipients[number]
    return recipients[0] if len(recipients) == 1 else None


def _shown(recipient: Recipient | None) -> CardRecipient | None:
    return CardRecipient(email=recipient.email, name=recipient.name, record=recipient.record) if recipient else None
