"""The shown part of HTML: its tokens without those of elements that no reader sees.

Hidden are `<template>`, elements with `hidden`, and those with `display:none` in their style. `mso-hide` alone hides
nothing: authors hide from Outlook with it what every other program shows. A client that runs no scripts shows the
content of `<noscript>`, which turbohtml's tokenizer takes for text.

Ends of elements follow the parsing rules roughly: tags that must be written end what they enclose, and paragraphs,
items and cells end where the next one begins.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from turbohtml import Token, TokenType, tokenize

_TEXT, _START_TAG, _END_TAG = TokenType.TEXT, TokenType.START_TAG, TokenType.END_TAG
_NOT_AS_IT_STANDS: Final = ("display", "<template", "<noscript", *(f"{before}hidden" for before in "\t\n\f\r \"'/"))
"""Without any of these in lower case, all of the HTML is shown as it stands."""
_DISPLAY: Final = re.compile(r"(?:\A|[;\s])display\s*+:\s*+([a-z-]++)", re.IGNORECASE | re.ASCII)
# fmt: off
_VOID: Final = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
))
_END_PARAGRAPHS: Final = frozenset((
    "address", "article", "aside", "blockquote", "center", "div", "dl", "fieldset", "figure", "footer", "form", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul",
))
_PARTS_OF_TABLES: Final = frozenset(("caption", "tbody", "td", "tfoot", "th", "thead", "tr"))
_PARENTS: Final = _END_PARAGRAPHS | _PARTS_OF_TABLES | {"body", "html", "li"}
# fmt: on
_ENDED_BY: Final = {
    "p": _END_PARAGRAPHS,
    "li": frozenset(("li",)),
    "dt": frozenset(("dt", "dd")),
    "dd": frozenset(("dt", "dd")),
    "td": frozenset(("td", "th", "tr", "tbody")),
    "th": frozenset(("td", "th", "tr", "tbody")),
    "tr": frozenset(("tr", "tbody")),
}
"""The start tags that end an element of this name, outside of lists and tables inside it."""


def shown_tokens(html: str) -> Iterable[Token]:
    """Return the tokens of what is shown, in order."""
    lower = html.lower()  # To search in this is much quicker than a pattern for letters of both cases.
    return _Shown().tokens(html, lower) if any(sign in lower for sign in _NOT_AS_IT_STANDS) else tokenize(html)


class _Shown:
    """Passes tokens on, but for those of a hidden element."""

    def __init__(self) -> None:
        self._hidden = ""  # the name of the hidden element
        self._inner = Counter[str]()  # elements that are open inside it

    def tokens(self, html: str, lower: str) -> Iterator[Token]:
        for token in _with_noscript(html) if "<noscript" in lower else tokenize(html):
            kind = token.type
            if self._hidden and not self._ends_with(token, kind):
                continue
            if kind is _START_TAG and (token.attrs or token.tag == "template") and _is_hidden(token):
                if token.tag not in _VOID:
                    self._hidden, self._inner = token.tag or "", Counter()
                continue
            yield token

    def _ends_with(self, token: Token, kind: TokenType) -> bool:
        """Whether the hidden element ends before this token; the element's own end tag is a part of it."""
        name = token.tag or ""
        if kind is _START_TAG:
            if name in _ENDED_BY.get(self._hidden, ()) and not self._is_inside_list_or_table():
                self._hidden = ""
                return True
            if name not in _VOID:
                self._inner[name] += 1
        elif kind is _END_TAG:
            if self._inner[name] > 0:
                self._inner[name] -= 1
            elif name == self._hidden:
                self._hidden = ""
            elif name in _PARENTS and not (self._inner["table"] > 0 and name in _PARTS_OF_TABLES):
                self._hidden = ""
                return True
        return False

    def _is_inside_list_or_table(self) -> bool:
        inner = self._inner
        return inner["table"] > 0 or inner["ul"] > 0 or inner["ol"] > 0 or inner["dl"] > 0


def _with_noscript(html: str) -> Iterator[Token]:
    in_noscript = False
    for token in tokenize(html):
        kind = token.type
        if in_noscript and kind is _TEXT:
            yield from tokenize(token.data or "")
            continue
        if kind is _START_TAG:
            in_noscript = token.tag == "noscript"
        elif kind is _END_TAG:
            in_noscript = False
        yield token


def _is_hidden(tag: Token) -> bool:
    if tag.tag == "template" or tag.attr("hidden") is not None:
        return True
    style = tag.attr("style")
    if not style:
        return False
    displays = _DISPLAY.findall(style)
    return bool(displays) and displays[-1].lower() == "none"
