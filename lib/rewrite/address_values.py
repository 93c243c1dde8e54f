"""The values of attributes that hold one address, in any HTML."""

import re
from typing import Final

from lib.rewrite.markup import MarkupReader
from lib.rewrite.tag_reader import TagReader

_HINT: Final = re.compile("=")
_NAMES: Final = frozenset(("href", "src", "background", "action"))


def read_address_values(html: str) -> list[tuple[int, int]]:
    """Return the places of the values of `href`, `src`, `background` and `action`, without quotes, in order."""
    values: list[tuple[int, int]] = []
    _ValueReader(html, len(html), values).read_from(0)
    return values


class _ValueReader(TagReader):
    hints = _HINT

    def __init__(self, html: str, end: int, values: list[tuple[int, int]], *, in_comment: bool = False) -> None:
        super().__init__(html, end, in_comment=in_comment, most=len(html))
        self._found: Final = values

    def _reader_of_comment(self, end: int) -> MarkupReader:
        return _ValueReader(self.html, end, self._found, in_comment=True)

    def _note_attribute(self, name: str, start: int, end: int) -> None:
        if name in _NAMES:
            self._found.append((start, end))
