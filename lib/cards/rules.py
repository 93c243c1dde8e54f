"""Rules of cards: which cards a message calls for. They are a pure function of its state: cards change with it.

A message's first open, and each recipient's first click and first view of an attachment, are told when more evidence
can hardly change the verdict (`lib.verdicts.settling`). Each mail that came back has a card of its own
(`lib.cards.answers`). A card whose reason has gone is withdrawn, and says why.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lib.cards.answers import answer_cards
from lib.cards.making import in_quotes, make_card, only_recipient, refusal_text, shown_recipient
from lib.cards.store import Card, CardKind, card_id
from lib.clock import milliseconds, moment
from lib.messages.copy_rows import Copy, Delivery
from lib.messages.deliveries import refused_recipients
from lib.messages.models import Recipient, Reminder, StoredMessage
from lib.people.addresses import same_mailbox
from lib.tracking.facts import Fact, FactKind
from lib.verdicts import Verdict
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.kpis import Kpis
from lib.verdicts.settling import settling_of
from lib.verdicts.thresholds import LIKELY
from lib.verdicts.weights import Side, side_of

AlertOn = Literal["human", "any"]

_MOST_NAMED = 10

_KINDS: Mapping[FactKind, CardKind] = {
    "open": "email_opened",
    "click": "link_clicked",
    "attachment_view": "attachment_viewed",
}


@dataclass(slots=True)
class Wanted:
    """Cards that a message calls for now."""

    cards: list[Card] = field(default_factory=list)
    again_at: datetime | None = None
    """When another card may be due."""


@dataclass(frozen=True, slots=True)
class ToldHit:
    """A hit that a card tells of."""

    id: str
    """The card's."""

    fact: Fact
    verdict: Verdict
    recipient: Recipient | None
    """None where it is not known, or not to be told, who it was."""

    @property
    def ready_at(self) -> datetime:
        """When more evidence can hardly change the verdict."""
        return moment(self.fact.at) + settling_of(self.verdict)


def told_hits(
    assessed: AssessedMessage, alert_on: AlertOn, least: Mapping[Side, float], shown: Container[str], named: bool
) -> list[ToldHit]:
    """Find the open, and each recipient's click and view, that can be told first.

    `least`: probabilities of a person from which a new card tells of it. What is `shown` already stays as long as it is
    a person's. `named`: cards may say whose they are.
    """
    recipients = assessed.message.matched_recipients()
    first: dict[str, ToldHit] = {}
    for fact, card in card_ids(assessed):
        verdict = assessed.verdicts[fact.key]
        sure = verdict.kind == "human" and (card in shown or verdict.probability >= least[side_of(fact.kind)])
        if alert_on != "any" and not sure:
            continue
        known = named and fact.recipient is not None and fact.recipient < len(recipients)
        hit = ToldHit(card, fact, verdict, recipients[fact.recipient] if known and fact.recipient is not None else None)
        # One that came later may be sure earlier.
        if card not in first or hit.ready_at < first[card].ready_at:
            first[card] = hit
    return list(first.values())


def card_ids(assessed: AssessedMessage) -> list[tuple[Fact, str]]:
    """List the hits in order of time, each with the id of the card that tells of it, or would.

    Of a mail to one person alone every hit is that person's, whether or not its token or browser says so.
    """
    message, recipients = assessed.message, assessed.message.matched_recipients()
    several = len({same_mailbox(each.email) for each in recipients}) > 1
    found = []
    for fact in sorted((fact for fact in assessed.facts if fact.is_hit), key=lambda fact: fact.key):
        known = fact.recipient is not None and fact.recipient < len(recipients)
        whose = [] if fact.kind == "open" else [str(fact.recipient) if known and several else "any"]
        found.append((fact, card_id(message.id, _KINDS[fact.kind], *whose)))
    return found


