"""Changes of a message's files that are permitted: in which states of the message, for which version, at what size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lib.errors import NotAllowed, TooLarge
from lib.files.models import LARGEST_ATTACHED, LARGEST_FOLLOWED, MOST_FILES, StoredAttachment, StoredFile
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded
from lib.storage.versions import IfMatch, check_version

UNSENT = ("draft", "scheduled", "failed")
"""States in which the files that travel in a mail can be changed."""

_ON_ITS_WAY = ("submitting",)

_MOST_EVER = 9_999
"""Files that a message can have had: their numbers have four digits."""

SizeCheck = Callable[[Sequence[StoredFile]], None]
"""Raises an error where a file is not allowed beside these."""

AttachmentChange = Callable[[Loaded, StoredAttachment, Sequence[StoredFile]], StoredAttachment]
"""Returns the attachment as it is to be, beside the other files of its message, or raises an error."""


def check_change(loaded: Loaded, version: IfMatch | None) -> None:
    """Check that the change is for this version. Raises Stale, NotAllowed."""
    check_version(version, loaded.etag)
    if version is not None and loaded.message.state in _ON_ITS_WAY:
        raise NotAllowed("The message is being sent, which changes its version: wait, or leave out If-Match.")


def check_unsent(message: StoredMessage, what: str) -> None:
    """Check that the message was not sent; `what` says what can be done until then. Raises NotAllowed."""
    if message.state not in UNSENT:
        raise NotAllowed(f"The message is {message.status}: {what} only until it is sent.")


def check_number(message: StoredMessage, others: Sequence[StoredFile]) -> None:
    """Check that the message has room for one more file. Raises NotAllowed."""
    if len(others) >= MOST_FILES or message.files_made >= _MOST_EVER:
        raise NotAllowed(f"A message has at most {MOST_FILES} attachments and images.")


def check_replacement(message: StoredMessage, file: StoredAttachment) -> None:
    """Check that the bytes of the attachment can be replaced. Raises NotAllowed."""
    if message.state in _ON_ITS_WAY:
        raise NotAllowed("The message is being sent: nothing of it can be replaced now.")
    if not file.followed:
        check_unsent(message, "what travels in it can be replaced")


def check_size(size: int, followed: bool, others: Sequence[StoredFile]) -> None:
    """Check the size of a file, in bytes, beside the others. Raises TooLarge."""
    if followed:
        if size > LARGEST_FOLLOWED:
            raise TooLarge(f"A followed attachment has at most 100 MB ({LARGEST_FOLLOWED:,} bytes), this has {size:,}.")
        return
    most = f"at most 20 MB ({LARGEST_ATTACHED:,} bytes)"
    if size > LARGEST_ATTACHED:
        raise TooLarge(f"What travels in a mail has {most}, this has {size:,}. A followed one travels as a link.")
    beside = sum(each.size for each in others if isinstance(each, StoredAttachment) and not each.followed)
    if size + beside > LARGEST_ATTACHED:
        raise TooLarge(f"All that travels in a mail has {most} together; with this it would have {size + beside:,}.")
