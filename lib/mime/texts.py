"""Texts of a raw mail, for a search: much of a mail's bytes tells nothing, because of encodings."""

from __future__ import annotations

from collections.abc import Iterator

from lib.mime.header_values import header_text
from lib.mime.reader import BadMail, MailLimits, PartReader, decode_leaf

_LIMITS = MailLimits(parts=500, depth=30, header_lines=2_000, longest_header=100_000)


def texts_of_mail(raw: bytes) -> Iterator[str]:
    """Yield the mail as it came, then the values of its headers and its parts, without their encodings.

    Files are read as texts, too, so that a mail in a mail is found; of compressed ones, nothing is. A mail that cannot
    be divided is left at its bytes. The work takes a second for a large mail: not for the event loop.
    """
    yield raw.decode("utf-8", "replace")
    reader = PartReader(raw, _LIMITS)
    try:
        leaves = reader.leaves()
    except BadMail:
        return
    for headers in (reader.root, *reader.multiparts, *(leaf.headers for leaf in leaves)):
        for _, value in headers.raw_items():
            yield header_text(str(value))
    for leaf in leaves:
        yield decode_leaf(reader.decoded(leaf), leaf.headers)
