"""Files of a message: attachments, followed or not, and the images of its body."""

from __future__ import annotations

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Deleted, Endpoints
from functions.api.problems import invalid
from functions.resources.messages import load_message
from functions.shapes.attachment import AttachmentRead, read_attachment, read_attachments
from functions.shapes.new_message import Filename
from lib.errors import NotAllowed, TooLarge, WrongField
from lib.fields import Model, Moment, QueryFlag
from lib.files.image_formats import BrokenImage
from lib.files.models import (
    LARGEST_FOLLOWED,
    LARGEST_IMAGE,
)
from lib.files.permitted import UNSENT
from lib.messages.deliveries import fixed_follow_state
from lib.messages.models import StoredMessage

endpoints = Endpoints("Attachments")

_SPARE = 512 * 1024
"""Bytes that are read beyond the largest file, so that the answer can name the limit."""


class AttachmentQuery(Model):
    filename: Filename
    followed: QueryFlag = False


class ReplacementQuery(Model):
    filename: Filename | None = None


class ImageQuery(Model):
    filename: Filename


class AttachmentPatch(Model):
    """Changes to an attachment: `followed` until the message is sent, the others at any time."""

    followed: bool | None = None
    revoked: bool | None = None
    expires_at: Moment | None = Field(None, description="null removes the end")


class AttachmentList(BaseModel):
    """All attachments of a message, on one page."""

    items: list[AttachmentRead]
    next: None = None


class ImageRead(BaseModel):
    """An image of the body, which the HTML shows by `<img src="cid:…">`."""

    id: str
    cid: str


@endpoints(
    "POST",
    "/messages/{message}/attachments",
    query=AttachmentQuery,
    answers={201: AttachmentRead},
    largest_file=LARGEST_FOLLOWED + _SPARE,
)
async def add_attachment(call: Call) -> Answer:
    """Add a file to a draft, a scheduled or a failed message; a followed one where the message is followed.

    The header `ETag` is the message's new version, for `If-Match` of the next change.
    """
    loaded = await load_message(call)
    _check_not_empty(call)
    query: AttachmentQuery = call.query
    if query.followed:
        await check_followed_file(call, loaded.message)
    file = await call.services.files.add_file(
        call.org,
        loaded.message.id,
        call.made_id,
        query.filename,
        call.body,
        followed=query.followed,
        version=call.if_match,
    )
    await _tell_lists(call, loaded.message)
    return Answer(201, await read_attachment(call, file, loaded), file.message_version)


@endpoints("GET", "/messages/{message}/attachments", answers={200: AttachmentList})
async def list_attachments(call: Call) -> Answer:
    """List the message's attachments."""
    loaded = await load_message(call)
    return Answer(200, AttachmentList(items=await read_attachments(call, loaded)))


@endpoints(
    "PUT",
    "/messages/{message}/attachments/{attachment}",
    query=ReplacementQuery,
    answers={200: AttachmentRead},
    largest_file=LARGEST_FOLLOWED + _SPARE,
)
async def replace_attachment(call: Call) -> Answer:
    """Replace an attachment; a followed one also after the message was sent, under the same links."""
    loaded = await load_message(call)
    _check_not_empty(call)
    file = await call.services.files.replace_attachment(
        call.org, loaded.message.id, call.path["attachment"], call.query.filename, call.body, call.if_match
    )
    await _tell_lists(call, loaded.message)
    return Answer(200, await read_attachment(call, file, loaded), file.message_version)


@endpoints("PATCH", "/messages/{message}/attachments/{attachment}", body=AttachmentPatch, answers={200: AttachmentRead})
async def patch_attachment(call: Call) -> Answer:
    """Change whether an attachment is followed, revoked, or expires."""
    loaded = await load_message(call)
    patch: AttachmentPatch = call.body
    if patch.followed:
        await check_followed_file(call, loaded.message)
    expires = (patch.expires_at,) if "expires_at" in patch.model_fields_set else None
    try:
        file = await call.services.files.change_attachment(
            call.org,
            loaded.message.id,
            call.path["attachment"],
            followed=patch.followed,
            revoked=patch.revoked,
            expires=expires,
            version=call.if_match,
        )
    except TooLarge as error:
        raise WrongField(["followed"], f"{error}") from None
    await _tell_lists(call, loaded.message)
    return Answer(200, await read_attachment(call, file, loaded), file.message_version)


@endpoints("DELETE", "/messages/{message}/attachments/{attachment}", answers={200: Deleted})
async def delete_attachment(call: Call) -> Answer:
    """Remove an attachment from a draft, a scheduled or a failed message."""
    loaded = await load_message(call)
    await call.services.files.remove_attachment(call.org, loaded.message.id, call.path["attachment"], call.if_match)
    await _tell_lists(call, loaded.message)
    return Answer(200, Deleted(deleted=call.path["attachment"]))


@endpoints(
    "POST",
    "/messages/{message}/images",
    query=ImageQuery,
    answers={201: ImageRead},
    largest_file=LARGEST_IMAGE,
)
async def add_image(call: Call) -> Answer:
    """Add an image of the body: PNG, JPEG, GIF or WebP.

    The header `ETag` is the message's new version, for `If-Match` of the next change.
    """
    loaded = await load_message(call)
    _check_not_empty(call)
    try:
        image = await call.services.files.add_image(
            call.org, loaded.message.id, call.made_id, call.query.filename, call.body, version=call.if_match
        )
    except BrokenImage as error:
        raise invalid(["body"], f"{error}") from None
    await _tell_lists(call, loaded.message)
    return Answer(201, ImageRead(id=image.id, cid=image.cid), image.message_version)


def _check_not_empty(call: Call) -> None:
    if not call.body:
        raise invalid(["body"], "the file is empty")


async def check_followed_file(call: Call, message: StoredMessage) -> None:
    """Refuse a followed file of a message that is not followed: no link would lead to it. Raises NotAllowed."""
    if message.state not in UNSENT:
        return
    state = fixed_follow_state(message) or await call.services.preparation.follow_state(
        call.org, call.organization.settings, message
    )
    if state.state != "on":
        raise NotAllowed(
            f"The message is not followed, so its files cannot be: {state.reason} "
            "With followed=false the file travels in the mail."
        )


async def _tell_lists(call: Call, message: StoredMessage) -> None:
    """Bring lists up to date, which show the message's etag.

    The etag changes with the files; after sending only where the request named it by If-Match.
    """
    if message.state in UNSENT or call.if_match:
        await call.services.assessor.refresh(call.org, message.id)
