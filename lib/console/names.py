"""Names in few words, and ids made of names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lib.ids import short_hash

_SHOWN = 2
_LONGEST_ID = 60
_HASHED = 8
"""Digits of the hash that tells names apart whose letters no id can hold."""

_NOT_OF_IDS = re.compile(r"[^a-z0-9]+")
_SAYS_NOTHING = re.compile(r"[\s.,:;/()'’&_-]")


def first_names(names: Sequence[str]) -> str:
    """Name one or two people, and count the others: `Ada, Bob and 3 others`."""
    if not names:
        return "Nobody"
    shown, others = names[:_SHOWN], len(names) - _SHOWN
    if others > 0:
        return f"{', '.join(shown)} and {others} other{'s' if others > 1 else ''}"
    return " and ".join(shown)


def id_of_name(name: str, kind: str) -> str:
    """Make an id of a name: `first-contact`. The same name gives the same id.

    Accents are dropped. A name with other signs that ids do not have, or that is too long, gets a hash at its end; one
    of such signs alone is called by its kind: `template-1f0c2d3e`.
    """
    marked = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(sign for sign in marked if not unicodedata.combining(sign))
    kept = _NOT_OF_IDS.sub("-", plain).strip("-")
    said = _SAYS_NOTHING.sub("", plain)
    if kept and len(kept) <= _LONGEST_ID and said.isascii() and said.isalnum():
        return kept
    beginning = kept[: _LONGEST_ID - _HASHED - 1].strip("-") or kind
    return f"{beginning}-{short_hash(plain)[:_HASHED]}"
