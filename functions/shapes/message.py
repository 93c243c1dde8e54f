"""Messages as the API shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer

from functions.api.endpoint import Call
from functions.shapes.attachment import AttachmentRead, attachment_read
from functions.shapes.checks import message_checks
from functions.shapes.text import reminder_text, status_text
from lib.assessment.followers import read_part
from lib.assessment.summary import summary_of
from lib.checks import Check
from lib.fields import Moment, RecordRef
from lib.files.models import StoredAttachment
from lib.files.permitted import UNSENT
from lib.lists.store import Listed
from lib.messages.deliveries import fixed_follow_state
from lib.messages.follow_state import FollowState
from lib.messages.models import (
    Body,
    Correspondent,
    Failure,
    MailCorrelation,
    MessageFields,
    MessageStatus,
    ReceivedKind,
    Remark,
    Reminder,
    StoredMessage,
)
from lib.messages.store import Loaded
from lib.people.recipients import NOT_LOOKED_UP, KnownRecipients
from lib.storage.versions import ETag
from lib.verdicts.kpis import Kpis


class ReminderRead(Reminder):
    """A reminder, and what became of it."""

    state: Literal["set", "reminded", "met"] = Field(
        description="`met`: what the reminder waited for happened before its time"
    )
    status_text: str


UserRead = Annotated[str, PlainSerializer(lambda user: user or None, return_type=str | None)]
"""The id of a user; null where a message belongs to none."""


class MessageItem(MessageFields):
    """A message as lists show it."""

    sender: UserRead = Field(
        alias="from", description="the id of the sending user; of a received message the user whose mail it is, if any"
    )
    reminder: ReminderRead | None = None

    id: str
    etag: ETag
    status: MessageStatus
    status_text: str = Field(description="in a few words, with times in the acting user's zone")
    follow_state: FollowState
    message_id: str | None = Field(description="the mail's Message-ID (RFC 5322), once it has one")
    template_version: int | None = Field(None, description="the version of the template that it was made of")
    created_at: Moment
    sent_at: Moment | None
    updated_at: Moment = Field(description="when what a list shows of it has last changed, counts included")
    conversation: str = Field(description="the id of the first message of its thread, for GET /conversations/{id}")
    in_reply_to: str | None = Field(None, description="the id of the message that it answers")
    from_address: Correspondent | None = Field(None, description="the writer of a received message")
    record: RecordRef | None = Field(
        None, description="the record of that writer; of a report on delivery, that of the recipient whom it is about"
    )
    kind: ReceivedKind | None = Field(None, description="what a received message is")
    correlation: MailCorrelation | None = Field(None, description="how a received message was matched, and with what")
    received_at: Moment | None = Field(None, description="when a received message was written, or else when it came")
    tracked_by: list[str] = Field(
        default_factory=list, description="every way by which a mail was tracked that Heed has not sent"
    )
    category: str | None = Field(None, description="the category of the mailbox that tracks a received message")
    excerpt: str | None = Field(
        None, description="the own words of a received message, without what it quotes, where they may be kept"
    )
    remarks: list[Remark]
    failure: Failure | None = Field(description="why it was not sent, or not to all, or why that is unknown")
    kpis: Kpis


class OtherReaderRead(BaseModel):
    """A guess that another person has read this recipient's copy, too. It counts nowhere."""

    recipient: str
    text: str = "Probably read by someone else, too."
    confidence: float
    because: list[str]


class MessageRead(MessageItem):
    """A message, whole."""

    other_readers: list[OtherReaderRead] = Field(default_factory=list)
    attachments: list[AttachmentRead] = Field(default_factory=list)
    check: list[Check] = Field(default_factory=list, description="what to know of it before it is sent")

    html: str | None
    text: str | None


async def time_zone_of(call: Call) -> str:
    """Return the acting user's time zone; UTC where none is named or known."""
    if call.zone is not None:
        return call.zone
    name = call.user()
    user = await call.services.people.user(call.org, name) if name else None
    return user.time_zone if user else "UTC"


def listed_follow_state(call: Call, loaded: Loaded) -> FollowState | None:
    """Return the follow state that lists show of a message whose copies are not decided on; None where they show none.

    No record is read: it was decided when the message was made or changed, and whenever a wish has changed since.
    """
    follower = call.services.lists_follower
    return follower.expected_state(read_part(follower, summary_of(loaded).parts))


