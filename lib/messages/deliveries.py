"""The state of a message as a whole, by its copies and their recipients. Pure functions.

A message is `sent` when the first recipient was accepted, whether or not others are still to get it, and whether or not
it came back later; `uncertain` as long as the outcome for a recipient is unknown; `failed` when all were refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from lib.messages.copies import state_of_all
from lib.messages.copy_rows import Copy, Delivery
from lib.messages.follow_state import FollowState
from lib.messages.models import DeliveryCounts, Failure, State, StoredMessage
from lib.people.addresses import same_mailbox


def goes_on(copy: Copy) -> bool:
    """Whether the copy is still to be sent to a recipient, or asked for."""
    return copy.state in ("planned", "submitting") or (copy.state == "uncertain" and copy.due_at is not None)


def is_waiting(message: StoredMessage) -> bool:
    """Whether the outbox still has work to do on the message: until then the due index holds an entry for it."""
    return message.state in ("scheduled", "submitting") or message.goes_on


def fixed_follow_state(message: StoredMessage) -> FollowState | None:
    """The follow state of a message whose copies are decided on; None while it can still change."""
    is_open = message.state in ("draft", "scheduled", "failed") and not message.copy_count
    return None if is_open else message.follow_state


def deliveries(message: StoredMessage, copies: Sequence[Copy]) -> Iterator[tuple[int, Delivery]]:
    """Yield recipient numbers with their deliveries; a mailbox that stands there twice counts once."""
    recipients, seen = message.recipients(), set()
    for copy in copies:
        for number in copy.recipients:
            mailbox = same_mailbox(recipients[number].email)
            if mailbox not in seen:
                seen.add(mailbox)
                yield number, copy.delivery_of(number)


def together(
    message: StoredMessage, copies: Sequence[Copy], now: datetime, pause: timedelta | None = None
) -> StoredMessage:
    """Return the message as its copies have it. `pause`: the time before the next try."""
    found = [each for _, each in deliveries(message, copies)]
    counts = DeliveryCounts.model_validate(Counter(each.state for each in found))
    waiting = [copy for copy in copies if goes_on(copy)]
    known = dict.fromkeys([*message.known_ids, *(each for copy in copies for each in copy.ids)])
    update: dict[str, object] = {
        "state": _state(counts, copies),
        "delivery": counts,
        "goes_on": bool(waiting),
        "failure": _failure(found, counts),
        "known_ids": [each for each in known if each != message.message_id],
        "follow_state": state_of_all(message, copies),
    }
    if waiting:
        update["due_at"] = max(min(copy.due_at or now for copy in waiting), now + (pause or timedelta(0)))
    if (counts.accepted or counts.bounced) and message.sent_at is None:
        left = [each.at or now for each in found if each.state == "accepted"]
        update["sent_at"] = min(left, default=message.tried_at or now)
    return message.model_copy(update=update)


def _state(counts: DeliveryCounts, copies: Sequence[Copy]) -> State:
    if counts.uncertain:
        return "uncertain"
    if counts.accepted or counts.bounced:
        return "sent"
    if any(copy.state == "submitting" or copy.in_doubt for copy in copies):
        return "submitting"
    return "scheduled" if counts.waiting or counts.pending else "failed"


def _failure(found: Sequence[Delivery], counts: DeliveryCounts) -> Failure | None:
    """Return in words for how many recipients the mail was refused, or is in doubt; None when all have it."""
    doubtful = [each for each in found if each.state == "uncertain"]
    refused = [each for each in found if each.state == "refused"]
    bounced = [each for each in found if each.state == "bounced"]
    pending = [each for each in found if each.state == "pending"]
    failed = [*doubtful, *refused, *bounced, *pending]
    if counts.total == 1:
        return next((Failure(code=each.code or "", text=each.text or "") for each in failed), None)
    texts = []
    if doubtful:
        texts.append(f"It is not known whether it has left for {len(doubtful)} of {counts.total} recipients.")
        texts.append(_most_common(doubtful))
    if refused:
        texts += [f"It was not taken for {len(refused)} of {counts.total} recipients.", _most_common(refused)]
    if bounced:
        texts += [f"It came back from {len(bounced)} of {counts.total} recipients.", _most_common(bounced)]
    if pending:
        texts += [f"It is tried again for {len(pending)} of {counts.total} recipients.", _most_common(pending)]
    if not texts:
        return None
    first = next((each.code for each in failed if each.code), "")
    everybody = len(failed) == counts.total
    return Failure(code=first if doubtful or everybody else "recipients", text=" ".join(texts).strip())


def _most_common(found: Sequence[Delivery]) -> str:
    return next((text for text, _ in Counter(each.text or "" for each in found).most_common(1)), "")


def refused_recipients(message: StoredMessage, copies: Sequence[Copy]) -> list[tuple[int, Delivery]]:
    """Return the numbers of recipients who were refused for good, with the reasons."""
    return [(number, each) for number, each in deliveries(message, copies) if each.state == "refused"]
