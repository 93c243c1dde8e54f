"""A reader of the attributes of any tag, where something hints at a telling one; it follows `lib.rewrite.markup`."""

import re
from typing import Final

from lib.rewrite import markup
from lib.rewrite.markup import Markup, MarkupReader

_NEXT_TAG: Final = re.compile(rf"(?:[^<]++|{markup.ENDING})*+{markup.MARKUP}")


class TagReader(MarkupReader):
    """Goes from hint to hint, past everything between them that tells nothing of the structure.

    A subclass names its `hints`, and notes what it looks for. After `most` tags with hints it reads no further.
    """

    def __init__(self, html: str, end: int, *, in_comment: bool, most: int) -> None:
        super().__init__(html, end, Markup(len(html)), in_comment=in_comment)
        self._left = most

    def _next(self, place: int) -> re.Match[str] | None:
        hint = self._hint(place)
        if hint is None or self._left == 0:
            return None
        return _NEXT_TAG.match(self.html, self._before(place, hint), self.end)

    def _after_start_tag(self, tag: re.Match[str], name: str) -> int | None:
        after = super()._after_start_tag(tag, name)
        if self.hint is not None and self.hint < tag.end():
            self._left -= 1
            for attribute, (start, end) in self._values(tag).items():
                if start >= 0:
                    self._note_attribute(attribute, start, end)
        if name == "style" and after is not None and not self.foreign:
            self._note_style(tag.end(), after)
        return after

    def _note_attribute(self, name: str, start: int, end: int) -> None:
        """Note an attribute with the value `html[start:end]`."""

    def _note_style(self, start: int, end: int) -> None:
        """Note the content of a `<style>`."""

    def _note_link(self, tag: re.Match[str], name: str) -> None:
        """Pass over links."""

    def _note_image(self, tag: re.Match[str]) -> None:
        """Pass over images."""
