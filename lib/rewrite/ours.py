"""URLs of ours that stand in a mail already: links and pixels of older mail that it quotes, and of a first pass."""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from lib.rewrite.links import WHITE_SPACE

_PATHS: Final = ("/c/", "/o/", "/i/", "/a/", "/p/")
# At any host: what opens is ours, and the base of our URLs may have been another when the older mail was sent.
# Mail programs may have taken words that touched the token for a part of it.
_LINK: Final = re.compile(
    r"https?://[^/?#]++(?:/[^/?#]*+)*?/c/([\w-]++)(?:[^/].*)?", re.ASCII | re.IGNORECASE | re.DOTALL
)
# Anywhere: the image proxies of mail programs have the image's own URL in theirs, with slashes or with escapes.
_PIXEL: Final = re.compile(r"(?:/|%2F)o(?:/|%2F)([\w-]++)\.gif", re.ASCII | re.IGNORECASE)


class Opened(NamedTuple):
    """The content of a token of ours."""

    destination: str
    is_this_mail: bool
    """Whether it belongs to the very mail that is rewritten."""


OpenToken = Callable[[Literal["link", "pixel"], str], Opened | None]
"""Opens the token of a link or a pixel; None where it is none of ours."""


class Ours:
    """Tells our URLs from others'. `own` is the base of today's URLs; older ones are known by their tokens."""

    def __init__(self, own: str, open_token: OpenToken | None) -> None:
        self._base: Final = own.rstrip("/").lower()
        self._own: Final = tuple(self._base + path for path in _PATHS)
        self._longest: Final = len(self._base) + max(map(len, _PATHS))
        self._open: Final = open_token

    def is_own(self, address: str) -> bool:
        """Whether the address is one of our endpoints under today's base."""
        return self._beginning(address).startswith(self._own)

    def link(self, address: str) -> Opened | None:
        """Return the content of a link of ours; None for other links, and for those that cannot be opened."""
        if self._open is None or "/c/" not in address:
            return None
        found = _LINK.fullmatch(address.strip(WHITE_SPACE))
        return self._open("link", found[1]) if found else None

    def is_pixel(self, address: str) -> bool:
        """Whether it is a pixel of ours. At today's address all are: one that cannot be opened tracks nothing."""
        if self._open is None:
            return False
        if self._beginning(address).startswith(self._base + "/o/"):
            return True
        return any(self._open("pixel", found[1]) is not None for found in _PIXEL.finditer(address))

    def _beginning(self, address: str) -> str:
        return address.strip(WHITE_SPACE)[: self._longest].lower()