async def decided_now(call: Call, loaded: Loaded) -> tuple[FollowState, KnownRecipients]:
    """Return the message's follow state and its recipients, by what is said now where its copies are not decided on.

    Once they are, no recipient is looked up.
    """
    fixed = fixed_follow_state(loaded.message)
    if fixed is not None:
        return fixed, NOT_LOOKED_UP
    decision = await call.services.preparation.decision(call.org, call.organization.settings, loaded.message)
    return decision.state, decision.known


async def listed_message(call: Call, loaded: Loaded) -> Listed:
    """Make of a message what a list holds of it."""
    return _listed(call, loaded, listed_follow_state(call, loaded) or (await decided_now(call, loaded))[0])


def _listed(call: Call, loaded: Loaded, state: FollowState) -> Listed:
    summary, follower = summary_of(loaded), call.services.lists_follower
    changed_at = follower.changed_at(read_part(follower, summary.parts))
    return Listed(
        message=loaded.message, etag=loaded.etag, follow_state=state, kpis=summary.kpis, updated_at=changed_at
    )


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """Parts of a message that were read while its recipients were looked up."""

    body: Body
    files: Sequence[StoredAttachment]
    bounced: Sequence[str]
    """The addresses of recipients whom mail did not reach last."""


async def read_message(
    call: Call,
    loaded: Loaded,
    state: FollowState,
    recipients: KnownRecipients = NOT_LOOKED_UP,
    *,
    has_checks: bool = True,
    ahead: ReadAhead | None = None,
) -> MessageRead:
    """Read the rest of a message (its body, files and checks), and show it whole, with this follow state.

    `recipients` are those who were looked up for it.
    """
    is_checked = has_checks and loaded.message.state in UNSENT
    message, zone = loaded.message, await time_zone_of(call)
    body, files = (
        (ahead.body, ahead.files)
        if ahead
        else await asyncio.gather(
            call.services.messages.body(call.org, message.id), call.services.files.attachments(call.org, message)
        )
    )
    bounced = ahead.bounced if ahead else None
    shape = _shape(_listed(call, loaded, state), call.now, zone)
    return MessageRead(
        **shape,
        html=body.html,
        text=body.text,
        other_readers=_other_readers(loaded) if call.organization.settings.tracking != "aggregate" else [],
        attachments=[attachment_read(call, file, loaded, files) for file in files],
        check=await message_checks(call, message, state, body, recipients, bounced) if is_checked else [],
    )


def message_item(listed: Listed, now: datetime, zone: str) -> MessageItem:
    """Show a message in a list; times in words are in `zone`."""
    return MessageItem(**_shape(listed, now, zone))


def _other_readers(loaded: Loaded) -> list[OtherReaderRead]:
    recipients = loaded.message.recipients()
    return [
        OtherReaderRead(recipient=recipients[each.recipient].email, confidence=each.confidence, because=each.because)
        for each in summary_of(loaded).other_readers
        if each.recipient < len(recipients)
    ]


def _reminder(message: StoredMessage, kpis: Kpis, now: datetime, zone: str) -> ReminderRead | None:
    reminder = message.reminder
    if reminder is None:
        return None
    if reminder.condition == "no_reply" and kpis.replies and not message.reminded_at:
        message = message.model_copy(update={"reminder_met": True})
    state: Literal["set", "reminded", "met"] = (
        "reminded" if message.reminded_at else "met" if message.reminder_met else "set"
    )
    return ReminderRead(**dict(reminder), state=state, status_text=reminder_text(message, now, zone))


def _shape(listed: Listed, now: datetime, zone: str) -> dict[str, Any]:
    message = listed.message
    fields = {name: getattr(message, name) for name in MessageItem.model_fields if hasattr(message, name)}
    return {
        **fields,
        "etag": listed.etag,
        "status": message.status,
        "status_text": status_text(message, listed.kpis, now, zone),
        "reminder": _reminder(message, listed.kpis, now, zone),
        "updated_at": listed.changed_at(),
        "follow_state": listed.follow_state,
        "kpis": listed.kpis,
        "conversation": message.thread,
    }
