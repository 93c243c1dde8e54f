"""Normalize names of cities and countries for comparison."""

from __future__ import annotations

import re
import unicodedata

_DROPPED = re.compile(r"[.'’`]")
_SEPARATORS = re.compile(r"[\W_]+")
_UNDECOMPOSED = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
"""Letters that Unicode does not decompose into a base letter and a mark."""


def folded(name: str) -> str:
    """Lower case without accents and punctuation: `São Paulo` and `SAO-PAULO` are `sao paulo`, `U.S.A.` is `usa`."""
    letters = unicodedata.normalize("NFKD", _DROPPED.sub("", name).casefold()).translate(_UNDECOMPOSED)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", plain).strip()
