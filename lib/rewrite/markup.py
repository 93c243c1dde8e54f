"""The places of links and images in the source of a mail: a reader of HTML that knows the place of every byte.

It follows the tokenizer of the HTML Standard (https://html.spec.whatwg.org/multipage/parsing.html#tokenization) for a
client that runs no scripts, and reads what only Outlook reads: the content of conditional comments.

turbohtml, which decodes and renders for us, gives no places that edits could rely on. Its tree has none for comments.
Its tokens have lines and columns of a text with other line ends, take `<noscript>` for text, and do not say where a tag
began that never ends. The tests hold this reader to turbohtml's tokens, and to what Chromium finds.

The end of SVG and MathML is found roughly: a mail that leaves them unclosed may keep a link direct.

Time is linear in the input, whatever the input: every quantifier is possessive, what never ends is recognized at its
first byte, and no stretch of text is searched twice.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

_S: Final = r"\t\n\f\r "  # white space in HTML; \s would add what Unicode takes for it
_NAME: Final = rf"(?:=[^{_S}/>=]*+|[^{_S}/>=]++)"
# A quoted value that is never closed runs to the end, so that its tag cannot close either.
_VALUE: Final = rf"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^{_S}>"'][^{_S}>]*+)"""
_ATTRIBUTE: Final = rf"{_NAME}(?:[{_S}]*+=[{_S}]*+{_VALUE}?+)?+"
_TAG_NAME: Final = rf"[A-Za-z][^{_S}/>]*+"
_REST_OF_TAG: Final = rf"(?:[{_S}/]++|{_ATTRIBUTE})*+"
MARKUP: Final = (
    rf"<*(?P<place>)<(?:(?P<slash>/?+)(?P<name>{_TAG_NAME}){_REST_OF_TAG}(?P<tag>>?+)"
    r"|(?P<comment>!--)"
    r"|(?P<cdata>!\[CDATA\[)"
    r"|(?P<bogus>[!?]|/(?!>)))"
)
# Most tags tell us nothing; passing over them inside the pattern makes reading twice as fast.
_LINKS_AND_IMAGES: Final = rf"a|area|img|image|v:[^{_S}/>]*+"
# Without attributes a link is none; and of end tags, few tell anything.
_NOT_BARE: Final = r"(?!(?:a|area|img|image)>)"
_TELLING_START: Final = (
    rf"{_NOT_BARE}(?i:{_LINKS_AND_IMAGES}|body|svg|math|script|plaintext"
    r"|iframe|noembed|noframes|style|textarea|title|xmp)"
)
_TELLING_END: Final = r"(?i:body|svg|math)"
# Before all of it there may be more `<`. A comment inside another one is cut off before its end, so it is none here.
ENDING: Final = (
    rf"<++/(?!{_TELLING_END}[{_S}/>]){_TAG_NAME}{_REST_OF_TAG}>|<++(?:/>|(?![A-Za-z/!?]))"
    r"|<++(?:[!?](?!--|\[CDATA\[)|/(?![A-Za-z>]))[^>]*+>"
    r"|<++!--(?!\[[iI][fF])(?:-?+>|(?:[^-]++|-(?!-!?>))*+--!?>)"
)
_DULL: Final = rf"<++(?!{_TELLING_START}[{_S}/>]){_TAG_NAME}{_REST_OF_TAG}>|{ENDING}"
_NEXT_TELLING: Final = re.compile(rf"(?:[^<]++|{_DULL})*+{MARKUP}")
# After the first `MOST_LINKS`, links and images count only where they may be of older mail.
_STRUCTURE: Final = r"(?i:body|svg|math|script|plaintext|iframe|noembed|noframes|style|textarea|title|xmp)"
_DULL_LATER: Final = rf"<++(?!{_STRUCTURE}[{_S}/>]){_TAG_NAME}{_REST_OF_TAG}>|{ENDING}"
_NEXT_STRUCTURE: Final = re.compile(rf"(?:[^<]++|{_DULL_LATER})*+{MARKUP}")
_BEFORE_HINT: Final = re.compile(rf"(?:[^<]++|{_DULL_LATER})*+")
# What stands in every link, pixel and hosted image of ours; its token has over 50 characters.
TOKEN_OF_OURS: Final = re.compile(r"(?:/[coi]/|%2Fo(?:/|%2F))[\w-]{50}", re.IGNORECASE | re.ASCII)
_WORTH_A_JUMP: Final = 64
_ATTRIBUTES: Final = re.compile(rf"(?P<name>{_NAME})(?:[{_S}]*+=[{_S}]*+(?P<value>{_VALUE})?+)?+")
# Most tags of a hostile mail lack the attribute that counts; to look for its name is cheaper than to read them all.
_PERHAPS_HREF: Final = re.compile("href", re.IGNORECASE | re.ASCII)
_PERHAPS_SRC: Final = re.compile("src", re.IGNORECASE | re.ASCII)
_NO_VALUE: Final = (-1, -1)  # the span of a group that did not take part
_NOTHING_IN_IT: Final = re.compile(rf"[{_S}]*+</a[{_S}]*+>", re.IGNORECASE | re.ASCII)
_EMPTY_COMMENT: Final = re.compile(r"-?+>")
_COMMENT_END: Final = re.compile(r"--!?+>")
_CONDITION: Final = re.compile(r"<!--\[if[^\]>]*+\]>", re.IGNORECASE | re.ASCII)
# In a script, `<!--` and then `<script` hide the next `</script>`. The dashes of `<!-->` count twice.
_IN_SCRIPT: Final = re.compile(rf"<!(?=--)|-->|</?+script(?=[{_S}/>])", re.IGNORECASE | re.ASCII)
_TEXT_ELEMENTS: Final = {
    name: re.compile(rf"</{name}(?=[{_S}/>])", re.IGNORECASE | re.ASCII)
    for name in ("iframe", "noembed", "noframes", "style", "textarea", "title", "xmp")
}
# What ends SVG and MathML: tags that these cannot hold, and elements of SVG that hold HTML.
# fmt: off
_HTML_AGAIN: Final = frozenset((
    "b", "big", "blockquote", "body", "br", "center", "code", "dd", "desc", "div", "dl", "dt", "em",
    "embed", "foreignobject", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li",
    "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strike",
    "strong", "sub", "sup", "table", "tt", "u", "ul", "var",
))
# fmt: on


