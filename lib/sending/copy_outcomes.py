"""The state of a copy after each step and each answer, recipient by recipient. Pure functions.

Each copy goes its own way: planned -> submitting {written before the first byte} -> sent, refused or uncertain; or
planned again for the recipients who were refused for now. An answer settles the recipients that it is about, and the
others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal
from uuid import UUID

from lib.messages.copy_rows import Copy, CopyState, Delivery, DeliveryState
from lib.messages.deliveries import goes_on
from lib.messages.follow_state import FollowState
from lib.messages.models import Failure, Recipient, StoredMessage
from lib.people.addresses import same_mailbox
from lib.sending.tries import GIVE_UP_AFTER, pause_after
from lib.transports import Accepted, Again, Outcome, Paced, Refused, Underway, Unknown

_TOO_SLOW = Failure(code="pace", text="The provider did not come to this mail within a day: it takes only so much.")

_GENERAL = ("connection", "token", "login", "401", "421", "429")
"""Codes of temporary refusals that are not about this copy: the next copy would fare no better."""

_LONGEST_TEXTS = 75_000
"""Characters of all reasons of a copy's recipients, which share one row (1 MiB, in UTF-16)."""

_UNTRIED = "slow"
"""The code of a temporary refusal for recipients whose turn did not come in a try that reached others."""


def planned(copies: Iterable[Copy], message: StoredMessage) -> list[Copy]:
    """Return the copies as they are to be sent, each with a key of its own that is made of the message's key."""
    return [
        copy.model_copy(update={"state": "planned", "key": _key_of(message.provider_key or "", f"{number}")})
        for number, copy in enumerate(copies)
    ]


def _key_of(key: str, about: str) -> str:
    """Return a version 4 UUID."""
    return str(UUID(bytes=blake2b(f"{key} {about}".encode(), digest_size=16).digest(), version=4))


def next_copy(copies: Sequence[Copy], now: datetime) -> int | None:
    """Return the number of the first copy that is to be sent, or asked for, now."""
    for number, copy in enumerate(copies):
        if goes_on(copy) and (copy.due_at is None or copy.due_at <= now):
            return number
    return None


def addressed(copy: Copy) -> list[int]:
    """Return the recipients of the try under way, or of the next one: those who have no definite outcome yet.

    A doubt that an earlier try has left says nothing about this try, and this try does not settle it.
    """
    wanted = ("uncertain",) if copy.state == "uncertain" else ("waiting", "pending")
    asked = copy.asked if copy.state == "uncertain" and copy.asked else copy.recipients
    return [number for number in asked if copy.delivery_of(number).state in wanted]


def begun(copy: Copy, follow_state: FollowState, now: datetime) -> Copy:
    """Return the copy as it is written before it is handed over. Repeating a doubtful try is still that try.

    A copy that has reached a followed recipient stays followed, whatever its other recipients have said since.
    """
    again = copy.in_doubt
    if _states(copy) & {"accepted", "uncertain"}:
        follow_state = copy.follow_state
    return copy.model_copy(
        update={
            "state": "submitting",
            "follow_state": follow_state,
            "tried_at": copy.tried_at if again else now,
            "first_tried_at": copy.first_tried_at or now,
            "attempts": copy.attempts + (0 if again else 1),
            "due_at": None,
        }
    )


def is_general(outcome: Outcome | Again) -> bool:
    """Whether an outcome is about the provider rather than about the copy: then the other copies wait, too."""
    if isinstance(outcome, Paced):
        return True
    if not isinstance(outcome, Refused) or not outcome.temporary or outcome.recipients:
        return False
    return outcome.code in _GENERAL or outcome.retry_after is not None


