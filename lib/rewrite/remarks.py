"""What the rewriter gives back: the parts of the mail, and what its author should know."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

_LINE_END: Final = re.compile(r"\r\n?+|\n")


@dataclass(frozen=True, slots=True)
class RewriteRemark:
    """Something that the author of the mail should know.

    `code` is one of those of lib.rewrite.links.destination, or `large`; `place` is such as `html line 12, column
    5`, both counted from 1, or `html` for what concerns the whole.
    """

    code: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The parts to send, and the destination of each link index.

    The links of the HTML come first, in the order of its source, then those that only the text has, then the
    honeypot: `honeypots` are the indexes of links that no person sees.
    """

    html: str | None
    text: str | None
    links: list[str]
    remarks: list[RewriteRemark]
    honeypots: list[int]


class SourcePlaces:
    """Names places in one part of a mail. Lines are counted when the first place is asked for, so seldom."""

    def __init__(self, part: Literal["html", "text"], source: str) -> None:
        self._part: Final = part
        self._source: Final = source

    def name(self, offset: int) -> str:
        line = bisect_right(self._line_starts, offset)
        return f"{self._part} line {line}, column {offset - self._line_starts[line - 1] + 1}"

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self._source))]
