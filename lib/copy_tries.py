"""What became of the copies of a message that has several, and what follows for the message. Pure functions.

A copy goes its own way: planned -> submitting {written before the first byte} -> sent, refused or uncertain, or planned
again. The message is `submitting` while any may be on its way; `scheduled` again as long as none has left; in the end
`uncertain` when nobody knows of one, `sent` when one was taken, else `failed`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from lib.addresses import same_mailbox
from lib.copies import state_of_all
from lib.follow import FollowState
from lib.messages import Copy, Failure, StoredMessage
from lib.transports import Accepted, Again, Outcome, Paced, Refused, Underway, Unknown
from lib.tries import BACKOFF

_GENERAL = ("connection", "token", "401", "421", "429")
"""Codes of temporary refusals that say nothing of this copy: the next one would fare no better."""


def planned(copies: Iterable[Copy], message: StoredMessage) -> list[Copy]:
    """To be sent, each with a key of its own, made of the message's."""
    return [
        copy.model_copy(update={"state": "planned", "key": _key_of(message.provider_key or "", number)})
        for number, copy in enumerate(copies)
    ]


def _key_of(key: str, number: int) -> str:
    """A version 4 UUID."""
    return str(UUID(bytes=blake2b(f"{key} {number}".encode(), digest_size=16).digest(), version=4))


def next_copy(copies: Sequence[Copy], now: datetime) -> int | None:
    """The number of the first one that is to be sent, or asked for, now."""
    for number, copy in enumerate(copies):
        if copy.state in ("planned", "submitting") and (copy.due_at is None or copy.due_at <= now):
            return number
    return None


def begun(copy: Copy, follow_state: FollowState, now: datetime) -> Copy:
    """Before it is handed over. Repeating a doubtful try is still that try."""
    again = copy.in_doubt
    return copy.model_copy(
        update={
            "state": "submitting",
            "follow_state": follow_state,
            "tried_at": copy.tried_at if again else now,
            "attempts": copy.attempts + (0 if again else 1),
            "due_at": None,
        }
    )


def is_general(outcome: Outcome | Again) -> bool:
    """Whether it tells of the provider rather than of the copy: then the others wait, too."""
    if not isinstance(outcome, Refused) or not outcome.temporary:
        return False
    return outcome.code in _GENERAL or outcome.retry_after is not None


def concluded(copy: Copy, outcome: Outcome | Again, now: datetime) -> Copy:
    """The copy as it is after that."""
    if isinstance(outcome, Accepted):
        ids = list(dict.fromkeys([*copy.ids, *outcome.ids]))
        return _ended(copy, "sent", None).model_copy(update={"ids": ids, "left_out": len(outcome.refused)})
    if isinstance(outcome, Again):
        again = _ended(copy, "planned", copy.failure, now + outcome.wait)
        return again.model_copy(update={"in_doubt": True})
    if isinstance(outcome, Paced):
        waiting = _ended(copy, "planned", copy.failure, now + outcome.wait)
        return waiting.model_copy(update={"attempts": max(0, copy.attempts - 1)})
    if isinstance(outcome, Underway):
        return copy.model_copy(update={"due_at": now + outcome.ask_again})
    failure = Failure(code=outcome.code, text=outcome.text)
    if isinstance(outcome, Unknown):
        if outcome.ask_again is None:
            return _ended(copy, "uncertain", failure)
        return copy.model_copy(update={"due_at": now + outcome.ask_again})
    if is_general(outcome):
        return _ended(copy, "planned", failure).model_copy(update={"attempts": max(0, copy.attempts - 1)})
    if outcome.temporary and copy.attempts <= len(BACKOFF):
        return _ended(copy, "planned", failure, now + BACKOFF[max(0, copy.attempts - 1)])
    return _ended(copy, "refused", failure)


def unwritable(copy: Copy, failure: Failure) -> Copy:
    """One that cannot be written any more: it never left, unless an earlier try may have."""
    return _ended(copy, "uncertain" if copy.in_doubt or copy.state == "submitting" else "refused", failure)


