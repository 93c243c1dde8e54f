"""Answers: mail that came back, as its consequences need it. Pure functions.

An answer is a received mail of a known kind that was matched with a message of ours. It becomes a fact with the details
of `lib.tracking.answer_details`, and evidence of who has got the message (`lib.messages.evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lib.clock import moment
from lib.inbound.classification import FailedRecipient
from lib.messages.copy_rows import Delivery
from lib.messages.evidence import MailEvidence
from lib.messages.models import StoredMessage
from lib.people.addresses import same_mailbox
from lib.tracking.answer_details import AnswerDetails, details_of
from lib.tracking.facts import AnswerKind, Fact, answer_fact

_OF_RECIPIENTS = ("reply", "auto_reply", "calendar_answer", "read_receipt")
"""Kinds of mail that come from a recipient's own mailbox."""

_RETURNED = "A mail server sent it back."


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """A mail that came back for a message."""

    mail: str
    """The id of the received message."""

    kind: AnswerKind
    at: datetime
    """When it came."""

    recipient: int | None = None
    """The number of the recipient who wrote it, or whom it is about; None where that is not known."""

    failures: Sequence[FailedRecipient] = ()
    """Of a bounce: the recipients whom the message did not reach."""

    back_at: datetime | None = None
    """Of an automatic reply: the day on which its writer is back."""


def fact_of_answer(message: StoredMessage, answer: MailAnswer) -> Fact:
    """Return the fact by which everything that follows facts follows the answer."""
    found = _failed_numbers(message, answer)
    return answer_fact(
        answer.kind,
        message.id,
        answer.at,
        answer.mail,
        _recipient(message, answer, found),
        _details(answer, found).to_headers(),
    )


def evidence_of_answer(message: StoredMessage, answer: MailAnswer) -> MailEvidence:
    """Return what the answer says about deliveries, with the words of the mail server."""
    evidence = evidence_of_fact(message, fact_of_answer(message, answer))
    told = {
        number: Delivery(state="bounced", code=failure.code, text=failure.text or _RETURNED, at=answer.at)
        for failure, numbers in _failed_numbers(message, answer)
        if failure.hard
        for number in numbers
    }
    return replace(evidence, failed=told)


def evidence_of_fact(message: StoredMessage, fact: Fact) -> MailEvidence:
    """Return what the fact of an answer says about deliveries. It does not have the words of the mail server."""
    details = details_of(fact)
    bounced = Delivery(state="bounced", code=details.code or None, text=_RETURNED, at=moment(fact.at))
    reached = set(details.delayed)
    if fact.kind != "bounce":
        reached |= set(_only(message) if fact.recipient is None else (fact.recipient,))
    answered = [] if fact.recipient is None or fact.kind not in _OF_RECIPIENTS else [fact.recipient]
    failed = dict.fromkeys(details.failed, bounced)
    return MailEvidence(fact.mail or fact.key, frozenset(reached), frozenset(answered), failed)


def evidence_of_facts(message: StoredMessage, facts: Iterable[Fact]) -> list[MailEvidence]:
    """Return the evidence of all answers among the facts, oldest first."""
    answers = sorted((fact for fact in facts if not fact.is_hit), key=lambda fact: fact.key)
    return [evidence_of_fact(message, fact) for fact in answers]


def emails_of(message: StoredMessage, numbers: Iterable[int]) -> list[str]:
    """Return the addresses of these recipients."""
    recipients = message.recipients()
    return [recipients[number].email for number in numbers if number < len(recipients)]


_FailedNumbers = Sequence[tuple[FailedRecipient, tuple[int, ...]]]


def _details(answer: MailAnswer, found: _FailedNumbers) -> AnswerDetails:
    failed, delayed = dict[int, None](), dict[int, None]()
    for failure, numbers in found:
        (failed if failure.hard else delayed).update(dict.fromkeys(numbers))
    code = next((failure.code for failure in answer.failures if failure.code), None)
    return AnswerDetails(
        answer.back_at, tuple(failed), tuple(each for each in delayed if each not in failed), code or ""
    )


def _recipient(message: StoredMessage, answer: MailAnswer, found: _FailedNumbers) -> int | None:
    """Return whose answer it is: of a bounce for one recipient, that one."""
    if answer.recipient is not None:
        return answer.recipient
    numbers = {number for _, some in found for number in some}
    return next(iter(numbers)) if len(numbers) == 1 else next(iter(_only(message)), None)


def _failed_numbers(message: StoredMessage, answer: MailAnswer) -> _FailedNumbers:
    """Return each failure with the numbers of the recipients whom it is about.

    Behind an alias the mail has failed for an address that the message does not name; then it is about the recipient
    whom the bounce was matched with, or the only one. A bounce can tell of hundreds, so the message's recipients are
    read once for all of them.
    """
    if not answer.failures:
        return ()
    numbers = {same_mailbox(each.email): number for number, each in reversed([*enumerate(message.recipients())])}
    is_one = len(answer.failures) == 1
    others = (answer.recipient,) if answer.recipient is not None and is_one else _only(message)
    found = []
    for failure in answer.failures:
        named = (numbers.get(same_mailbox(email)) for email in (failure.email, *failure.others))
        number = next((each for each in named if each is not None), None)
        found.append((failure, others if number is None else (number,)))
    return found


def _only(message: StoredMessage) -> tuple[int, ...]:
    """Return the number of the only mailbox among the recipients; none where there are several."""
    recipients = message.recipients()
    return (0,) if len({same_mailbox(each.email) for each in recipients}) == 1 else ()
