"""Hosts of links: those that are denied, and those that look like another one.

Sources for look-alikes: Unicode UTS 39, 5.1 (mixed scripts) and 5.2 (restriction level "highly restrictive"), and
"Internationalized Domain Names (IDN) in Google Chrome" (names whose letters all look like Latin ones). Scripts are read
off the names of characters, as Python has no table of scripts.
"""

import re
import unicodedata
from collections.abc import Iterable, Set
from functools import lru_cache
from typing import Final

from lib.rewrite.remarks import RewriteRemark

_HOST: Final = re.compile(r"https?://(\[[^\]]*+\]|[^/?#:]++)", re.IGNORECASE)

_TOGETHER: Final = (
    frozenset(("LATIN", "CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("LATIN", "CJK", "BOPOMOFO")),
    frozenset(("LATIN", "CJK", "HANGUL")),
)
"""Scripts that one word may hold beside each other: Japanese, Chinese, Korean."""

_LIKE_LATIN: Final = {
    "CYRILLIC": frozenset("аысԁеԍһіюјӏорԗԛѕԝхуъьҽпгѵѡ"),
    "GREEK": frozenset("αικνρυωηοτ"),
    "ARMENIAN": frozenset("ագզէլհյոսվցօ"),
    "LATIN": frozenset("ıɑɡɩɪƅſꞁ"),
}
"""Letters that look like a Latin one. Of Latin itself, those that look like one of ASCII."""

_CYRILLIC_ZONES: Final = frozenset(("bg", "by", "kz", "ru", "su", "ua", "uz"))
"""Top-level domains of countries that write in Cyrillic."""


def host_of(url: str) -> str:
    """Return the host of a web address as hosts are compared; empty where there is none."""
    found = _HOST.match(url)
    return found[1].lower().removesuffix(".") if found else ""


def is_denied(host: str, denied: Set[str]) -> bool:
    """Whether a host, or a domain above it, is denied."""
    labels = host.split(".")
    return bool(denied) and any(".".join(labels[place:]) in denied for place in range(len(labels)))


@lru_cache(1024)
def looks_like_another(host: str) -> bool:
    """Whether a reader may take a host, in its ASCII form, for another one."""
    if "xn--" not in host:
        return False
    labels = host.split(".")
    return any(_is_deceptive(_decoded(label), labels[-1]) for label in labels)


def lookalike_remarks(destinations: Iterable[str], place: str) -> list[RewriteRemark]:
    """Return a remark on each host of these addresses that looks like another one."""
    hosts = dict.fromkeys(host_of(each) for each in destinations)
    return [
        RewriteRemark(
            "lookalike_host",
            f"The host {'.'.join(map(_decoded, host.split('.')))} ({host}) can be taken for another one.",
            place,
        )
        for host in hosts
        if looks_like_another(host)
    ]


def _decoded(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _is_deceptive(label: str, zone: str) -> bool:
    if label.isascii():
        return False
    scripts = {script for character in label if (script := _script(character))}
    if len(scripts) > 1:
        return not any(scripts <= together for together in _TOGETHER)
    if scripts == {"LATIN"}:
        return any(character in _LIKE_LATIN["LATIN"] for character in label)
    if scripts == {"CYRILLIC"} and (zone in _CYRILLIC_ZONES or zone.startswith("xn--")):
        return False
    like = _LIKE_LATIN.get(next(iter(scripts), ""), frozenset())
    return all(character in like for character in label if _script(character)) and bool(scripts & _LIKE_LATIN.keys())


def _script(character: str) -> str | None:
    """Return the script of a letter; None for digits, marks and letters of several scripts."""
    if not character.isalpha():
        return None
    script = unicodedata.name(character, "").partition(" ")[0]
    return None if script in ("KATAKANA-HIRAGANA", "MODIFIER") else script
