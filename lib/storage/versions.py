"""Versions of what callers change: etags as they see them, and the condition `If-Match`.

A caller sees a digest of the version that storage gave: strong, opaque, and the same in headers, bodies and lists.
Digests are compared and never read back, so understanding one costs no request of storage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from lib.errors import Stale
from lib.ids import short_hash

_LISTED_TAG = re.compile(r'[ \t,]*((?:W/)?"[\x21\x23-\x7e\x80-\uffff]*")[ \t]*(?=,|$)')
"""A tag of a list, which may have empty elements (RFC 9110, 5.6.1 and 8.8.3)."""


def etag_of(version: str) -> str:
    """Return the strong etag of a version, in quotes."""
    return f'"{short_hash(version)}"'


ETag = Annotated[
    str,
    PlainSerializer(etag_of, return_type=str, when_used="json"),
    WithJsonSchema(
        {"type": "string", "description": "the value of the header ETag, quotes included; send it back as If-Match"}
    ),
]
"""A version in a model that is answered: JSON shows its etag."""


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The versions that a change is made for (RFC 9110, 13.1.1)."""

    etags: frozenset[str] | None
    """The etags in quotes; None for `*`, any version that there is. A weak one matches no version."""

    @staticmethod
    def parse(header: str) -> IfMatch:
        """Read the header: `*`, or a list of etags. Raises ValueError."""
        text = header.strip(" \t")
        if text == "*":
            return IfMatch(None)
        tags, place = set[str](), 0
        while found := _LISTED_TAG.match(text, place):
            tags.add(found[1])
            place = found.end()
        if not tags or text[place:].strip(" \t,"):
            raise ValueError("neither * nor a list of etags in quotes")
        return IfMatch(frozenset(tags))

    @staticmethod
    def for_version(version: str) -> IfMatch:
        """Make the condition that a version of storage is still there."""
        return IfMatch(frozenset((etag_of(version),)))


def check_version(if_match: IfMatch | None, version: str | None) -> None:
    """Check that a change is for this version of storage, or for nothing that is there (None). Raises Stale.

    A change without a condition is for every version.
    """
    if if_match is None:
        return
    if version is None or (if_match.etags is not None and etag_of(version) not in if_match.etags):
        raise Stale