MOST_LINKS: Final = 2_000
"""Links of a mail that are followed. Newsletters have some hundred."""


_ENDS_FOREIGN: Final = rf"svg|math|{'|'.join(sorted(_HTML_AGAIN))}"
_DULL_FOREIGN: Final = (
    rf"<++(?!{_NOT_BARE}(?i:{_LINKS_AND_IMAGES}|{_ENDS_FOREIGN})[{_S}/>]){_TAG_NAME}{_REST_OF_TAG}>|{ENDING}"
)
_NEXT_FOREIGN: Final = re.compile(rf"(?:[^<]++|{_DULL_FOREIGN})*+{MARKUP}")
_DULL_FOREIGN_LATER: Final = rf"<++(?!(?i:{_ENDS_FOREIGN})[{_S}/>]){_TAG_NAME}{_REST_OF_TAG}>|{ENDING}"
_NEXT_FOREIGN_LATER: Final = re.compile(rf"(?:[^<]++|{_DULL_FOREIGN_LATER})*+{MARKUP}")
_BEFORE_HINT_IN_FOREIGN: Final = re.compile(rf"(?:[^<]++|{_DULL_FOREIGN_LATER})*+")


class MarkupLink(NamedTuple):
    """The value of an `href`, without quotes: `html[start:end]`."""

    start: int
    end: int
    is_off: bool
    """Whether the tag has `data-heed="off"`, so that the link is not to be tracked."""
    is_hidden: bool
    """Whether neither screen readers nor the keyboard come to it."""
    empty: tuple[int, int] | None
    """The place of the whole element, if it is an `<a>` with nothing in it."""
    content: int | None
    """The place where the content of any other `<a>` begins."""


class MarkupImage(NamedTuple):
    """The tag of an image is `html[start:end]`; the value of its `src` is `html[value_start:value_end]`."""

    start: int
    end: int
    value_start: int
    value_end: int


