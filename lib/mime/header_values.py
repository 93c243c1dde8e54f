"""Values of a mail's headers as they came: encoded words, raw bytes of any character set, mailboxes, ids, dates."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime

from lib.mime.addresses import with_ascii_domain
from lib.mime.charsets import decode_text
from lib.mime.headers import unfolded
from lib.mime.parts import Mailbox

LONGEST_TEXT = 4_000
"""Characters of a subject or a name that are read."""

_LONGEST_DATE = 200
_YEARS = range(1970, 2201)
_ENCODED_WORD = re.compile(r"=\?([^?*\s]{1,60}+)(?:\*[^?\s]*+)?\?([bBqQ])\?([^?]*+(?:\?(?!=)[^?]*+){0,5}+)\?=")
"""An encoded word (RFC 2047, 2; RFC 2231, 5). Some programs leave question marks as they are: up to five are taken."""

_IDS = re.compile(r"<([^<>]{1,998})>")
_BARE_ID = re.compile(r"(?<![^\s<>@])[^\s<>@]{1,500}+@[^\s<>@]{1,500}+")
_BARE_ADDRESS = re.compile(r"(?<![^\s<>()\[\]\",;:@])[^\s<>()\[\]\",;:@]{1,64}+@[^\s<>()\[\]\",;:@]{1,255}+")


def header_text(value: str) -> str:
    """Return a value on one line, its encoded words decoded, and its raw bytes too (as surrogates, as `email` has)."""
    value = without_raw_bytes(value[:LONGEST_TEXT])
    pieces: list[str] = []
    waiting, charset, done = b"", "", 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[done : word.start()]
        done = word.end()
        if waiting and (between.strip() or word[1].lower() != charset):
            pieces.append(decode_text(waiting, charset))
            waiting = b""
        if between.strip() or (not pieces and not waiting):
            pieces.append(between)
        # Words of one character set are decoded together: many programs cut characters in two.
        waiting, charset = waiting + _decoded_word(word[2], word[3]), word[1].lower()
    if waiting:
        pieces.append(decode_text(waiting, charset))
    pieces.append(value[done:])
    return " ".join("".join(each if each.isprintable() else " " for each in "".join(pieces)).split())


def mailboxes_in(value: str) -> list[Mailbox]:
    """Return the mailboxes of an address header, with domains in ASCII.

    Raises RecursionError where comments stand too deep in each other.
    """
    value = unfolded(value)
    found = [(name, email.strip()) for name, email in getaddresses([value]) if email.strip()]
    if not found and "@" in value:  # newer versions of Python give up the whole header for one bad address
        found = [("", each) for each in _BARE_ADDRESS.findall(value)]
    return [Mailbox(header_text(name), with_ascii_domain(without_raw_bytes(email))) for name, email in found]


def message_ids_in(value: str, most: int) -> list[str]:
    """Return the ids of Message-ID, In-Reply-To or References (RFC 5322, 3.6.4) in order, each once, with brackets.

    Of more than `most` ids, the first one and the last ones are returned. Blanks inside an id are left out: programs
    fold long ones.
    """
    value = without_raw_bytes(value)
    ids = ["".join(each.split()) for each in _IDS.findall(value)] or _BARE_ID.findall(value)
    once = list(dict.fromkeys(f"<{each}>" for each in ids if each))
    return once if len(once) <= most else [once[0], *once[len(once) - most + 1 :]]


def date_in(value: str) -> datetime | None:
    """Return the time of a Date header in UTC; None where it names none between 1970 and 2200."""
    try:
        found = parsedate_to_datetime(" ".join(value[:_LONGEST_DATE].split()))
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return found if found.year in _YEARS else None


def without_raw_bytes(value: str) -> str:
    """Decode a value's raw bytes, which are surrogates."""
    if value.isascii():
        return value
    try:
        return decode_text(value.encode("ascii", "surrogateescape"), None)
    except UnicodeEncodeError:  # it is text already
        return value.encode("utf-8", "replace").decode("utf-8")


def _decoded_word(encoding: str, encoded: str) -> bytes:
    data = encoded.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return data
