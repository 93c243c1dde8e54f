"""Images of a mail's body: `<img src="cid:…">` becomes a hosted image where the copy is followed, or stays an inline
part. And how a hosted one is served: from memory where it was asked for before, in the end from storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from html import escape
from urllib.parse import unquote

from cachetools import LRUCache

from lib.files.image_formats import BrokenImage, known_image_type
from lib.files.models import LARGEST_IMAGE, StoredImage
from lib.messages.models import Remark
from lib.rewrite import markup
from lib.rewrite.html_part import decoded
from lib.rewrite.links import WHITE_SPACE
from lib.rewrite.remarks import Places
from lib.storage import Blobs, Missing
from lib.storage import layout as tables
from lib.tokens import Claim

_HOSTED = re.compile(r"(https?://[^/?#]++(?:/[^/?#]*+)*?/i/)([\w-]++)(/[^?#]*+)", re.ASCII | re.IGNORECASE)
_CID = re.compile(r"cid:(.+)", re.IGNORECASE | re.DOTALL)
# Where neither stands, not even as character references, reading the HTML would find nothing.
_PERHAPS_HOSTED = re.compile(r"/i/|&(?:#|sol)", re.IGNORECASE | re.ASCII)
_PERHAPS_CID = re.compile(r"cid(?::|&)|&#", re.IGNORECASE | re.ASCII)
MOST_HOSTED = 2_000
"""Places in a mail where images are hosted; what is more stays as it is, inside the mail."""

_MOST_REMARKS = 50

Requote = Callable[[str], str | None]
"""Another token for the token of an image in older mail; None for what stays."""


def host_images(
    html: str, images: Sequence[StoredImage], url_of: Callable[[StoredImage], str] | None, requote: Requote
) -> str:
    """The HTML with these images hosted. Without `url_of` they stay as they are, and only quoted ones change."""
    if not _PERHAPS_HOSTED.search(html) and not (images and url_of and _PERHAPS_CID.search(html)):
        return html
    by_cid = {image.cid: image for image in images}
    pieces, done = list[str](), 0
    urls: dict[str, str] = {}
    for found in markup.read(html).images:
        source = decoded(html[found.value_start : found.value_end]).strip(WHITE_SPACE)
        url = None
        if cid := _CID.fullmatch(source):
            image = by_cid.get(unquote(cid[1]))
            if image and url_of and len(pieces) < 2 * MOST_HOSTED:
                url = urls.get(image.id) or urls.setdefault(image.id, escape(url_of(image)))
        elif (hosted := _HOSTED.fullmatch(source)) and (token := requote(hosted[2])):
            url = escape(hosted[1] + token + hosted[3])
        if url is not None:
            pieces += (html[done : found.value_start], url)
            done = found.value_end
    return "".join([*pieces, html[done:]])


def missing_images(html: str, images: Sequence[StoredImage]) -> list[Remark]:
    """A remark on each `cid:` of an `<img>` that names no image of this message."""
    if not _PERHAPS_CID.search(html):
        return []
    known = {image.cid for image in images}
    places = Places("html", html)
    remarks, more = list[Remark](), 0
    for found in markup.read(html).images:
        cid = _CID.fullmatch(decoded(html[found.value_start : found.value_end]).strip(WHITE_SPACE))
        if not cid or unquote(cid[1]) in known:
            continue
        if len(remarks) < _MOST_REMARKS:
            text = "No image of this message has this cid. It stays as it is, and shows nothing."
            remarks.append(Remark(code="no-such-image", text=text, place=places.name(found.value_start)))
        else:
            more += 1
    if more:
        remarks.append(Remark(code="more", text=f"And {more} more such images."))
    return remarks


def images_in(html: str | None, images: Iterable[StoredImage]) -> list[StoredImage]:
    """Those that the HTML names."""
    return [] if html is None else [image for image in images if image.cid in html or _escaped(image.cid) in html]


def _escaped(cid: str) -> str:
    return cid.replace("@", "%40")


class HostedImages:
    """Images by the blob's name, which never holds anything else: at most `most_bytes` of them stay in memory."""

    def __init__(self, blobs: Blobs, most_bytes: int = 4 * LARGEST_IMAGE) -> None:
        self._blobs = blobs
        self._kept: LRUCache[tuple[str, str], tuple[bytes, str]] = LRUCache(most_bytes, lambda kept: len(kept[0]))

    async def read_image(self, claim: Claim) -> tuple[bytes, str] | None:
        """The bytes and their media type; None where it is gone. Raises StorageError."""
        name = claim.organization, f"images/{claim.message}/{claim.destination}"
        if name in self._kept:
            return self._kept[name]
        try:
            data = await self._blobs.read_blob(tables.container(name[0]), name[1])
            found = data, known_image_type(data)
        except (Missing, BrokenImage):
            return None
        with suppress(ValueError):  # it is larger than all that may stay
            self._kept[name] = found
        return found
