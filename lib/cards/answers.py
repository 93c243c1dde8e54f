"""Cards of mail that came back: one for each reply, auto-reply, bounce and complaint. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from lib.cards.making import in_quotes, make_card, only_recipient, refusal_text
from lib.cards.store import Card, CardPriority
from lib.clock import moment
from lib.messages.copy_rows import Copy, Delivery
from lib.messages.models import Recipient, StoredMessage
from lib.tracking.answer_details import AnswerDetails, details_of
from lib.tracking.facts import Fact, FactKind
from lib.verdicts.answers import MOST_ANSWERS

_MOST_NAMED = 10


def answer_cards(message: StoredMessage, copies: Sequence[Copy], facts: Iterable[Fact]) -> list[Card]:
    """Make the cards of the first `MOST_ANSWERS` mails among the facts."""
    answers = sorted((fact for fact in facts if not fact.is_hit), key=lambda fact: fact.key)[:MOST_ANSWERS]
    return [_CARDS[fact.kind](message, copies, fact) for fact in answers if fact.kind in _CARDS]


def _reply_card(message: StoredMessage, _: Sequence[Copy], fact: Fact) -> Card:
    recipient = _recipient(message, fact.recipient)
    done = "answered your invitation" if fact.kind == "calendar_answer" else "replied"
    text = f"There is an answer to {in_quotes(message)}."
    return _about_mail(
        fact, make_card(message, "reply", "high", f"{_who(recipient)} {done}", text, _at(fact), recipient, _mail(fact))
    )


def _auto_reply_card(message: StoredMessage, _: Sequence[Copy], fact: Fact) -> Card:
    recipient, back_at = _recipient(message, fact.recipient), details_of(fact).back_at
    text = f"An automatic reply to {in_quotes(message)} came back."
    title = f"A program answered for {_who(recipient, 'a recipient')}"
    if back_at:
        title = f"{_who(recipient)} is away until {_day(back_at)}"
        text += " You can move your reminder to that day."
    card = make_card(message, "auto_reply", "normal", title, text, _at(fact), recipient, _mail(fact))
    return _about_mail(fact, card, back_at)


def _bounce_card(message: StoredMessage, copies: Sequence[Copy], fact: Fact) -> Card:
    details, count = details_of(fact), len(message.recipients())
    failed = [number for number in details.failed if number < count]
    delayed = [number for number in details.delayed if number < count]
    concerned = failed or delayed
    recipient = _recipient(message, concerned[0] if len(concerned) == 1 else fact.recipient)
    whom = _reached(message, concerned, recipient)
    priority: CardPriority = "high"
    if failed or not delayed:
        title = f"Your mail did not reach {whom}"
        text = f"{in_quotes(message)} came back. {_reasons(message, copies, failed, details)}"
    else:
        priority, title = "normal", f"Your mail has not reached {whom} yet"
        code = f" ({details.code})" if details.code else ""
        text = f"A mail server could not deliver {in_quotes(message)} so far{code}. It may go on trying."
    return _about_mail(fact, make_card(message, "bounce", priority, title, text, _at(fact), recipient, _mail(fact)))


def _complaint_card(message: StoredMessage, _: Sequence[Copy], fact: Fact) -> Card:
    recipient = _recipient(message, fact.recipient)
    told = "Mail to this address is no longer followed." if recipient else "Do not write to this person again."
    title = f"{_who(recipient)} reported your mail as unwanted"
    text = f"The complaint is about {in_quotes(message)}. {told} Think twice before you write again."
    return _about_mail(fact, make_card(message, "complaint", "high", title, text, _at(fact), recipient, _mail(fact)))


_CARDS: dict[FactKind, Callable[[StoredMessage, Sequence[Copy], Fact], Card]] = {
    "reply": _reply_card,
    "calendar_answer": _reply_card,
    "auto_reply": _auto_reply_card,
    "bounce": _bounce_card,
    "complaint": _complaint_card,
}


def _about_mail(fact: Fact, card: Card, back_at: datetime | None = None) -> Card:
    return card.model_copy(update={"mail": fact.mail, "back_at": back_at})


def _mail(fact: Fact) -> str:
    return fact.mail or fact.key


def _at(fact: Fact) -> datetime:
    return moment(fact.at)


def _recipient(message: StoredMessage, number: int | None) -> Recipient | None:
    recipients = message.matched_recipients()
    if number is not None and number < len(recipients):
        return recipients[number]
    return only_recipient(message)


def _who(recipient: Recipient | None, unknown: str = "Someone") -> str:
    return (recipient.name or recipient.email) if recipient else unknown


def _reached(message: StoredMessage, numbers: Sequence[int], recipient: Recipient | None) -> str:
    total = len(message.recipients())
    if recipient is not None and len(numbers) <= 1:
        return recipient.name or recipient.email
    return f"{len(numbers)} of {total} recipients" if numbers else f"one of {total} recipients"


def _reasons(message: StoredMessage, copies: Sequence[Copy], failed: Sequence[int], details: AnswerDetails) -> str:
    """Return the reason of each failure: the mail server's words, where the copy's delivery holds them."""
    recipients, found = message.matched_recipients(), {n: copy for copy in copies for n in copy.recipients}
    told = Delivery(state="bounced", code=details.code or None)
    texts = []
    for number in failed[:_MOST_NAMED]:
        known = found[number].delivery_of(number) if number in found else told
        texts.append(refusal_text(recipients[number], known if known.state == "bounced" else told))
    if len(failed) > _MOST_NAMED:
        texts.append(f"And {len(failed) - _MOST_NAMED} more.")
    return " ".join(texts)


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}"