def wanted_cards(
    assessed: AssessedMessage,
    hits: Sequence[ToldHit],
    shown: Collection[str],
    targets: Mapping[str, str],
    now: datetime,
) -> Wanted:
    """Find all cards of the message, as its state and its `hits` have them at `now`.

    A card that is `shown` stays while its hit is told, also where the verdict has reasons now to wait longer.
    `targets` are the names of the places and files that were looked at, as far as they are known, by the card's id.
    """
    message, copies = assessed.message, assessed.copies
    ready = [hit for hit in hits if hit.ready_at <= now or hit.id in shown]
    wanted = Wanted(again_at=min((hit.ready_at for hit in hits if hit not in ready), default=None))
    wanted.cards += [_hit_card(message, hit, targets.get(hit.id)) for hit in ready]
    if message.state in ("failed", "uncertain"):
        wanted.cards.append(_sending_card(message, copies, now))
    if message.state in ("sent", "uncertain") and message.delivery and message.delivery.refused:
        wanted.cards.append(_refused_card(message, copies, now))
    wanted.cards += answer_cards(message, copies, assessed.facts)
    if message.reminder and message.reminded_at and not needs_no_reply(message.reminder, assessed.kpis):
        wanted.cards.append(_reminder_card(message, assessed.kpis))
    return wanted


def needs_no_reply(reminder: Reminder | None, kpis: Kpis) -> bool:
    """Tell whether the reminder waited for a reply that has come."""
    return reminder is not None and reminder.condition == "no_reply" and kpis.replies > 0


def _hit_card(message: StoredMessage, hit: ToldHit, target: str | None) -> Card:
    who = (hit.recipient.name or hit.recipient.email) if hit.recipient else "A recipient"
    subject = in_quotes(message)
    title, text = {
        "open": (f"{who} opened your mail", f"{subject} was opened for the first time."),
        "click": (
            f"{who} clicked a link of your mail",
            f"The link to {target} in {subject} was followed." if target else f"A link in {subject} was followed.",
        ),
        "attachment_view": (
            f"{who} viewed an attachment of your mail",
            f"“{target}” of {subject} was viewed." if target else f"An attachment of {subject} was viewed.",
        ),
    }[hit.fact.kind]
    text += _doubt(hit.verdict)
    card = make_card(message, _KINDS[hit.fact.kind], "normal", title, text, hit.ready_at)
    return card.model_copy(update={"id": hit.id, "recipient": shown_recipient(hit.recipient)})


def _doubt(verdict: Verdict) -> str:
    """Say how sure it is that a person did it; empty where it is."""
    if verdict.kind != "human":
        return " It may have been a machine: your organization is told of machines, too."
    if verdict.probability >= LIKELY:
        return ""
    return " A person is likely, not sure." if verdict.probability >= 0.5 else " It may have been a machine."


def _sending_card(message: StoredMessage, copies: Sequence[Copy], now: datetime) -> Card:
    why = message.failure.text if message.failure else ""
    subject = in_quotes(message)
    if message.state == "failed":
        refused = refused_recipients(message, copies)
        if len(refused) > 1:
            why = _named(message, refused)
        return make_card(
            message, "send_failed", "high", "Your mail was not sent", f"{subject} could not be sent. {why}", now
        )
    text = f"Nobody knows whether {subject} has left. {why} Look for it, and then say so, or have it sent again."
    return make_card(message, "send_uncertain", "high", "Your mail may not have been sent", text, now)


def _refused_card(message: StoredMessage, copies: Sequence[Copy], now: datetime) -> Card:
    refused, recipients = refused_recipients(message, copies), message.matched_recipients()
    total = message.delivery.total if message.delivery else len(recipients)
    return make_card(
        message,
        "send_failed",
        "high",
        f"Your mail did not reach {len(refused)} of {total} recipients",
        f"{in_quotes(message)} was refused. {_named(message, refused)}",
        now,
        recipients[refused[0][0]] if len(refused) == 1 else None,
        # When more are refused, that is told anew.
        "recipients",
        *(str(number) for number, _ in refused),
    )


def _named(message: StoredMessage, refused: Sequence[tuple[int, Delivery]]) -> str:
    recipients = message.matched_recipients()
    named = [refusal_text(recipients[number], each) for number, each in refused[:_MOST_NAMED]]
    if len(refused) > _MOST_NAMED:
        named.append(f"And {len(refused) - _MOST_NAMED} more.")
    return " ".join(named)


def _reminder_card(message: StoredMessage, kpis: Kpis) -> Card:
    assert message.reminder
    assert message.reminded_at
    subject = in_quotes(message)
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
    card = make_card(
        message, "reminder", "high", message.reminder.title, text, message.reminded_at, None, str(milliseconds(at))
    )
    return card.model_copy(update={"recipient": shown_recipient(only_recipient(message))})
