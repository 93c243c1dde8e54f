"""The result of the rewriter: the parts of the mail, and remarks for its author."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

_LINE_END: Final = re.compile(r"\r\n?+|\n")


@dataclass(frozen=True, slots=True)
class RewriteRemark:
    """A remark for the author of the mail."""

    code: str
    """One of the codes of links.destination, or `denied_host`, `unsubscribe_link`, `lookalike_host`, `large`,
    `too-many-links`, `signed`, `link_text_differs`."""
    text: str
    place: str
    """Such as `html line 12, column 5`, both counted from 1, or `html` for the whole part."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The parts to send, and the destination of each link index.

    The links of the HTML come first, in the order of its source, then those that only the text has, then the honeypot.
    """

    html: str | None
    text: str | None
    links: list[str]
    remarks: list[RewriteRemark]
    honeypots: list[int]
    """The indexes of links that no person sees."""


class SourcePlaces:
    """Names places in one part of a mail. Lines are counted when the first place is asked for, so seldom."""

    def __init__(self, part: Literal["html", "text"], source: str) -> None:
        self._part: Final = part
        self._source: Final = source

    def name(self, offset: int) -> str:
        """Name a place in the source by line and column, both from 1: `HTML line 3, column 14`."""
        line = bisect_right(self._line_starts, offset)
        return f"{self._part} line {line}, column {offset - self._line_starts[line - 1] + 1}"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self._source))]
