"""Images of a mail that stand in no `src`: the attribute `background`, `srcset`, and CSS in `style` and `<style>`.

Such places are few, so the HTML is read for them only where it names an image inside the mail (`cid:`), or one that
Heed hosts for older mail. Time is linear in the HTML, as in `lib.rewrite.markup`.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from lib.rewrite.markup import MOST_LINKS, MarkupReader
from lib.rewrite.tag_reader import TagReader

_SIGNS: Final = ("url(", "srcset", "background")
# The search looks for the one sign, which has no case. White space before `=` may follow any name.
_HINT: Final = re.compile(
    r"[=(](?:(?<=url\()|(?<=srcset=)|(?<=background=)|(?<=[\t\n\f\r ]=))", re.IGNORECASE | re.ASCII
)

# A source ends at what cannot stand in it without quotes.
_IN: Final = r"""[^\s"'<>()\\,;=&/]"""
_SOURCE: Final = rf"""(cid:(?:{_IN}|/)++|https?://{_IN}++(?:/{_IN}++)*?/i/[\w-]{{50}}(?:{_IN}|/)++)"""
_WHOLE: Final = re.compile(rf"\s*+{_SOURCE}", re.IGNORECASE | re.ASCII)
_IN_SRCSET: Final = re.compile(rf"""(?<![^\s,"'=]){_SOURCE}""", re.IGNORECASE | re.ASCII)
_IN_CSS: Final = re.compile(
    rf"""url\(\s*+(?:["']|&quot;|&apos;|&#(?:34|39|x2[27]);)?+{_SOURCE}""", re.IGNORECASE | re.ASCII
)
_ATTRIBUTES: Final = {"background": _WHOLE, "srcset": _IN_SRCSET, "style": _IN_CSS}


class ImagePlace(NamedTuple):
    """The source of an image is `html[start:end]`."""

    start: int
    end: int
    is_text: bool
    """Whether it stands in `<style>`, where no character reference is one."""


@lru_cache(1)
def read_image_places(html: str) -> list[ImagePlace]:
    """Find the sources of images in backgrounds, `srcset` and CSS, in order.

    Of a mail with very many such attributes, the first `MOST_LINKS` are read. The last result is remembered, and is
    not to be changed.
    """
    places: list[ImagePlace] = []
    lower = html.lower()  # To search in this is much quicker than a pattern for letters of both cases.
    if ("cid:" in lower or "/i/" in lower) and any(sign in lower for sign in _SIGNS):
        _PlaceReader(html, len(html), places).read_from(0)
    return places


class _PlaceReader(TagReader):
    hints = _HINT

    def __init__(self, html: str, end: int, places: list[ImagePlace], *, in_comment: bool = False) -> None:
        super().__init__(html, end, in_comment=in_comment, most=MOST_LINKS)
        self.places: Final = places

    def _reader_of_comment(self, end: int) -> MarkupReader:
        return _PlaceReader(self.html, end, self.places, in_comment=True)

    def _note_attribute(self, name: str, start: int, end: int) -> None:
        if pattern := _ATTRIBUTES.get(name):
            self._note_sources(pattern, start, end, is_text=False)

    def _note_style(self, start: int, end: int) -> None:
        self._note_sources(_IN_CSS, start, end, is_text=True)

    def _note_sources(self, pattern: re.Pattern[str], start: int, end: int, *, is_text: bool) -> None:
        for found in pattern.finditer(self.html, max(0, start), max(0, end)):
            self.places.append(ImagePlace(found.start(1), found.end(1), is_text))
