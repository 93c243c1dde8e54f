"""A text for a mail that has only HTML: its words line by line, each address after its words.

It has what a reader sees: numbers of lists and the content of `<noscript>`, and nothing that is hidden.

turbohtml's own plain text puts a table's row on one line, also where the table is the layout of the whole mail. Here a
row is a line only as long as its cells hold no lines of their own.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from turbohtml import Token, TokenType

from lib.rewrite.addresses import ALLOWED, spelled_for_text
from lib.rewrite.shown import shown_tokens

_SHOWN_ADDRESS: Final = re.compile(r"(?:https?://|mailto:|tel:)[^\s<>]++", re.IGNORECASE)
_PLAIN_ADDRESS: Final = re.compile(rf"(?:https?://|mailto:|tel:)[{ALLOWED}]++", re.IGNORECASE)
_TELEPHONE: Final = "tel:"
_BEGINS_NUMBER: Final = tuple("+(0123456789")
_WEB_ADDRESS: Final = re.compile(r"https?:", re.IGNORECASE)
_ENDS_ADDRESS: Final = re.compile(r"[.,;:!?…)\]}>\"'»”’]++(?=\s|\Z)")
"""Punctuation after an address that readers do not take for a part of it. Other text is set apart by a space."""
_OPENS: Final = "([{<\"'«„“‘"
# What mails put between spaces to fill the preview that inboxes show. The search looks for the characters alone.
_FILL: Final = r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u2064\u2800\u3164\ufeff]"
_FILLING: Final = re.compile(rf"{_FILL}(?<!\S.){_FILL}*+(?=\s|\Z)")
_NOT_TEXT: Final = frozenset(("iframe", "noembed", "noframes", "script", "style", "textarea", "title"))
_NUMBER: Final = re.compile(r"\s*+([+-]?[0-9]{1,9})(?![0-9])", re.ASCII)
_NOT_DIALED: Final = re.compile(r"[\s().\-/\u2010-\u2015]++")
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

_TELLING: Final = frozenset((*_LINE_BREAKS, *_CELLS, *_NOT_TEXT, "a", "br", "img", "noscript"))
_LISTS: Final = frozenset(("ol", "ul"))


def plain_text(html: str, destination_of: Callable[[str], str | None]) -> str:
    """Return the text of the HTML, ending in a line break.

    `destination_of` gives the destination of a redirect URL: an address that is its own words appears once.
    """
    writer = _Writer(destination_of, _item_counts(html) if "reversed" in html.lower() else ())
    take_text, start, end = writer.take_text, writer.start, writer.end
    for token in shown_tokens(html):
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


def _item_counts(html: str) -> list[int]:
    """Count the items of each `<ol>`, in the order of their start tags."""
    counts: list[int] = []
    open_lists: list[int] = []
    for token in shown_tokens(html):
        if token.tag not in ("ol", "ul", "li"):
            continue
        if token.type is _END_TAG:
            if token.tag in _LISTS and open_lists:
                open_lists.pop()
        elif token.tag == "li":
            if open_lists and open_lists[-1] >= 0:
                counts[open_lists[-1]] += 1
        elif token.tag == "ol":
            open_lists.append(len(counts))
            counts.append(0)
        else:
            open_lists.append(-1)
    return counts


def _dialed(number: str) -> str:
    """Return a telephone number without the signs that only part its digits (RFC 3966, 5.1.1)."""
    return _NOT_DIALED.sub("", number)


def _are_address(words: str, destination: str) -> bool:
    """Whether the words of a link are the address that it leads to, which is spelled for text."""
    if destination in (words, words + "/"):
        return True
    if words[:4].lower() != "http":
        return False
    shown = spelled_for_text(words)
    return shown is not words and destination in (shown, shown + "/")


def _number(value: str | None, otherwise: int) -> int:
    found = _NUMBER.match(value or "")
    return int(found[1]) if found else otherwise


class _Writer:
    def __init__(self, destination_of: Callable[[str], str | None], item_counts: Sequence[int]) -> None:
        self._destination_of: Final = destination_of
        self._item_counts: Final = iter(item_counts) if item_counts else None
        # Of each open list, the number of its next item, and the step from one to the next, which is 0 in `<ul>`.
        self._numbers: Final[list[int]] = []
        self._steps: Final[list[int]] = []
        self._pieces: Final[list[str]] = []
        self._line_breaks = 0  # to be written before the next words, like the space
        self._space = False
        self._skipped: str | None = None  # the element whose content is no text
        self._address = ""  # of the link being written
        self._is_telephone = False
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
                self._write(self._mark(tag))
                self._space = True
            elif name in _LISTS:
                self._start_list(tag, name)
        elif name == "a":
            self._end_link()
            self._start_link(tag.attr("href") or "")
        elif name == "img":
            self._write_words(tag.attr("alt") or "")
        elif name == "br":
            self._line_breaks = min(self._line_breaks + 1, 2)
        elif name in _NOT_TEXT:
            self._skipped = name
        elif name in _CELLS:
            self._space = True

    def end(self, name: str) -> None:
        if name == "a":
            self._end_link()
        elif name == self._skipped:
            self._skipped = None
        elif name in _CELLS:
            self._space = True
        elif name == "noscript":
            self._skipped = None  # nothing inside it ends behind it
        else:
            breaks = _LINE_BREAKS.get(name, 0)
            if breaks > self._line_breaks:
                self._line_breaks = breaks
            if name in _LISTS and self._steps:
                self._numbers.pop()
                self._steps.pop()

    def _start_list(self, tag: Token, name: str) -> None:
        number, step = 0, 0
        if name == "ol":
            number, step = 1, 1
            count = next(self._item_counts, 0) if self._item_counts else 0
            if tag.attrs:
                if tag.attr("reversed") is not None:
                    number, step = count, -1
                number = _number(tag.attr("start"), number)
        self._numbers.append(number)
        self._steps.append(step)

    def _mark(self, item: Token) -> str:
        """Return the mark before an item, with its number where it has one."""
        if not self._steps or not self._steps[-1]:
            return "*"
        number = _number(item.attr("value"), self._numbers[-1]) if item.attrs else self._numbers[-1]
        self._numbers[-1] = number + self._steps[-1]
        return f"{number}."

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
        """Whether the link begins in the middle of words: readers would take its address for a part of them."""
        before = self._pieces[self._link_start - 1][-1:] if self._link_start else ""
        return bool(before) and before not in _OPENS

    def _start_link(self, address: str) -> None:
        if not address:
            return
        address = address.strip()
        self._is_telephone = address[:4].lower() == _TELEPHONE
        self._space |= bool(self._pieces) and self._pieces[-1].endswith(">")
        self._link_start = len(self._pieces)
        if self._is_telephone:
            address = "".join(address.split())
            self._address = address if _SHOWN_ADDRESS.fullmatch(address) else ""
        elif _PLAIN_ADDRESS.fullmatch(address):
            self._address = address
        else:
            self._address = spelled_for_text(address) if _SHOWN_ADDRESS.fullmatch(address) else ""

    def _end_link(self) -> None:
        address, self._address = self._address, ""
        if not address:
            return
        written = "".join(self._pieces[self._link_start :])
        words = written.strip()
        if self._is_telephone:
            number = address[4:]
            if words == number or (words[:1] in _BEGINS_NUMBER and _dialed(number) == _dialed(words)):
                return
            self._space = True
            self._write(f"<{address}>")
            return
        destination = self._destination_of(address) or address.removeprefix("mailto:")
        if words and _are_address(words, destination):
            separator = written[: written.index(words)]
            self._after_address = _WEB_ADDRESS.match(address) is not None
            if self._after_address and not separator and self._continues_words():
                separator = " "
            self._pieces[self._link_start :] = [separator + address.removeprefix("mailto:")]
            return
        self._space = True
        self._write(f"<{address}>")
