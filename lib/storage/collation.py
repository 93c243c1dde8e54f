"""Keys that sort texts as a reader expects: without regard to case and accents.

NFKD and case folding are the Unicode Standard's (chapter 3.13, "Default Caseless Matching"). The order is not that of
any language: letters without a decomposition, such as `ø` or `ł`, stand after `z`.
"""

from __future__ import annotations

import unicodedata

COLLATED_BYTES = 96
"""Bytes of UTF-8 that a key holds: 96 Latin letters, 48 Greek or Cyrillic ones, or 32 Chinese characters."""

_SHORTER_FIRST = "!"
_SHORTER_LAST = "~"
"""Ends of a key: before and after every hexadecimal digit."""


def folded(text: str) -> str:
    """The text without case and accents, and with single spaces: texts that read the same become the same."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(bare.split())


def collation_key(text: str) -> str:
    """The beginning of the folded text in hexadecimal: as safe in a key as a hash, but not secret."""
    # UTF-8 sorts as its code points do, and so does its hexadecimal form.
    return folded(text).encode("utf-8", "replace")[:COLLATED_BYTES].hex()


def ascending(key: str) -> str:
    """A collation key as a part of a row's key that sorts upwards."""
    return key + _SHORTER_FIRST


def descending(key: str) -> str:
    """A collation key as a part of a row's key that sorts downwards."""
    return bytes(0xFF - byte for byte in bytes.fromhex(key)).hex() + _SHORTER_LAST
