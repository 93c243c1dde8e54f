"""Records found by how a name or an address begins."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lib.people.records import StoredRecord
from lib.storage.collation import folded

_BETWEEN = re.compile(r"[\s,;:()\"'’/-]+")


def read_words(text: str) -> list[str]:
    """Read the words that somebody searches for, without case and accents: `Meier, An` is `meier` and `an`."""
    return [word for word in re.split(r"[\s,;]+", folded(text)) if word]


def begins_so(record: StoredRecord, words: Sequence[str]) -> bool:
    """Tell whether each word begins a word of the record's name or company, or one of its addresses."""
    named = folded(" ".join((record.name, record.first_name, record.last_name, record.company)))
    there = [*named.split(), *_BETWEEN.split(named), *map(folded, record.emails)]
    return all(any(each.startswith(word) for each in there) for word in words)
