"""Texts that people typed, as keys that sort as a reader expects: without regard to case and accents.

NFKD and case folding are the Unicode Standard's (chapter 3.13, "Default Caseless Matching"). It is no collation of a
language: what has no decomposition, such as `ø` or `ł`, stands after `z`.
"""

from __future__ import annotations

import unicodedata

COLLATED_BYTES = 96
"""Of UTF-8: so many Latin letters, half as many Greek or Cyrillic ones, a third as many Chinese characters."""

_SHORTER_FIRST = "!"
_SHORTER_LAST = "~"
"""Ends of a key: before and after every hexadecimal digit."""


def folded(text: str) -> str:
    """The text without case and accents, and with single spaces: two that read the same are the same."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(bare.split())


def collation_key(text: str) -> str:
    """The text's beginning, folded, in hexadecimal: as safe as a hash wherever keys go, but not secret."""
    # UTF-8 sorts as its code points do, and so does its hexadecimal form.
    return folded(text).encode("utf-8", "replace")[:COLLATED_BYTES].hex()


def ascending(key: str) -> str:
    """A collation key as a part of a row's key that sorts upwards."""
    return key + _SHORTER_FIRST


def descending(key: str) -> str:
    """The same, downwards."""
    return bytes(0xFF - byte for byte in bytes.fromhex(key)).hex() + _SHORTER_LAST
