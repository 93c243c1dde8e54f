"""What in a mail is ours already: links and pixels of older mail that it quotes, and of a first pass over it."""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from lib.rewrite.links import WHITE_SPACE

_PATHS: Final = ("/c/", "/o/", "/i/", "/a/", "/p/")
# At any host: what opens is ours, and the base of our URLs may have been another when the older mail was sent.
_LINK: Final = re.compile(
    r"https?://[^/?#]++(?:/[^/?#]*+)*?/c/([\w-]++)(?:[?#].*)?", re.ASCII | re.IGNORECASE | re.DOTALL
)
# Anywhere: the image proxies of mail programs have the image's own URL in theirs, with slashes or with escapes.
_PIXEL: Final = re.compile(r"(?:/|%2F)o(?:/|%2F)([\w-]++)\.gif", re.ASCII | re.IGNORECASE)


class Opened(NamedTuple):
    """What a token of ours says: where a link leads, and whether it belongs to the very mail that is rewritten."""

    destination: str
    is_this_mail: bool


OpenToken = Callable[[Literal["link", "pixel"], str], Opened | None]
"""Opens the token of a link or a pixel; None for what is none of ours."""


class Ours:
    """Tells our URLs from others'. `own` is the base of those made today; older ones are known by what they open to."""

    def __init__(self, own: str, open_token: OpenToken | None) -> None:
        self._base: Final = own.rstrip("/").lower()
        self._own: Final = tuple(self._base + path for path in _PATHS)
        self._longest: Final = len(self._base) + max(map(len, _PATHS))
        self._open: Final = open_token

    def is_own(self, address: str) -> bool:
        """Whether it is one of our endpoints, as they are called today."""
        return self._beginning(address).startswith(self._own)

    def link(self, address: str) -> Opened | None:
        """What a link of ours says; None for other links, and for those that cannot be opened."""
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
