"""Versions of what callers change: etags as they see them, and the conditions `If-Match` and `If-None-Match`.

The field `etag` is a digest of the version that storage gave, in bodies and lists alike. The header `ETag` has a digest
of the answer behind it: an answer shows more than the version names, such as counts, and times in the reader's zone.
Both are strong and opaque, and `If-Match` takes either. Digests are compared and never read back, so understanding one
costs no request of storage.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema

from lib.errors import Stale
from lib.ids import short_hash

_LISTED_TAG = re.compile(r'[ \t,]*((?:W/)?"[\x21\x23-\x7e\x80-\uffff]*")[ \t]*(?=,|$)')
"""A tag of a list, which may have empty elements (RFC 9110, 5.6.1 and 8.8.3)."""


_BEHIND_VERSION = re.compile(r'-[0-9a-f]{16}"$')


def etag_of(version: str) -> str:
    """Return the strong etag of a version, in quotes."""
    return f'"{short_hash(version)}"'


def digest_of(payload: bytes) -> str:
    """Return the digest of an answer's body, in hex."""
    return hashlib.blake2b(payload, digest_size=8).hexdigest()


def etag_of_answer(version: str, digest: str) -> str:
    """Return the strong etag of an answer that shows this version, in quotes."""
    return f'"{short_hash(version)}-{digest}"'


def names_etag(if_none_match: str | None, etag: str) -> bool:
    """Whether the header `If-None-Match` names the etag of an answer (RFC 9110, 13.1.2), be it as a weak one.

    A header that is malformed names none: the caller gets the whole answer.
    """
    return if_none_match is not None and (if_none_match.strip(" \t") == "*" or etag in if_none_match)


ETag = Annotated[
    str,
    PlainSerializer(etag_of, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "the version, as an etag in quotes; send it back as If-Match"}),
]
"""A version in a model that is answered: JSON shows its etag."""


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The versions that a change is made for (RFC 9110, 13.1.1)."""

    etags: frozenset[str] | None
    """The etags of versions, in quotes; None for `*`, any version that there is. A weak one matches no version."""

    @staticmethod
    def parse(header: str) -> IfMatch:
        """Read the header: `*`, or a list of etags. Raises ValueError."""
        text = header.strip(" \t")
        if text == "*":
            return IfMatch(None)
        tags, place = set[str](), 0
        while found := _LISTED_TAG.match(text, place):
            tags.add(_BEHIND_VERSION.sub('"', found[1]))
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