@dataclass(slots=True)
class Markup:
    """The links and images of a mail, in the order of the source.

    After `MOST_LINKS` + 1 links or images, only those are listed that may be of older mail.
    """

    length: int
    """Characters of the HTML."""
    links: list[MarkupLink] = field(default_factory=list)
    images: list[MarkupImage] = field(default_factory=list)
    body_end: int | None = None
    """The place of the last `</body>`."""
    unfinished: int | None = None
    """The place of something that never ends; inside SVG or MathML, the place where these begin."""
    is_full: bool = False

    @property
    def end_of_body(self) -> int:
        """The place before the last `</body>`, else the end; never in a comment, style or tag that is not closed."""
        if self.body_end is not None:
            return self.body_end
        return self.length if self.unfinished is None else self.unfinished

    def add_found(self, found: MarkupLink | MarkupImage) -> None:
        some: list[Any] = self.links if isinstance(found, MarkupLink) else self.images
        some.append(found)
        self.is_full = self.is_full or len(some) > MOST_LINKS


@lru_cache(1)
def read(html: str) -> Markup:
    """Find the links of `<a>`, `<area>` and VML elements, and the images of `<img>` and VML, in any text, HTML or not.

    The last result is remembered, and is not to be changed: several edits of one mail start from it.
    """
    markup = Markup(len(html))
    MarkupReader(html, len(html), markup).read_from(0)
    return markup


