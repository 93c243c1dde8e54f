"""Contents of a message that may be too large for a row: its body, and the destinations of its links.

A blob is named by its content: a process that dies leaves a blob too many, never a row without one.
"""

from __future__ import annotations

import json
from hashlib import blake2b

from pydantic import BaseModel

from lib.messages.copy_rows import Copy
from lib.messages.models import Body
from lib.storage import Blobs, Missing, Row, Unavailable
from lib.storage.documents import pack, unpack
from lib.storage.layout import container

BODY = "body"
"""Key of the row with a message's body."""

_INLINE_BYTES = 32 * 1024
_JSON = "application/json"
_BYTES = "application/octet-stream"


class _StoredBody(BaseModel):
    """Either the body itself, or the name of the blob that holds it."""

    body: Body | None = None
    blob: str | None = None


class Contents:
    """Reads and writes contents, in rows where they fit, else in blobs."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def body_in_row(self, organization: str, message: str, row: Row | None) -> Body:
        """Read the body in the row, or in the blob that it names; an empty one without a row. Raises Unavailable."""
        if row is None:
            return Body()
        stored = unpack(_StoredBody, row)
        if stored.blob is None:
            return stored.body or Body()
        try:
            data = await self._blobs.read_blob(container(organization), stored.blob)
        except Missing as error:
            raise Unavailable(f"the body of message {message} is missing") from error
        if _blob_name(message, data, _BYTES) != stored.blob:
            raise Unavailable(f"the body of message {message} is not as it was stored")
        return _body_in(data)

    async def body_row(self, organization: str, message: str, body: Body) -> Row:
        """Return the row of a body, which stands in a blob where it is large. Raises StorageError."""
        data = _blob_of(body)
        if len(data) <= _INLINE_BYTES:
            return Row(message, BODY, pack(_StoredBody(body=body)))
        return Row(message, BODY, pack(_StoredBody(blob=await self._put_blob(organization, message, data, _BYTES))))

    async def links_of(self, organization: str, copy: Copy) -> list[str]:
        """Read the destinations of a copy's links, by index. Raises StorageError."""
        if isinstance(copy.links, list):
            return copy.links
        found: list[str] = json.loads(await self._blobs.read_blob(container(organization), copy.links))
        return found

    async def copy_row(self, organization: str, message: str, key: str, copy: Copy) -> Row:
        """Return the row of a copy; its links stand in a blob where they are large. Raises StorageError."""
        if copy.links_of is not None:
            return Row(message, key, pack(copy.model_copy(update={"links": []})))
        if isinstance(copy.links, str):
            return Row(message, key, pack(copy))
        data = json.dumps(copy.links).encode()
        if len(data) > _INLINE_BYTES:
            copy = copy.model_copy(update={"links": await self._put_blob(organization, message, data)})
        return Row(message, key, pack(copy))

    async def _put_blob(self, organization: str, message: str, data: bytes, content_type: str = _JSON) -> str:
        name = _blob_name(message, data, content_type)
        await self._blobs.put_blob(container(organization), name, data, content_type)
        return name


def body_blob(row: Row) -> str | None:
    """Return the name of the blob that the row of a body stands for; None where the body is in the row."""
    return unpack(_StoredBody, row).blob


def _blob_name(message: str, data: bytes, content_type: str) -> str:
    ending = ".json" if content_type == _JSON else ""
    return f"messages/{message}/{blake2b(data, digest_size=16).hexdigest()}{ending}"


def _blob_of(body: Body) -> bytes:
    """Return a line of JSON with the lengths of the forms in bytes, then the forms. JSON of 3 MB would take 40 ms to
    read."""
    forms = {name: form.encode() for name, form in (("html", body.html), ("text", body.text)) if form is not None}
    return b"\n".join(
        [json.dumps({name: len(form) for name, form in forms.items()}).encode(), b"".join(forms.values())]
    )


def _body_in(data: bytes) -> Body:
    """Read a body back: the inverse of `_blob_of`."""
    head, _, forms = data.partition(b"\n")
    found, start = dict[str, str](), 0
    for name, length in json.loads(head).items():
        found[name] = forms[start : start + length].decode()
        start += length
    return Body(**found)
