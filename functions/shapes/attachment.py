"""Attachments as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from functions.api.endpoint import Call
from lib.assessment.summary import summary_of
from lib.checks import Check, make_check
from lib.fields import Moment
from lib.files.models import StoredAttachment, is_gone
from lib.files.permitted import UNSENT
from lib.files.sensitive_names import looks_sensitive
from lib.messages.store import Loaded


class AttachmentRead(BaseModel):
    """A file of a message."""

    id: str
    filename: str
    size: int = Field(description="in bytes")
    content_type: str = Field(description="found from the file's bytes")
    followed: bool
    views: int = Field(0, description="views by people")
    revoked: bool = False
    expires_at: Moment | None = None
    check: list[Check] = Field(default_factory=list, description="what to know of it before it is sent")


async def read_attachments(call: Call, loaded: Loaded) -> list[AttachmentRead]:
    """Read all attachments of the message."""
    files = await call.services.files.attachments(call.org, loaded.message)
    return [attachment_read(call, file, loaded, files) for file in files]


async def read_attachment(call: Call, file: StoredAttachment, loaded: Loaded) -> AttachmentRead:
    """Show one attachment that has just been added or changed."""
    if file.followed or call.services.limits.mail is None:
        return attachment_read(call, file, loaded, [file])
    files = await call.services.files.attachments(call.org, loaded.message.model_copy(update={"files_made": 1}))
    return attachment_read(call, file, loaded, files)


def attachment_read(
    call: Call, file: StoredAttachment, loaded: Loaded, files: Sequence[StoredAttachment]
) -> AttachmentRead:
    """Show one attachment; `files` are all attachments of the message, which together must fit into the mail."""
    fields = {name: getattr(file, name) for name in AttachmentRead.model_fields if hasattr(file, name)}
    views = summary_of(loaded).attachment_views.get(file.number, 0)
    check: list[Check] = []
    if loaded.message.state in UNSENT and file.followed and looks_sensitive(file.filename):
        check = [make_check("sensitive_file", [file.filename])]
    elif loaded.message.state in UNSENT and not file.followed:
        limits = call.services.limits
        inside = [each.size for each in files if not each.followed and not is_gone(each, call.now)]
        check = limits.of_files([file.size]) or limits.of_files(inside)
    return AttachmentRead(**fields, views=views, check=check)
