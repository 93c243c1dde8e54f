"""Languages that people are spoken to in: which of them, and how it writes the time of day and lists of names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, get_args

SpokenLanguage = Literal["en", "de", "fr", "es", "it"]

LANGUAGES: tuple[SpokenLanguage, ...] = get_args(SpokenLanguage)

NAMES: Mapping[SpokenLanguage, str] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
}
"""Names of the languages, each in its own."""

_TWO_DIGITS: frozenset[SpokenLanguage] = frozenset(("de", "fr", "it"))
"""Languages that write hours before 10 with a zero in front (the pattern `HH:mm` of CLDR)."""

_LONGEST = 1000
"""Characters of an `Accept-Language` that are looked at."""

_CHOICE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?")


def clock_time(at: datetime, language: SpokenLanguage = "en") -> str:
    """Write the time of day as people read it in a language, by 24 hours: `9:05` in English, `09:05` in German.

    All that Heed says holds times in this form; fields of forms and settings, and logs, have that of ISO 8601.
    """
    return f"{at:%H:%M}" if language in _TWO_DIGITS else f"{at.hour}:{at:%M}"


class Listed(NamedTuple):
    """Names side by side, so that none can be taken for two."""

    names: list[str]
    separator: str


def side_by_side(names: Sequence[str]) -> Listed:
    """Set names side by side: semicolons stand between them where one holds a comma, such as `Meier, Anna`.

    A name that holds a semicolon itself stands in quotation marks.
    """
    shown = [f"“{name}”" if ";" in name else name for name in names]
    return Listed(shown, "; " if any("," in name or ";" in name for name in names) else ", ")


_AND: Mapping[SpokenLanguage, str] = {"en": "and", "de": "und", "fr": "et"}
"""The word before the last name. In Spanish and Italian it depends on the name, and a comma is never wrong."""


def enumerated(names: Sequence[str], most: int | None = None, language: SpokenLanguage | None = "en") -> str:
    """List names in a sentence: `Ada, Bob and Eve`, `Meier, Anna; and Bob`; beyond `most` of them `and 3 more`.

    Where the language has no word before the last name, or is not known, separators stand between all.
    """
    shown, separator = side_by_side(names if most is None else names[:most])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown):,} more")
    word = _AND.get(language) if language else None
    if len(shown) < 2 or word is None:
        return separator.join(shown)
    return f"{separator.join(shown[:-1])}{'; ' if separator == '; ' else ' '}{word} {shown[-1]}"


def spoken(tag: str | None) -> SpokenLanguage | None:
    """Return the language of a tag (BCP 47) such as `de-AT`; None for a language that we do not speak."""
    wanted = re.split("[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    return next((each for each in LANGUAGES if each == wanted), None)


def preferred(accepted: str | None) -> SpokenLanguage | None:
    """Return the best of our languages for a header `Accept-Language` (RFC 9110, 12.5.4); None where there is none."""
    best: tuple[float, SpokenLanguage] | None = None
    for choice in (accepted or "")[:_LONGEST].split(","):
        found = _CHOICE.fullmatch(choice)
        language = spoken(found[1]) if found else None
        if found is None or language is None:
            continue
        quality = float(found[2] or 1)
        if quality > 0 and (best is None or quality > best[0]):
            best = quality, language
    return best[1] if best else None
