"""The pictures of a draft inside its HTML, for a frame that loads nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote

from lib.files.contents import BytesMissing
from lib.files.models import StoredImage
from lib.services import Services

_CID = re.compile(r"""(?<=["'])cid:([^"'\s<>]{1,300})(?=["'])""", re.IGNORECASE)
_MOST_BYTES = 10 * 1024 * 1024
"""Bytes of all pictures together. Of more, none is shown: the mail itself shows all."""


async def with_pictures_inside(services: Services, organization: str, message: str, html: str) -> str:
    """Put the pictures that the HTML names in the place of their names. One that is missing stays as it is."""
    named = {unquote(each) for each in _CID.findall(html)}
    loaded = await services.messages.load(organization, message) if named else None
    if loaded is None:
        return html
    files = await services.files.list_for_mail(organization, loaded.message)
    images = [each for each in files if isinstance(each, StoredImage) and each.cid in named]
    size = sum(each.size for each in images)
    if not images or size > _MOST_BYTES:
        return html
    try:
        parts = await services.files.contents_of_mail(organization, size).read_parts(images)
    except BytesMissing:
        return html
    shown = {part.cid: f"data:{part.content_type};base64,{b64encode(part.data).decode()}" for part in parts}
    return _CID.sub(lambda found: shown.get(unquote(found[1]), found[0]), html)
