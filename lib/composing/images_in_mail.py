"""The images of a mail's body. In a followed copy the `cid:` of an image becomes a hosted image; else it stays a part.

The `cid:` may stand in the `src` of `<img>` and of VML, in `background`, `srcset` and CSS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote

from lib.files.models import StoredImage
from lib.messages.models import Remark
from lib.rewrite import markup
from lib.rewrite.html_part import decoded
from lib.rewrite.image_places import read_image_places
from lib.rewrite.links import WHITE_SPACE
from lib.rewrite.remarks import SourcePlaces

_HOSTED = re.compile(r"(https?://[^/?#]++(?:/[^/?#]*+)*?/i/)([\w-]++)(/[^?#]*+)", re.ASCII | re.IGNORECASE)
_CID = re.compile(r"cid:(.+)", re.IGNORECASE | re.DOTALL)
_PERHAPS_CID = re.compile(r"cid(?::|&)|&#", re.IGNORECASE | re.ASCII)
"""Letters without which no image has a `cid:`, even written as character references."""

MOST_HOSTED = 2_000
"""Places in a mail where images are hosted; further ones stay as they are, inside the mail."""

_MOST_REMARKS = 50

Requote = Callable[[str], str | None]
"""Another token for the token of an image in older mail; None where the image stays as it is."""


def image_exchange(
    images: Sequence[StoredImage], url_of: Callable[[StoredImage], str] | None, requote: Requote
) -> Callable[[str], str | None]:
    """Return a function that gives an image's source another one, or None.

    Without `url_of` the images of the mail stay as they are, and only quoted ones change.
    """
    by_cid = {image.cid: image for image in images}
    urls: dict[str, str] = {}
    left = MOST_HOSTED

    def exchange(source: str) -> str | None:
        nonlocal left
        if cid := _CID.fullmatch(source):
            image = by_cid.get(_unquoted(cid[1]))
            if image is None or url_of is None or left == 0:
                return None
            left -= 1
            return urls.get(image.id) or urls.setdefault(image.id, url_of(image))
        if (hosted := _HOSTED.fullmatch(source)) and (token := requote(hosted[2])):
            left = max(0, left - 1)
            return hosted[1] + token + hosted[3]
        return None

    return exchange


def missing_images(html: str, images: Sequence[StoredImage]) -> list[Remark]:
    """Return a remark on each `cid:` of an image's place that names no image of this message.

    Only the first `MOST_HOSTED` places are looked at: further ones are hosted in no case.
    """
    if not _PERHAPS_CID.search(html):
        return []
    known = {image.cid for image in images}
    places = SourcePlaces("html", html)
    remarks, more = list[Remark](), 0
    spans = [(image.value_start, image.value_end) for image in markup.read(html).images]
    spans += [(each.start, each.end) for each in read_image_places(html)]
    for start, end in sorted(spans)[:MOST_HOSTED]:
        cid = _CID.fullmatch(decoded(html[start:end]).strip(WHITE_SPACE))
        if not cid or _unquoted(cid[1]) in known:
            continue
        if len(remarks) < _MOST_REMARKS:
            text = "No image of this message has this cid. It stays as it is, and shows nothing."
            remarks.append(Remark(code="no-such-image", text=text, place=places.name(start)))
        else:
            more += 1
    if more:
        remarks.append(Remark(code="more", text=f"And {more} more such images."))
    return remarks


def images_in(html: str | None, images: Iterable[StoredImage]) -> list[StoredImage]:
    """Return the images that the HTML shows from inside the mail."""
    return [] if html is None else [image for image in images if image.cid in html or _escaped(image.cid) in html]


def _escaped(cid: str) -> str:
    return cid.replace("@", "%40")


def _unquoted(cid: str) -> str:
    # Nearly every one is plain, and the library takes a while to find that.
    return unquote(cid) if "%" in cid else cid
