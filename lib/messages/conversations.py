"""Conversations: what a message that answers another one takes from it. Pure functions.

A conversation has the id of its first message. An answer's References hold our own Message-ID and the one that a
provider put in its place, so that either is found in what comes back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from lib.clock import milliseconds
from lib.messages.models import MessageFields, Recipient, StoredMessage
from lib.mime.subjects import reply_subject

MOST_REFERENCES = 20
"""Message-IDs in References: the first, and the last ones (RFC 5537, 3.4.4, has readers cut them in this way)."""

_REFERABLE = re.compile(r"<[!-;=?-~]{1,900}@[!-;=?-~]{1,80}>")
"""A Message-ID that can stand in a header of ours; received mail may have anything."""

_FILETIME_START = 11_644_473_600_000
"""Milliseconds from the year 1601, where Windows counts from, to 1970."""

_TICKS = 10_000
"""Units of 100 ns in a millisecond."""

_HEADER_BYTES = 6
"""Bytes of a ConversationIndex before its GUID: 1, and the next five bytes of the time ([MS-OXOMSG] 2.2.1.3)."""


def may_have_left(message: StoredMessage) -> bool:
    """Tell whether mail can answer the message: it was sent or tried, a CRM has its copies to send, or it came in."""
    if message.state in ("submitting", "sent", "uncertain", "received"):
        return True
    return message.tried_at is not None or bool(message.copy_count)


def with_message_id(message: StoredMessage, message_id: str | None, *, by_mark: bool = False) -> StoredMessage | None:
    """Return a message with the Message-ID that it went out with in place of ours, which stays known.

    None where that changes nothing, or where another one was told before. One that a copy with the message's mark tells
    (`by_mark`) proves nothing, as every recipient has the mark: a report of the sender replaces it.
    """
    is_told = bool(message.known_ids) and not message.is_id_by_mark
    if message_id is None or is_told or (by_mark and message.known_ids):
        return None
    if message_id == message.message_id:
        return message.model_copy(update={"is_id_by_mark": False}) if message.is_id_by_mark else None
    known = [*message.known_ids, *([message.message_id] if message.message_id else [])]
    update = {"message_id": message_id, "known_ids": known, "is_id_by_mark": by_mark}
    return message.model_copy(update=update)


def may_be_marked(message: StoredMessage, message_id: str | None) -> bool:
    """Tell whether a mail with the message's mark and this Message-ID can be the message itself.

    Once the sender has told the Message-ID, a mail with another one is a further mail, such as one that was sent again.
    """
    is_told = bool(message.known_ids) and not message.is_id_by_mark
    return not is_told or message_id is None or message_id in (message.message_id, *message.known_ids)


def thread_root(message: StoredMessage) -> str:
    """Return the first 22 bytes of the thread's ConversationIndex, in hexadecimal digits.

    In a thread that a message of ours began, that message's id stands in place of the GUID.
    """
    if message.thread_root is not None:
        return message.thread_root
    ticks = (milliseconds(message.created_at) + _FILETIME_START) * _TICKS
    return ticks.to_bytes(8, "big")[:_HEADER_BYTES].hex() + message.thread


def conversation_of_root(root: str) -> str:
    """Return the conversation that a root of ours names; no message has the id that another root gives."""
    return root[2 * _HEADER_BYTES :]


def thread_fields(parent: StoredMessage) -> dict[str, Any]:
    """Return the fields by which an answer belongs to the thread of the message that it answers."""
    return {
        "conversation": parent.thread,
        "in_reply_to": parent.id,
        "references": _references(parent),
        "thread_root": thread_root(parent),
    }


NO_THREAD: Mapping[str, Any] = MappingProxyType(
    {"conversation": None, "in_reply_to": None, "references": [], "thread_root": None}
)
"""The fields of a message that answers nothing."""


def prefilled_fields(parent: StoredMessage, given: MessageFields) -> dict[str, Any]:
    """Return the fields of an answer that its author has not given: recipients, subject, and what it is about."""
    told, found = given.model_fields_set, dict[str, Any]()
    if not told & {"to", "cc", "bcc"}:
        found.update(_recipients(parent))
    if "subject" not in told:
        found["subject"] = reply_subject(parent.subject)
    if "regarding" not in told:
        found["regarding"] = parent.regarding
    return found


def _recipients(parent: StoredMessage) -> dict[str, Any]:
    writer = parent.from_address
    if parent.state != "received":
        return {"to": parent.to, "cc": parent.cc}
    if writer is None:
        return {}
    try:
        return {"to": [Recipient(email=writer.email, name=writer.name, record=parent.record)]}
    except ValidationError:  # mail comes from addresses, too, to which none can be sent
        return {}


def _references(parent: StoredMessage) -> list[str]:
    """Return the thread's Message-IDs; the last one is the parent's, as its recipients know it."""
    own = [each for each in (parent.message_id,) if each]
    # Where a CRM has sent the mail, the ids beside its Message-ID are older; else a provider has given new ones.
    is_renamed = parent.tried_at is not None
    ids = [*own, *parent.known_ids] if is_renamed else [*parent.known_ids, *own]
    found = [each for each in dict.fromkeys([*parent.references, *ids]) if _REFERABLE.fullmatch(each)]
    return found if len(found) <= MOST_REFERENCES else [found[0], *found[1 - MOST_REFERENCES :]]
