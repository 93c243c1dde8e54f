"""Likeness of a template's contents: whether a new version is a small correction or another text. Pure.

Subjects and texts are compared by the pieces of three letters that they have in common (Dice, "Measures of the Amount
of Ecologic Association Between Species", Ecology 26, 1945): 2 |A and B| / (|A| + |B|), with each piece as often as it
occurs. Case, white space and markup do not count. A corrected word of a text of twenty words leaves some 0.95; another
subject line, or a fifth of the text rewritten, falls below `SAME`.
"""

from __future__ import annotations

from collections import Counter

from lib.rewrite.plain_text import plain_text
from lib.templates.models import TemplateContent

SAME = 0.8
"""The least likeness, of subject and of text, 0 to 1, of versions that have their rates in common."""

_LETTERS = 3


def is_same_content(one: TemplateContent, other: TemplateContent) -> bool:
    """Whether two contents are alike enough that what came of the one tells of the other."""
    return likeness(one.subject, other.subject) >= SAME and likeness(_shown(one), _shown(other)) >= SAME


def likeness(one: str, other: str) -> float:
    """Return the likeness of two texts, 0 to 1."""
    left, right = _pieces(one), _pieces(other)
    size = left.total() + right.total()
    return 2 * (left & right).total() / size if size else 1.0


def _pieces(text: str) -> Counter[str]:
    padded = f"  {' '.join(text.casefold().split())} "
    if not padded.strip():
        return Counter()
    return Counter(padded[place : place + _LETTERS] for place in range(len(padded) - _LETTERS + 1))


def _shown(content: TemplateContent) -> str:
    """Return what a reader sees of a content."""
    if content.html is None:
        return content.text or ""
    return plain_text(content.html, lambda _: None)
