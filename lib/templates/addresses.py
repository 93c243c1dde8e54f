"""Fields inside addresses: which fields of a template stand in one, and how their values are written there.

A value inside an address is percent-encoded, so that `Miller & Co #1` stays one value (RFC 3986, 2.1). A field that
begins the address of an attribute may be a whole address. Its value stays as it is, but for schemes that do more than
lead somewhere, such as `javascript:`: such a value goes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal
from urllib.parse import quote

from lib.rewrite.address_values import read_address_values
from lib.rewrite.addresses import find_addresses

FieldPlace = Literal["whole", "part", "mailbox", "number"]
"""`whole`: the beginning of an attribute's address. `mailbox` and `number`: in `mailto:` or `tel:`, before a `?`."""

_MARK = "0"
"""Stands for a field while addresses are looked for: every place of an address can hold this character."""

_OTHER_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9+.\-])(?:mailto|tel|sms):[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]++", re.IGNORECASE
)
_MAILBOX = re.compile(r"\s*+mailto:[^?]*+", re.IGNORECASE)
_NUMBER = re.compile(r"\s*+(?:tel|sms):[^?]*+", re.IGNORECASE)
_SCHEME = re.compile(r"([^:/?#]*+):")
_SKIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\u2060\ufeff]++")
_SCHEMES = frozenset(("http", "https", "mailto", "tel", "sms", "cid"))


def places_in_addresses(pieces: Sequence[str | None], *, in_html: bool) -> dict[int, FieldPlace]:
    """Return the places of fields in addresses, by index. `pieces` are the texts of a template, None for a field."""
    offsets, fields, length = list[int](), list[int](), 0
    for index, piece in enumerate(pieces):
        if piece is None:
            offsets.append(length)
            fields.append(index)
        length += len(_MARK if piece is None else piece)
    places: dict[int, FieldPlace] = {}
    if not fields:
        return places
    source = "".join(_MARK if piece is None else piece for piece in pieces)
    for start, end, is_value in _addresses(source, in_html):
        for number in range(bisect_left(offsets, start), bisect_left(offsets, end)):
            before = source[start : offsets[number]]
            is_whole = is_value and not before.strip()
            places.setdefault(fields[number], "whole" if is_whole else _place_after(before))
    return places


def _addresses(source: str, in_html: bool) -> Iterator[tuple[int, int, bool]]:
    """Yield the addresses of a template, and whether each is the value of an attribute; these come first."""
    if in_html:
        for start, end in read_address_values(source):
            yield start, end, True
    for found in find_addresses(source):
        yield found.start, found.end, False
    for other in _OTHER_ADDRESS.finditer(source):
        yield *other.span(), False


def _place_after(before: str) -> FieldPlace:
    if _MAILBOX.fullmatch(before):
        return "mailbox"
    return "number" if _NUMBER.fullmatch(before) else "part"


def written_in_address(value: str, place: FieldPlace) -> str:
    """Return a value as it stands at that place of an address; in HTML it has to be escaped after that."""
    if place == "whole":
        value = value.strip()
        scheme = _SCHEME.match(_SKIPPED_BY_BROWSERS.sub("", value))
        return value if scheme is None or scheme[1].lower() in _SCHEMES else ""
    if place == "number":
        return quote("".join(value.split()), safe="+", errors="replace")
    return quote(value, safe="@" if place == "mailbox" else "", errors="replace")
