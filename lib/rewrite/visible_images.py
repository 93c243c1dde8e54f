"""Whether HTML shows an image that a mail program has to load: then it asks the reader, and the pixel loads, too."""

from __future__ import annotations

import re
from itertools import islice

from turbohtml import Token, TokenType

from lib.rewrite.links import WHITE_SPACE
from lib.rewrite.shown import shown_tokens

_LOADED = re.compile(r"(?:https?:|//|cid:)", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:\bbackground=[\"']?|\burl\([\"']?|&quot;)(?:https?:|cid:)", re.IGNORECASE | re.ASCII)
_HIDDEN = re.compile(
    r"(?:display:none|visibility:hidden|opacity:0(?![.\d])|(?:^|;)(?:max-)?(?:width|height):[0-2](?:px)?(?=;|!|$))"
)
_SMALL = re.compile(r"[0-2](?:px)?")
_ANY_IMAGE = re.compile("<im(?:g|age)", re.IGNORECASE | re.ASCII)
_IMAGES = ("img", "image")
_MOST_LOOKED_AT = 200
"""Images; a mail whose first 200 images are all invisible is taken for one without."""


def has_visible_image(html: str) -> bool:
    """Whether the HTML has an image from a server, or of the mail itself, that is larger than a pixel or two.

    An image inside a hidden element, such as a preheader, or in a comment for Outlook alone, is none.
    """
    tokens = shown_tokens(html) if _ANY_IMAGE.search(html) else ()
    images = (each for each in tokens if each.type is TokenType.START_TAG and each.tag in _IMAGES)
    return any(map(_is_visible, islice(images, _MOST_LOOKED_AT))) or bool(_BACKGROUND.search(html))


def _is_visible(image: Token) -> bool:
    if not _LOADED.match((image.attr("src", "") or "").strip(WHITE_SPACE)):
        return False
    style = re.sub(r"\s+", "", image.attr("style", "") or "").lower()
    is_small = any(_SMALL.fullmatch((image.attr(side, "") or "").strip()) for side in ("width", "height"))
    is_hidden = any(name == "hidden" for name, _ in image.attrs or ())
    return not (is_small or is_hidden or _HIDDEN.search(style))
