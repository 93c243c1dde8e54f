"""Messages as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from functions.endpoint import Call
from lib.assessment.summary import summary_of
from lib.fields import Check
from lib.files.models import AttachmentRead, StoredAttachment, is_gone
from lib.files.store import UNSENT
from lib.lists.store import Listed
from lib.messages.follow_state import FollowState
from lib.messages.models import (
    Body,
    MessageFields,
    MessageItem,
    MessageRead,
    OtherReaderRead,
    ReminderRead,
    StoredMessage,
)
from lib.messages.status_text import reminder_text, status_text
from lib.messages.store import Loaded
from lib.mime.write import ComposeError
from lib.people.addresses import same_mailbox
from lib.verdicts.kpis import Kpis


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
    shape = _shape(message, loaded.etag, state, summary_of(loaded).kpis, call.now, await time_zone_of(call))
    files = await call.services.files.attachments(call.org, message)
    return MessageRead(
        **shape,
        html=body.html,
        text=body.text,
        other_readers=_other_readers(loaded),
        attachments=[attachment_read(call, file, loaded, files) for file in files],
        check=await _checks(call, message, state, body) if message.state in UNSENT else [],
    )


async def attachments_of(call: Call, loaded: Loaded) -> list[AttachmentRead]:
    files = await call.services.files.attachments(call.org, loaded.message)
    return [attachment_read(call, file, loaded, files) for file in files]


async def one_attachment(call: Call, file: StoredAttachment, loaded: Loaded) -> AttachmentRead:
    """One that has just been added or changed."""
    if file.followed or call.services.limits.mail is None:
        return attachment_read(call, file, loaded, [file])
    files = await call.services.files.attachments(call.org, loaded.message.model_copy(update={"files_made": 1}))
    return attachment_read(call, file, loaded, files)


def attachment_read(
    call: Call, file: StoredAttachment, loaded: Loaded, files: Sequence[StoredAttachment]
) -> AttachmentRead:
    """`files` are all of the message's."""
    fields = {name: getattr(file, name) for name in AttachmentRead.model_fields if hasattr(file, name)}
    views = summary_of(loaded).attachment_views.get(file.number, 0)
    check: list[Check] = []
    if loaded.message.state in UNSENT and not file.followed:
        limits = call.services.limits
        inside = [each.size for each in files if not each.followed and not is_gone(each, call.now)]
        check = limits.of_files([file.size]) or limits.of_files(inside)
    return AttachmentRead(**fields, views=views, check=check)


async def _checks(call: Call, message: StoredMessage, state: FollowState, body: Body) -> list[Check]:
    followed = state.state == "on"
    try:
        inside = await call.services.preparation.files_inside(call.org, message, body, followed)
    except ComposeError as error:
        text = f"{error}."
        return [Check(code="too_large_for_transport", text=text[0].upper() + text[1:])]
    checks = transport_checks(call, message, [file.size for file in inside], body)
    return [check for each in checks.values() for check in each]


def transport_checks(call: Call, message: MessageFields, sizes: Sequence[int], body: Body) -> dict[str, list[Check]]:
    """Checks against the provider's limits, by the field that they are about. `sizes`: bytes of the files inside."""
    limits = call.services.limits
    people = {same_mailbox(each.email) for each in message.recipients()}
    text = sum(len(part.encode()) for part in (body.html, body.text) if part is not None)
    return {"to": limits.of_recipients(len(people)), "attachments": limits.of_files(sizes, text)}


def _other_readers(loaded: Loaded) -> list[OtherReaderRead]:
    recipients = loaded.message.recipients()
    return [
        OtherReaderRead(recipient=recipients[each.recipient].email, confidence=each.confidence, because=each.because)
        for each in summary_of(loaded).other_readers
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