def given_up(copies: Sequence[Copy], refusal: Refused) -> list[Copy]:
    """The provider has refused everything for too long: what still waits has failed."""
    failure = Failure(code=refusal.code, text=refusal.text)
    return [unwritable(copy, failure) if copy.state == "planned" else copy for copy in copies]


def resolved(copy: Copy, resend: bool) -> Copy:
    """After a person has said what became of one of which nobody knows: it was sent, or is to be sent again."""
    if copy.state != "uncertain":
        return copy
    return _ended(copy, "planned", None).model_copy(update={"attempts": 0}) if resend else _ended(copy, "sent", None)


def pause_of(refusal: Refused, rounds: int) -> timedelta:
    """After so many rounds in a row (1 up) in which the provider has taken nothing."""
    return max(BACKOFF[min(max(rounds, 1), len(BACKOFF)) - 1], refusal.retry_after or timedelta(0))


def _ended(copy: Copy, state: str, failure: Failure | None, due_at: datetime | None = None) -> Copy:
    return copy.model_copy(update={"state": state, "failure": failure, "due_at": due_at, "in_doubt": False})


def together(message: StoredMessage, copies: Sequence[Copy], now: datetime, pause: timedelta | None) -> StoredMessage:
    """The message as its copies have it. `pause`: nothing is tried before that has passed."""
    known = dict.fromkeys([*message.known_ids, *(each for copy in copies for each in copy.ids)])
    update: dict[str, object] = {
        "lease_until": None,
        "known_ids": [each for each in known if each != message.message_id],
        "follow_state": state_of_all(message, copies),
    }
    waiting = [copy for copy in copies if copy.state in ("planned", "submitting")]
    if waiting:
        due = max(min(copy.due_at or now for copy in waiting), now + (pause or timedelta(0)))
        update["failure"] = next((copy.failure for copy in waiting if copy.failure), None)
        update["due_at"] = due
        if all(copy.state in ("planned", "refused") and not copy.in_doubt for copy in copies):
            update["state"] = "scheduled"
        else:
            # Nobody may delete or move it any more. When this lease is over, it goes on.
            update |= {"state": "submitting", "lease_until": due}
        return message.model_copy(update=update)
    states = {copy.state for copy in copies}
    update["state"] = "uncertain" if "uncertain" in states else "sent" if "sent" in states else "failed"
    update["failure"] = _failure(message, copies)
    if update["state"] == "sent":
        update["sent_at"] = now
    return message.model_copy(update=update)


def _failure(message: StoredMessage, copies: Sequence[Copy]) -> Failure | None:
    """For how many recipients nobody knows, and for how many it was refused; None when all have it."""
    recipients = message.recipients()

    def mailboxes(of: Iterable[Copy]) -> int:
        return len({same_mailbox(recipients[number].email) for copy in of for number in copy.recipients})

    doubtful = [copy for copy in copies if copy.state == "uncertain"]
    refused = [copy for copy in copies if copy.state == "refused"]
    left_out = mailboxes(refused) + sum(copy.left_out for copy in copies)
    everybody = mailboxes(copies)
    texts = []
    if doubtful:
        why = _most_common(copy.failure.text for copy in doubtful if copy.failure)
        texts.append(f"Nobody knows whether it has left for {mailboxes(doubtful)} of {everybody} recipients. {why}")
    if left_out:
        why = _most_common(copy.failure.text for copy in refused if copy.failure)
        texts.append(f"It was not taken for {left_out} of {everybody} recipients. {why}")
    if not texts:
        return None
    first = next((copy.failure for copy in (*doubtful, *refused) if copy.failure), None)
    code = first.code if first and (doubtful or len(refused) == len(copies)) else "recipients"
    return Failure(code=code, text=" ".join(texts).strip())


def _most_common(texts: Iterable[str]) -> str:
    return next((text for text, _ in Counter(texts).most_common(1)), "")