def concluded(copy: Copy, outcome: Outcome | Again, recipients: Sequence[Recipient], now: datetime) -> Copy:
    """Return the copy as it is after an outcome. `recipients` are the message's, by number."""
    match outcome:
        case Accepted():
            ids = list(dict.fromkeys([*copy.ids, *outcome.ids]))
            return _settled(_accepted(copy, outcome, recipients, now), now).model_copy(update={"ids": ids})
        case Refused():
            return _refused(copy, outcome, recipients, now)
        case Unknown():
            return _doubtful(copy, outcome, recipients, now)
        case Underway():
            return copy.model_copy(update={"state": "submitting", "due_at": now + outcome.ask_again})
        case Again():
            return _ended(_waiting(copy), "planned", now + outcome.wait).model_copy(update={"in_doubt": True})
        case Paced():
            return _untried(copy, now, outcome.wait)


def _accepted(copy: Copy, outcome: Accepted, recipients: Sequence[Recipient], now: datetime) -> Copy:
    refusals = {same_mailbox(each.address): each for each in outcome.refused}
    unknown = {same_mailbox(address) for address in outcome.unknown}
    found = {}
    for number in addressed(copy):
        mailbox = same_mailbox(recipients[number].email)
        refusal = refusals.get(mailbox)
        if refusal is not None:
            found[number] = _refusal(refusal.temporary, refusal.code, refusal.text, now)
        elif mailbox in unknown:
            text = "The mail server did not confirm that it took the mail."
            found[number] = Delivery(state="uncertain", code="unconfirmed", text=text, at=now)
        else:
            found[number] = Delivery(state="accepted", at=now)
    return _with(copy, found)


def _doubtful(copy: Copy, outcome: Unknown, recipients: Sequence[Recipient], now: datetime) -> Copy:
    refusals = {same_mailbox(each.address): each for each in outcome.refused}
    doubt = Delivery(state="uncertain", code=outcome.code, text=outcome.text, at=now)
    found = dict.fromkeys(addressed(copy), doubt)
    for number in found:
        refusal = refusals.get(same_mailbox(recipients[number].email))
        if refusal is not None:
            found[number] = _refusal(refusal.temporary, refusal.code, refusal.text, now)
    copy = _with(copy, found)
    if "pending" in _states(copy):
        return _settled(copy, now)
    asked = copy.model_copy(update={"asked": list(found)})
    return _ended(asked, "uncertain", None if outcome.ask_again is None else now + outcome.ask_again)


def _refused(copy: Copy, outcome: Refused, recipients: Sequence[Recipient], now: datetime) -> Copy:
    reasons = {same_mailbox(each.address): each for each in outcome.recipients}
    found = {}
    for number in addressed(copy):
        each = reasons.get(same_mailbox(recipients[number].email), outcome)
        found[number] = _refusal(each.temporary, each.code, each.text, now)
    general = is_general(outcome)
    settled = _settled(_with(copy, found), now, None if general else outcome.retry_after)
    if general and settled.state == "planned":
        # The provider's refusal is no try of this copy; the whole message waits for it.
        return settled.model_copy(update={"attempts": max(0, copy.attempts - 1), "due_at": None})
    return settled


def _refusal(temporary: bool, code: str, text: str, now: datetime) -> Delivery:
    return Delivery(state="pending" if temporary else "refused", code=code, text=text, at=now)


def _settled(copy: Copy, now: datetime, retry_after: timedelta | None = None) -> Copy:
    """Return the copy after an answer: it is tried again for recipients refused for now, up to a day."""
    end = (copy.first_tried_at or now) + GIVE_UP_AFTER
    if now >= end:
        copy = given_up(copy)
    states = _states(copy)
    if states & {"pending", "waiting"}:
        if all(each.code == _UNTRIED for each in copy.deliveries.values() if each.state == "pending"):
            copy = copy.model_copy(update={"attempts": max(0, copy.attempts - 1)})
        return _ended(copy, "planned", min(now + pause_after(copy.attempts, retry_after), end))
    return _ended(copy, _state_at_rest(copy))


def _state_at_rest(copy: Copy) -> CopyState:
    states = _states(copy)
    return "uncertain" if "uncertain" in states else "sent" if "accepted" in states else "refused"


def given_up(copy: Copy) -> Copy:
    """Return the copy with all refusals for now made final."""
    found = {
        number: each.model_copy(update={"state": "refused"})
        for number, each in copy.deliveries.items()
        if each.state == "pending"
    }
    return _with(copy, found)


