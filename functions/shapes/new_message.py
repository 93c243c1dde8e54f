"""A new message as it is posted: a draft, and what else may be done with it in the same call."""

from __future__ import annotations

import binascii
from typing import Annotated

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema, model_validator

from lib.fields import Model
from lib.files.models import LARGEST_ATTACHED, LARGEST_IMAGE, MOST_FILES
from lib.messages.models import DraftSpec

LONGEST_FILENAME = 2000
"""Characters of a name that is sent; it is stored shorter."""

Filename = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_FILENAME)]


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("a text in base64 is needed here")
    try:
        data = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64 (RFC 4648, section 4), which has no line breaks") from None
    if not data:
        raise ValueError("the file is empty")
    return data


def _decoded_image(value: object) -> bytes:
    data = _decoded(value)
    if len(data) > LARGEST_IMAGE:
        raise ValueError(f"an image has at most {LARGEST_IMAGE:,} bytes, this has {len(data):,}")
    return data


def _base64(largest: int) -> WithJsonSchema:
    """Describe a text in base64 of so many bytes."""
    return WithJsonSchema({"type": "string", "contentEncoding": "base64", "maxLength": -(-largest // 3) * 4})


class NewAttachment(Model):
    """A file of a new message."""

    filename: Filename
    content: Annotated[bytes, PlainValidator(_decoded), _base64(LARGEST_ATTACHED)] = Field(
        description="the file's bytes in base64"
    )
    followed: bool = Field(False, description="whether it travels as a link whose views count")


class NewImage(Model):
    """An image of a new message's HTML: PNG, JPEG, GIF or WebP."""

    filename: Filename
    content: Annotated[bytes, PlainValidator(_decoded_image), _base64(LARGEST_IMAGE)] = Field(
        description="the image's bytes in base64, at most 5 MB"
    )
    cid: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$")] = Field(
        description='the name by which the HTML shows it, as `<img src="cid:logo">`; no two images have the same'
    )


class NewMessage(DraftSpec):
    """A new message, perhaps an answer to another one, with its files; perhaps to be sent at once."""

    render: bool = Field(
        False,
        description="whether `template` gives the subject, where none is given, and the body, with the values of `to`, "
        "`from` and `regarding`; of several recipients, the first is the one whom the template names",
    )
    attachments: list[NewAttachment] = Field([], max_length=MOST_FILES)
    images: list[NewImage] = Field([], max_length=MOST_FILES)
    send: bool = Field(
        False, description="whether to send it now, or at its `deliver_at`; what cannot be sent is not made either"
    )

    @property
    def does_more(self) -> bool:
        """Whether more is asked for than a draft."""
        return bool(self.attachments or self.images or self.send)

    @model_validator(mode="after")
    def _fits_together(self) -> NewMessage:
        if self.render and self.template is None:
            raise ValueError("render needs a template")
        if self.render and (self.html is not None or self.text is not None):
            raise ValueError("with render the template gives html and text: leave them out")
        if len(self.attachments) + len(self.images) > MOST_FILES:
            raise ValueError(f"a message has at most {MOST_FILES} attachments and images together")
        if len({image.cid for image in self.images}) < len(self.images):
            raise ValueError("two images have the same cid")
        return self