class MarkupReader:
    """Reads `html` up to `end`: all of it, or what a conditional comment holds."""

    hints = TOKEN_OF_OURS
    """What counts where not everything does."""

    def __init__(self, html: str, end: int, markup: Markup, *, in_comment: bool = False) -> None:
        self.html: Final = html
        self.end: Final = end
        self.markup: Final = markup
        self.in_comment: Final = in_comment
        self.foreign = 0  # how deep in <svg> or <math>, which have CDATA sections and no text elements
        self.foreign_start = 0
        self.hint: int | None = -1  # the next one, when it is past the place where reading is; None: there is no more

    def read_from(self, place: int | None) -> None:
        """Read links and images from a place on, to the end or to markup that is unfinished; None: read nothing."""
        while place is not None and (found := self._next(place)):
            place = self._after(found)
            if place is None and not self.in_comment:
                self.markup.unfinished = self._outside(found.start("place"))

    def _outside(self, place: int) -> int:
        """Return a place for more HTML: inside SVG or MathML, it would end them, and change the meaning of what
        follows."""
        return self.foreign_start if self.foreign else place

    def _next(self, place: int) -> re.Match[str] | None:
        if self.markup.is_full:
            hint = self._hint(place)
            if hint is None:
                return (_NEXT_FOREIGN_LATER if self.foreign else _NEXT_STRUCTURE).match(self.html, place, self.end)
            if hint - place > _WORTH_A_JUMP:
                place = self._before(place, hint)
        return (_NEXT_FOREIGN if self.foreign else _NEXT_TELLING).match(self.html, place, self.end)

    def _hint(self, place: int) -> int | None:
        if self.hint is not None and self.hint < place:
            found = self.hints.search(self.html, place, self.end)
            self.hint = found.start() if found else None
        return self.hint

    def _before(self, place: int, hint: int) -> int:
        """Return the place of the tag that holds the hint, or of something before it that tells more."""
        passed = (_BEFORE_HINT_IN_FOREIGN if self.foreign else _BEFORE_HINT).match(self.html, place, hint)
        end = passed.end() if passed else place
        # What follows the last `<` was hidden from the pattern.
        return end - 1 if end > place and self.html[end - 1] == "<" else end

    def _after(self, found: re.Match[str]) -> int | None:
        """Return the place where reading goes on, or None if the match never ends; likewise in the methods below."""
        kind = found.lastgroup
        if kind == "tag":
            slash, name, closed = found.group("slash", "name", "tag")
            if not closed:
                return None
            return (self._after_end_tag if slash else self._after_start_tag)(found, name.lower())
        if kind == "comment":
            return self._after_comment(found.start("place"), found.end())
        return self._past("]]>" if kind == "cdata" and self.foreign else ">", found.end())

    def _past(self, closing: str, place: int) -> int | None:
        found = self.html.find(closing, place, self.end)
        return None if found < 0 else found + len(closing)

    def _after_start_tag(self, tag: re.Match[str], name: str) -> int | None:
        if name in ("svg", "math"):
            if not self.foreign:
                self.foreign_start = tag.start("place")
            self.foreign += self.html[tag.end() - 2] != "/"
            return tag.end()
        if name in ("a", "area"):
            self._note_link(tag, name)
        elif name.startswith("v:"):
            self._note_link(tag, name)
            self._note_image(tag)
        elif name in ("img", "image"):  # the parsing rules make the second the first
            self._note_image(tag)
        if self.foreign:
            if name in _HTML_AGAIN:
                self.foreign = 0
        elif name in _TEXT_ELEMENTS:
            closing = _TEXT_ELEMENTS[name].search(self.html, tag.end(), self.end)
            return closing.start() if closing else None
        elif name == "script":
            return self._script_end(tag.end())
        elif name == "plaintext":
            return None
        return tag.end()

    def _after_end_tag(self, tag: re.Match[str], name: str) -> int:
        if name == "body" and not self.in_comment:
            self.markup.body_end = self._outside(tag.start("place"))
        elif name in ("svg", "math"):
            self.foreign = max(0, self.foreign - 1)
        return tag.end()

    def _after_comment(self, start: int, content: int) -> int | None:
        condition = _CONDITION.match(self.html, start, self.end)
        if self.in_comment:
            # The outer comment ends at the first `-->`: this one has no end of its own to look for.
            return condition.end() if condition else None
        closing = _EMPTY_COMMENT.match(self.html, content) or _COMMENT_END.search(self.html, content)
        if condition:
            content_end = closing.start() if closing else self.end
            self._reader_of_comment(content_end).read_from(condition.end())
        return closing.end() if closing else None

    def _reader_of_comment(self, end: int) -> "MarkupReader":
        return MarkupReader(self.html, end, self.markup, in_comment=True)

    def _script_end(self, place: int) -> int | None:
        commented = hidden = False
        for mark in _IN_SCRIPT.finditer(self.html, place, self.end):
            if mark[0] == "<!":
                commented = True
            elif mark[0] == "-->":
                commented = hidden = False
            elif mark[0][1] != "/":
                hidden = commented
            elif hidden:
                hidden = False
            else:
                return mark.start()
        return None

    def _note_link(self, tag: re.Match[str], name: str) -> None:
        if not _PERHAPS_HREF.search(self.html, tag.end("name"), tag.start("tag")):
            return
        values = self._values(tag)
        start, end = values.get("href", _NO_VALUE)
        if start < end:
            is_hidden = self._says(values, "aria-hidden", "true") and self._says(values, "tabindex", "-1")
            ending = _NOTHING_IN_IT.match(self.html, tag.end(), self.end) if name == "a" else None
            empty = (tag.start("place"), ending.end()) if ending else None
            is_off = self._says(values, "data-heed", "off")
            content = tag.end() if name == "a" and ending is None else None
            self.markup.add_found(MarkupLink(start, end, is_off, is_hidden, empty, content))

    def _note_image(self, tag: re.Match[str]) -> None:
        if not _PERHAPS_SRC.search(self.html, tag.end("name"), tag.start("tag")):
            return
        start, end = self._values(tag).get("src", _NO_VALUE)
        if start < end:
            self.markup.add_found(MarkupImage(tag.start("place"), tag.end(), start, end))

    def _values(self, tag: re.Match[str]) -> dict[str, tuple[int, int]]:
        """Return the places of a tag's attribute values, without quotes, by name in lower case."""
        spans: dict[str, tuple[int, int]] = {}
        for attribute in _ATTRIBUTES.finditer(self.html, tag.end("name"), tag.start("tag")):
            # The first of several attributes with one name is the one that counts.
            start, end = attribute.span("value")
            if start < end and self.html[start] in "\"'":
                start, end = start + 1, end - 1
            spans.setdefault(attribute["name"].lower(), (start, end))
        return spans

    def _says(self, values: dict[str, tuple[int, int]], name: str, value: str) -> bool:
        start, end = values.get(name, _NO_VALUE)
        return self.html[start:end].strip().lower() == value
