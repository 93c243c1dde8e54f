"""Identity of a mail that came in: the text by which the same mail is known again when it comes another way."""

from __future__ import annotations

import re
from hashlib import blake2b

from lib.mime.header_values import date_in, message_ids_in
from lib.mime.received import tidied

_MOST_HEADERS = 256 * 1024
"""Bytes in which headers are looked for."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_HEADER = re.compile(
    r"^(message-id|date|from|to|subject|in-reply-to)[ \t]*+:(.*+(?:\n[ \t].*+)*+)", re.IGNORECASE | re.MULTILINE
)
_LONGEST_VALUE = 4_000


def mail_identity(raw: bytes) -> str:
    """Return what a mail keeps on every way: its Message-ID and its date.

    Without a Message-ID it is a digest of Date, From, To, Subject and the body, and of In-Reply-To where there is no
    Date either: two mails may be answered with the same words. Case and brackets of a Message-ID do not count, and
    neither do the ends of lines, or the zone of a date. Some programs use a Message-ID again, so the id alone would
    lose mail. It reads the headers alone, unless there is no Message-ID.
    """
    mail = tidied(raw)
    blank = _BLANK_LINE.search(mail, 0, _MOST_HEADERS)
    end = blank.start() if blank else min(len(mail), _MOST_HEADERS)
    headers: dict[str, str] = {}
    for found in _HEADER.finditer(mail[:end].replace(b"\r\n", b"\n").decode("utf-8", "replace")):
        headers.setdefault(found[1].lower(), found[2][:_LONGEST_VALUE])
    ids = message_ids_in(headers.pop("message-id", ""), 1)
    if ids:
        date = date_in(headers.get("date", ""))
        return f"id|{ids[0].strip('<>').lower()}|{date.timestamp() if date else ''}"
    digest = blake2b(digest_size=32)
    dated = ("date", "from", "to", "subject")
    for name in dated if headers.get("date", "").strip() else (*dated, "in-reply-to"):
        digest.update(" ".join(headers.get(name, "").split()).encode("utf-8", "replace") + b"\n")
    digest.update(mail[blank.end() if blank else end :].replace(b"\r\n", b"\n").rstrip())
    return f"headers|{digest.hexdigest()}"
