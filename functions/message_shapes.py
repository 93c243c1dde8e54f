"""Messages as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from functions.endpoint import Call
from lib.attachments.models import AttachmentRead, StoredAttachment
from lib.follow import FollowState
from lib.kpis import Kpis
from lib.lists import Listed
from lib.message_store import Loaded
from lib.messages import MessageItem, MessageRead, OtherReaderRead, ReminderRead, StoredMessage
from lib.status_text import reminder_text, status_text


async def time_zone_of(call: Call) -> str:
    """The acting user's; UTC where none is named or known."""
    name = call.user()
    user = await call.services.people.user(call.org, name) if name else None
    return user.time_zone if user else "UTC"


async def message_read(call: Call, loaded: Loaded) -> MessageRead:
    message = loaded.message
    body = await call.services.messages.body(call.org, message.id)
    state = message.follow_state or await call.services.preparation.follow_state(
        call.org, call.organization.settings, message
    )
    shape = _shape(message, loaded.etag, state, loaded.summary.kpis, call.now, await time_zone_of(call))
    return MessageRead(
        **shape,
        html=body.html,
        text=body.text,
        other_readers=_other_readers(loaded),
        attachments=await attachments_of(call, loaded),
    )


async def attachments_of(call: Call, loaded: Loaded) -> list[AttachmentRead]:
    files = await call.services.files.attachments(call.org, loaded.message)
    return [attachment_read(file, loaded) for file in files]


def attachment_read(file: StoredAttachment, loaded: Loaded) -> AttachmentRead:
    fields = {name: getattr(file, name) for name in AttachmentRead.model_fields if hasattr(file, name)}
    return AttachmentRead(**fields, views=loaded.summary.attachment_views.get(file.number, 0))


def _other_readers(loaded: Loaded) -> list[OtherReaderRead]:
    recipients = loaded.message.recipients()
    return [
        OtherReaderRead(recipient=recipients[each.recipient].email, confidence=each.confidence, because=each.because)
        for each in loaded.summary.other_readers
        if each.recipient < len(recipients)
    ]


def message_item(listed: Listed, now: datetime, zone: str) -> MessageItem:
    return MessageItem(**_shape(listed.message, listed.etag, listed.follow_state, listed.kpis, now, zone))


def _reminder(message: StoredMessage, now: datetime, zone: str) -> ReminderRead | None:
    if message.reminder is None:
        return None
    state: Literal["set", "reminded", "met"] = (
        "reminded" if message.reminded_at else "met" if message.reminder_met else "set"
    )
    return ReminderRead(**dict(message.reminder), state=state, status_text=reminder_text(message, now, zone))


def _shape(
    message: StoredMessage, etag: str, state: FollowState, kpis: Kpis, now: datetime, zone: str
) -> dict[str, Any]:
    fields = {name: getattr(message, name) for name in MessageItem.model_fields if hasattr(message, name)}
    return {
        **fields,
        "etag": etag,
        "status": message.status,
        "status_text": status_text(message, kpis, now, zone),
        "reminder": _reminder(message, now, zone),
        "follow_state": state,
        "kpis": kpis,
    }