def unwritable(copy: Copy, failure: Failure, now: datetime) -> Copy:
    """Return a copy that cannot be written any more: it never left, unless an earlier try may have."""
    doubtful = copy.in_doubt or copy.state in ("submitting", "uncertain")
    state: Literal["uncertain", "refused"] = "uncertain" if doubtful else "refused"
    end = Delivery(state=state, code=failure.code, text=failure.text, at=now)
    copy = _with(copy, dict.fromkeys(addressed(copy), end))
    return _ended(copy, _state_at_rest(copy))


def abandoned(copy: Copy, refusal: Refused, now: datetime) -> Copy:
    """Return the copy after the provider has refused everything for too long: a copy that still waits has failed."""
    return unwritable(copy, Failure(code=refusal.code, text=refusal.text), now) if copy.state == "planned" else copy


def resolved(copy: Copy, resend: bool, now: datetime) -> Copy:
    """Return the copy after a person has settled its doubts: it was sent, or is to be sent again."""
    doubtful = [number for number in copy.recipients if copy.delivery_of(number).state == "uncertain"]
    if not doubtful or (resend and copy.state == "submitting"):
        return copy
    if not resend:
        accepted = _with(copy, dict.fromkeys(doubtful, Delivery(state="accepted", at=now)))
        return accepted if copy.state in ("planned", "submitting") else _ended(accepted, "sent")
    return _to_be_sent(copy, doubtful)


def sent_again(copy: Copy) -> Copy:
    """Return the copy after a person has asked for its refused recipients: the next try is a mail of its own."""
    refused = [number for number in copy.recipients if copy.delivery_of(number).state in ("refused", "bounced")]
    if not refused or copy.state == "submitting" or copy.in_doubt:
        return copy
    fresh = {"key": _key_of(copy.key or "", "again"), "tried_at": None}
    return _to_be_sent(copy, refused).model_copy(update=fresh)


def begun_anew(copy: Copy) -> Copy:
    """Return a waiting copy as due now, with a whole day of tries again."""
    if copy.state != "planned":
        return copy
    return copy.model_copy(update={"attempts": 0, "first_tried_at": None, "due_at": None})


def _to_be_sent(copy: Copy, numbers: Sequence[int]) -> Copy:
    left = {number: each for number, each in copy.deliveries.items() if number not in numbers}
    fresh = copy.model_copy(update={"deliveries": left, "attempts": 0, "first_tried_at": None})
    return _ended(fresh, "planned")


def _waiting(copy: Copy) -> Copy:
    """Return the copy with the doubts of this try taken back: those recipients are to get it."""
    doubtful = addressed(copy)
    left = {number: each for number, each in copy.deliveries.items() if number not in doubtful}
    return copy.model_copy(update={"deliveries": left})


def _untried(copy: Copy, now: datetime, wait: timedelta) -> Copy:
    """Return the copy after a try that does not count. The provider may hold a draft of it; the next try looks for
    that."""
    end = (copy.first_tried_at or now) + GIVE_UP_AFTER
    if now >= end and not copy.in_doubt:
        return unwritable(copy.model_copy(update={"state": "planned"}), _TOO_SLOW, now)
    attempts = copy.attempts if copy.in_doubt else max(0, copy.attempts - 1)
    return copy.model_copy(update={"attempts": attempts, "state": "planned", "due_at": now + wait})


def _with(copy: Copy, deliveries: Mapping[int, Delivery]) -> Copy:
    most = max(1, _LONGEST_TEXTS // max(1, len(copy.recipients)))
    short = {
        number: each.model_copy(update={"text": each.text and each.text[:most]}) for number, each in deliveries.items()
    }
    return copy.model_copy(update={"deliveries": {**copy.deliveries, **short}})


def _ended(copy: Copy, state: CopyState, due_at: datetime | None = None) -> Copy:
    return copy.model_copy(update={"state": state, "due_at": due_at, "in_doubt": False})


def _states(copy: Copy) -> set[DeliveryState]:
    return {copy.delivery_of(number).state for number in copy.recipients}
