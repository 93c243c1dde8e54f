"""Names in few words, and ids made of names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lib.ids import short_hash

_LONGEST_ID = 60
_HASHED = 8
"""Digits of the hash that tells names apart whose letters no id can hold."""

_NOT_OF_IDS = re.compile(r"[^a-z0-9]+")
_SAYS_NOTHING = re.compile(r"[\s.,:;/()'’&_-]")


def reader_among(recipients: Sequence[str], readings: int) -> str:
    """Name the reader of a mail by its recipients' names; of several it is not known here who read it, or how many."""
    if len(recipients) < 2:
        return recipients[0] if recipients else "Somebody"
    return f"{'One' if readings == 1 else 'At least one'} of {len(recipients)} recipients"


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
