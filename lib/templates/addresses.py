"""Fields inside addresses and attributes: which fields of a template stand in one, and how values are written there.

A value inside an address is percent-encoded, so that `Miller & Co #1` stays one value (RFC 3986, 2.1). A field that
begins the address of an attribute may be a whole address. Its value stays as it is, but for characters that would end
the address, such as a space where the attribute has no quotes. A value goes whose scheme does more than lead somewhere,
such as `javascript:`.

A value never ends the attribute in which it stands: where this has no quotes, spaces become references (HTML Standard,
13.2.5.38).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal
from urllib.parse import quote

from lib.rewrite.addresses import find_addresses
from lib.rewrite.attribute_values import AttributeValue, read_attribute_values

FieldPlace = Literal["whole", "part", "mailbox", "number", "quoted", "bare"]
"""`whole`: the beginning of an attribute's address. `mailbox` and `number`: in `mailto:` or `tel:`, before a `?`.
`quoted` and `bare`: in another attribute, with or without quotes."""

_MARK = "0"
"""Stands for a field while addresses are looked for: every place of an address can hold this character."""

_OTHER_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9+.\-])(?:mailto|tel|sms):[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]++", re.IGNORECASE
)
_MAILBOX = re.compile(r"\s*+mailto:[^?]*+", re.IGNORECASE)
_NUMBER = re.compile(r"\s*+(?:tel|sms):[^?]*+", re.IGNORECASE)
_SCHEME = re.compile(r"([^:/?#]*+):")
_SKIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\u2060\ufeff]++")
_BLANK = re.compile(r"[\s\x00-\x20]")
_LINE_END = re.compile(r"[\r\n]")
_SCHEMES = frozenset(("http", "https", "mailto", "tel", "sms", "cid"))


def find_places(pieces: Sequence[str | None], *, in_html: bool) -> dict[int, FieldPlace]:
    """Return the places of fields in addresses and attributes, by index.

    `pieces` are the texts of a template, None for a field.
    """
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
    values = read_attribute_values(source) if in_html else []
    for start, end, is_value in _addresses(source, values):
        for number in range(bisect_left(offsets, start), bisect_left(offsets, end)):
            before = source[start : offsets[number]]
            is_whole = is_value and not before.strip()
            places.setdefault(fields[number], "whole" if is_whole else _place_after(before))
    for value in values:
        for number in range(bisect_left(offsets, value.start), bisect_left(offsets, value.end)):
            places.setdefault(fields[number], "quoted" if value.is_quoted else "bare")
    return places


def _addresses(source: str, values: Sequence[AttributeValue]) -> Iterator[tuple[int, int, bool]]:
    """Yield the addresses of a template, and whether each is the value of an attribute; these come first."""
    for value in values:
        if value.is_address:
            yield value.start, value.end, True
    for found in find_addresses(source):
        yield found.start, found.end, False
    for other in _OTHER_ADDRESS.finditer(source):
        yield *other.span(), False


def _place_after(before: str) -> FieldPlace:
    if _MAILBOX.fullmatch(before):
        return "mailbox"
    return "number" if _NUMBER.fullmatch(before) else "part"


def written_in_place(value: str, place: FieldPlace) -> str:
    """Return a value as it stands at that place of an address; in HTML it has to be escaped after that."""
    if place in ("quoted", "bare"):
        return value
    if place == "whole":
        value = value.strip()
        scheme = _SCHEME.match(_SKIPPED_BY_BROWSERS.sub("", value))
        if scheme is not None and scheme[1].lower() not in _SCHEMES:
            return ""
        return _BLANK.sub(lambda found: quote(found[0]), value)
    if place == "number":
        return quote("".join(value.split()), safe="+", errors="replace")
    return quote(value, safe="@" if place == "mailbox" else "", errors="replace")


def kept_in_attribute(escaped: str, place: FieldPlace) -> str:
    """Return an escaped value so that it does not end the attribute in which it stands."""
    ends = _BLANK if place == "bare" else _LINE_END
    return ends.sub(lambda found: f"&#{ord(found[0])};", escaped)
