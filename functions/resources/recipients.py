"""The recipients of a message, whether each is followed, and why."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from functions.resources.messages import load_message
from lib.fields import RecordRef
from lib.messages.copy_rows import Copy, Delivery
from lib.messages.deliveries import fixed_follow_state
from lib.messages.follow_state import Decision
from lib.messages.matched_records import MatchedRecords
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded
from lib.people.matching import RecordMatch, ResolvedBy
from lib.people.preference import Preference

endpoints = Endpoints("Recipients and consents")


class RecipientRead(BaseModel):
    """A recipient of a message."""

    email: str
    name: str
    record: RecordRef | None = Field(
        description="the given record, or the one found by address; fixed once the mail has gone out"
    )
    resolved_by: ResolvedBy = Field(
        description="`given`: the message names the record; `address`: the record has the address; `ambiguous`: "
        "several records have it, and the mail is linked to none; `none`: no record has it"
    )
    candidates: list[RecordRef] = Field(description="the records that an ambiguous recipient may be")
    field: Literal["to", "cc", "bcc"]
    follow: bool = Field(description="whether this recipient is followed; once the mail has gone out, whether it was")
    preference: Preference = Field(description="what the recipient is known to want today")
    because: str
    delivery: Delivery = Field(description="`pending`: the mail was refused for now and will be tried again")


class RecipientsRead(BaseModel):
    """All recipients of a message, on one page."""

    items: list[RecipientRead]
    next: str | None = None


@endpoints("GET", "/messages/{message}/recipients", answers={200: RecipientsRead})
async def list_recipients(call: Call) -> Answer:
    """List the recipients in order, whether each is followed, and why."""
    loaded = await load_message(call)
    decision = await call.services.preparation.decision(call.org, call.organization.settings, loaded.message)
    return Answer(200, RecipientsRead(items=recipients_read(loaded, decision)))


def recipients_read(loaded: Loaded, decision: Decision) -> list[RecipientRead]:
    """Show the recipients. Once the mail goes out, whether each is followed no longer changes."""
    message = loaded.message
    copies = {number: copy for copy in loaded.copies for number in copy.recipients}
    fixed = copies if fixed_follow_state(message) else {}
    reads = []
    for number, recipient in enumerate(message.recipients()):
        match = _match(message, number, decision.known.recipients[number].match)
        now, copy = decision.recipients[number], fixed.get(number)
        follow = now.follow if copy is None else copy.follow_state.state == "on"
        because = now.because
        if copy is not None and follow != now.follow:
            then = "followed" if follow else f"not followed: {copy.follow_state.reason}"
            because = f"The mail went out {then.rstrip('.')}. Now: {now.because}"
        reads.append(
            RecipientRead(
                email=recipient.email,
                name=recipient.name,
                record=match.record,
                resolved_by=match.resolved_by,
                candidates=match.candidates,
                field=_field(number, len(message.to), len(message.cc)),
                follow=follow,
                preference=now.preference,
                because=because,
                delivery=_delivery(message, copies.get(number), number),
            )
        )
    return reads


def _match(message: StoredMessage, number: int, now: RecordMatch) -> RecordMatch:
    """Return who the recipient is; once the mail goes out, who the recipient was found to be then."""
    if now.resolved_by == "given" or not fixed_follow_state(message):
        return now
    matched = message.matched or MatchedRecords()
    return RecordMatch(matched.resolved_by(number), matched.records.get(number), now.possible)


def _field(number: int, to: int, cc: int) -> Literal["to", "cc", "bcc"]:
    return "to" if number < to else "cc" if number < to + cc else "bcc"


def _delivery(message: StoredMessage, copy: Copy | None, number: int) -> Delivery:
    if copy is not None and copy.state is None and message.state == "sent":
        # The CRM has sent it by itself, and says so.
        return copy.deliveries.get(number, Delivery(state="accepted", at=message.sent_at))
    return copy.delivery_of(number) if copy is not None and message.state != "draft" else Delivery(state="waiting")
