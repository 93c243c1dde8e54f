"""Who gets a message: whether each of them is followed and why; and what they have consented to."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from functions.endpoint import Answer, Call, Endpoints
from functions.messages import load
from functions.problems import invalid_fields
from lib.fields import Email, RecordRef
from lib.messages.deliveries import fixed_follow_state
from lib.messages.follow_state import Decision
from lib.messages.models import Copy, Delivery, StoredMessage
from lib.messages.store import Loaded
from lib.people.consents import Consent, ConsentSpec
from lib.people.preference import Preference

endpoints = Endpoints("Recipients and consents")

_EMAIL = TypeAdapter(Email)
_MOST_SHOWN = 200


class RecipientRead(BaseModel):
    """`follow`: whether this recipient is, or of sent mail was, followed. `preference` is what they are known to want
    today. `delivery` is what became of the mail for this recipient: a `pending` one was refused for now and is tried
    again."""

    email: str
    name: str
    record: RecordRef | None
    field: Literal["to", "cc", "bcc"]
    follow: bool
    preference: Preference
    because: str
    delivery: Delivery


class RecipientsRead(BaseModel):
    """All of them, on one page."""

    items: list[RecipientRead]
    next: str | None = None


class ConsentHistory(BaseModel):
    """`follow` is what the newest entry says, and so what counts; the history begins with that."""

    email: str
    follow: Preference
    history: list[Consent]


@endpoints("GET", "/messages/{message}/recipients", answers={200: RecipientsRead})
async def list_recipients(call: Call) -> Answer:
    """List the recipients in order, with whether they are followed, and why or why not."""
    loaded = await load(call)
    decision = await call.services.preparation.decision(call.org, call.organization.settings, loaded.message)
    return Answer(200, RecipientsRead(items=recipients_read(loaded, decision)))


def recipients_read(loaded: Loaded, decision: Decision) -> list[RecipientRead]:
    """As they are now; of a message that has gone out, or is going, whether they are followed is fixed."""
    message = loaded.message
    copies = {number: copy for copy in loaded.copies for number in copy.recipients}
    fixed = copies if fixed_follow_state(message) else {}
    reads = []
    for number, recipient in enumerate(message.recipients()):
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
                record=recipient.record,
                field=_field(number, len(message.to), len(message.cc)),
                follow=follow,
                preference=now.preference,
                because=because,
                delivery=_delivery(message, copies.get(number), number),
            )
        )
    return reads


def _field(number: int, to: int, cc: int) -> Literal["to", "cc", "bcc"]:
    return "to" if number < to else "cc" if number < to + cc else "bcc"


def _delivery(message: StoredMessage, copy: Copy | None, number: int) -> Delivery:
    if copy is not None and copy.state is None and message.state == "sent":
        # The CRM has sent it by itself, and says so.
        return Delivery(state="accepted", at=message.sent_at)
    return copy.delivery_of(number) if copy is not None and message.state != "draft" else Delivery(state="waiting")


@endpoints("PUT", "/consents/{*email}", body=ConsentSpec, answers={200: ConsentHistory})
async def put_consent(call: Call) -> Answer:
    """Add to an address's consent history; the newest entry counts."""
    email = _email(call)
    await call.services.consents.append(call.org, email, call.body, call.user())
    return await _history(call, email)


@endpoints("GET", "/consents/{*email}", answers={200: ConsentHistory})
async def get_consents(call: Call) -> Answer:
    """Read an address's consent history, newest first."""
    return await _history(call, _email(call))


def _email(call: Call) -> str:
    """Raises Problem."""
    try:
        return _EMAIL.validate_python(call.path["email"])
    except ValidationError as error:
        raise invalid_fields(error, ["path", "email"]) from None


async def _history(call: Call, email: str) -> Answer:
    history = [each async for each in call.services.consents.history(call.org, email, _MOST_SHOWN)]
    return Answer(200, ConsentHistory(email=email, follow=history[0].follow if history else "unknown", history=history))
