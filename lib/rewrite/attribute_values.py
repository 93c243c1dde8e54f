"""The values of attributes, in any HTML."""

import re
from typing import Final, NamedTuple

from lib.rewrite.markup import MarkupReader
from lib.rewrite.tag_reader import TagReader

_HINT: Final = re.compile("=")
_ADDRESSES: Final = frozenset(("href", "src", "background", "action"))


class AttributeValue(NamedTuple):
    """A value is `html[start:end]`, without quotes."""

    start: int
    end: int
    is_address: bool
    """Whether the attribute holds one address."""
    is_quoted: bool


def read_attribute_values(html: str) -> list[AttributeValue]:
    """Return the places of the values of all attributes, in order."""
    values: list[AttributeValue] = []
    _ValueReader(html, len(html), values).read_from(0)
    return values


class _ValueReader(TagReader):
    hints = _HINT

    def __init__(self, html: str, end: int, values: list[AttributeValue], *, in_comment: bool = False) -> None:
        super().__init__(html, end, in_comment=in_comment, most=len(html))
        self._found: Final = values

    def _reader_of_comment(self, end: int) -> MarkupReader:
        return _ValueReader(self.html, end, self._found, in_comment=True)

    def _note_attribute(self, name: str, start: int, end: int) -> None:
        is_quoted = self.html[start - 1] in "\"'"
        self._found.append(AttributeValue(start, end, name in _ADDRESSES, is_quoted))
