"""A text for a mail that has only HTML: its words line by line, each address after its words.

turbohtml's own plain text puts a table's row on one line, also where the table is the layout of the whole mail. Here a
row is a line only as long as its cells hold no lines of their own.
"""

import re
from collections.abc import Callable
from typing import Final

from turbohtml import Token, TokenType, tokenize

_SHOWN_ADDRESS: Final = re.compile(r"(?:https?://|mailto:)[^\s<>]++", re.IGNORECASE)
_WEB_ADDRESS: Final = re.compile(r"https?:", re.IGNORECASE)
_ENDS_ADDRESS: Final = re.compile(r"[.,;:!?…)\]}>\"'»”’]++(?=\s|\Z)")
"""Punctuation after an address that readers do not take for a part of it. Other text is set apart by a space."""
_OPENS: Final = "([{<\"'«„“‘"
# What mails put between spaces to fill the preview that inboxes show. The search looks for the characters alone.
_FILLING: Final = re.compile(r"[\u00ad\u034f\u200b\u200c\ufeff](?<!\S.)[\u00ad\u034f\u200b\u200c\ufeff]*+(?=\s|\Z)")
_NOT_TEXT: Final = frozenset(("iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title"))
_TEXT, _START_TAG, _END_TAG = TokenType.TEXT, TokenType.START_TAG, TokenType.END_TAG
_CELLS: Final = frozenset(("td", "th"))
# fmt: off
_ON_LINES_OF_THEIR_OWN: Final = (
    "address", "article", "aside", "center", "dd", "div", "dt", "fieldset", "figure", "footer",
    "form", "header", "hr", "li", "main", "nav", "section", "table", "tr",
)
_BETWEEN_BLANK_LINES: Final = ("blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "ul")
# fmt: on
_LINE_BREAKS: Final = dict.fromkeys(_ON_LINES_OF_THEIR_OWN, 1) | dict.fromkeys(_BETWEEN_BLANK_LINES, 2)

_TELLING: Final = frozenset((*_LINE_BREAKS, *_CELLS, *_NOT_TEXT, "a", "br", "img"))


def plain_text(html: str, destination_of: Callable[[str], str | None]) -> str:
    """Return the text of the HTML, ending in a line break.

    `destination_of` gives the destination of a redirect URL: an address that is its own words appears once.
    """
    writer = _Writer(destination_of)
    take_text, start, end = writer.take_text, writer.start, writer.end
    for token in tokenize(html):
        kind = token.type
        if kind is _TEXT:
            take_text(token.data or "")
        elif kind is _START_TAG:
            name = token.tag or ""
            if name in _TELLING:
                start(token, name)
        elif kind is _END_TAG:
            name = token.tag or ""
            if name in _TELLING:
                end(name)
    return writer.text()


class _Writer:
    def __init__(self, destination_of: Callable[[str], str | None]) -> None:
        self._destination_of: Final = destination_of
        self._pieces: Final[list[str]] = []
        self._line_breaks = 0  # to be written before the next words, like the space
        self._space = False
        self._skipped: str | None = None  # the element whose content is no text
        self._address = ""  # of the link being written
        self._link_start = 0  # its first piece
        self._after_address = False  # the last piece ends with an address that is not in angle brackets

    def text(self) -> str:
        self._end_link()
        return "".join(self._pieces) + "\n"

    def take_text(self, text: str) -> None:
        if self._skipped is None:
            self._write_words(text)

    def start(self, tag: Token, name: str) -> None:
        if breaks := _LINE_BREAKS.get(name):
            if breaks > self._line_breaks:
                self._line_breaks = breaks
            if name == "li":
                self._write("*")
                self._space = True
        elif name == "a":
            self._end_link()
            self._start_link(tag.attr("href") or "")
        elif name == "img":
            self._write_words(tag.attr("alt") or "")
        elif name == "br":
            self._line_breaks = min(self._line_breaks + 1, 2)
        elif name in _NOT_TEXT:
            self._skipped = name
        else:
            self._space = True  # between cells

    def end(self, name: str) -> None:
        if name == "a":
            self._end_link()
        elif name == self._skipped:
            self._skipped = None
        elif name in _CELLS:
            self._space = True
        else:
            breaks = _LINE_BREAKS.get(name, 0)
            if breaks > self._line_breaks:
                self._line_breaks = breaks

    def _write_words(self, text: str) -> None:
        if not text.isascii():
            text = _FILLING.sub("", text)
        if words := " ".join(text.split()):
            self._space |= text[0].isspace()
            self._write(words)
            self._space = text[-1].isspace()
        else:
            self._space |= bool(text)

    def _write(self, words: str) -> None:
        if self._pieces:
            if self._line_breaks:
                words = "\n" * self._line_breaks + words
            elif self._space or (self._after_address and not _ENDS_ADDRESS.match(words)):
                words = " " + words
        self._pieces.append(words)
        self._line_breaks, self._space, self._after_address = 0, False, False

    def _continues_words(self) -> bool:
        """Whether the link begins in the middle of words, of which readers would take its address for a part."""
        before = self._pieces[self._link_start - 1][-1:] if self._link_start else ""
        return bool(before) and before not in _OPENS

    def _start_link(self, address: str) -> None:
        if not address:
            return
        address = address.strip()
        self._space |= bool(self._pieces) and self._pieces[-1].endswith(">")
        self._link_start = len(self._pieces)
        self._address = address if _SHOWN_ADDRESS.fullmatch(address) else ""

    def _end_link(self) -> None:
        address, self._address = self._address, ""
        if not address:
            return
        written = "".join(self._pieces[self._link_start :])
        words = written.strip()
        destination = self._destination_of(address) or address.removeprefix("mailto:")
        if words and destination in (words, words + "/"):
            separator = written[: written.index(words)]
            self._after_address = _WEB_ADDRESS.match(address) is not None
            if self._after_address and not separator and self._continues_words():
                separator = " "
            self._pieces[self._link_start :] = [separator + address.removeprefix("mailto:")]
            return
        self._space = True
        self._write(f"<{address}>")
