"""Signed and encrypted blocks inside a text (OpenPGP, RFC 9580, sections 6.2 and 7).

A signature holds for each byte of its block, so nothing in a block is changed.
"""

import re
from bisect import bisect_right
from typing import Final

from lib.rewrite.remarks import RewriteRemark, SourcePlaces

_BEGINS: Final = "-----BEGIN PGP "
_SIGNED: Final = "SIGNED MESSAGE"
_BEGINNING: Final = re.compile(rf"{_BEGINS}(MESSAGE|{_SIGNED})-----")
_ENDINGS: Final = {_SIGNED: "-----END PGP SIGNATURE-----", "MESSAGE": "-----END PGP MESSAGE-----"}


class SignedBlocks:
    """The PGP blocks of one part of a mail.

    In text, a block begins at the start of a line. In HTML it may begin `anywhere`, for tags make the lines there. A
    block without an end is no block: nothing could be verified.
    """

    def __init__(self, source: str, *, anywhere: bool) -> None:
        self._starts: Final[list[int]] = []
        self._ends: Final[list[int]] = []
        self._is_signature: Final[list[bool]] = []
        if _BEGINS in source:
            self._find_blocks(source, anywhere)

    def _find_blocks(self, source: str, anywhere: bool) -> None:
        place, endless = 0, set[str]()
        while found := _BEGINNING.search(source, place):
            place, kind = found.end(), found[1]
            if kind in endless or not (anywhere or found.start() == 0 or source[found.start() - 1] in "\r\n"):
                continue
            end = source.find(_ENDINGS[kind], place)
            if end < 0:
                endless.add(kind)
                continue
            place = end + len(_ENDINGS[kind])
            self._starts.append(found.start())
            self._ends.append(place)
            self._is_signature.append(kind == _SIGNED)

    def holds(self, place: int) -> bool:
        """Whether that place of the source is inside a block."""
        number = bisect_right(self._starts, place) - 1
        return number >= 0 and place < self._ends[number]

    def remarks(self, places: SourcePlaces) -> list[RewriteRemark]:
        """Return a remark on each block."""
        return [
            RewriteRemark("signed", _remark_text(is_signature), places.name(start))
            for start, is_signature in zip(self._starts, self._is_signature, strict=True)
        ]


def _remark_text(is_signature: bool) -> str:
    what = "signed" if is_signature else "encrypted"
    return f"This text is {what} with PGP. It stays as it is, and its links are not followed: a change would break it."
