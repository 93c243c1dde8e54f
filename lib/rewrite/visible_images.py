"""Whether HTML shows an image that a mail program has to load: then it asks the reader, and the pixel loads, too."""

from __future__ import annotations

import re

from turbohtml import tokenize

from lib.rewrite import markup
from lib.rewrite.links import WHITE_SPACE

_LOADED = re.compile(r"(?:https?:|//|cid:)", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:\bbackground=[\"']?|\burl\([\"']?|&quot;)(?:https?:|cid:)", re.IGNORECASE | re.ASCII)
_HIDDEN = re.compile(
    r"(?:display:none|visibility:hidden|opacity:0(?![.\d])|(?:^|;)(?:max-)?(?:width|height):[0-2](?:px)?(?=;|!|$))"
)
_SMALL = re.compile(r"[0-2](?:px)?")
_MOST_LOOKED_AT = 200
"""Images; a mail whose first 200 images are all invisible is taken for one without."""


def has_visible_image(html: str) -> bool:
    """Whether the HTML has an image from a server, or of the mail itself, that is larger than a pixel or two."""
    for image in markup.read(html).images[:_MOST_LOOKED_AT]:
        if _is_visible(html[image.start : image.end]):
            return True
    return bool(_BACKGROUND.search(html))


def _is_visible(tag: str) -> bool:
    image = next(tokenize(tag))
    if not _LOADED.match((image.attr("src", "") or "").strip(WHITE_SPACE)):
        return False
    style = re.sub(r"\s+", "", image.attr("style", "") or "").lower()
    is_small = any(_SMALL.fullmatch((image.attr(side, "") or "").strip()) for side in ("width", "height"))
    is_hidden = any(name == "hidden" for name, _ in image.attrs or ())
    return not (is_small or is_hidden or _HIDDEN.search(style))
