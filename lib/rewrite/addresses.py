"""The web addresses in running text: where each of them begins, and where it ends for a reader.

After its host, an address ends at the first character that RFC 3986 does not allow, so that words which touch it stay
words: text in Chinese or Japanese, a dash, `|`, a second address. A host may hold letters of every script (IDNA). It
ends at punctuation, at symbols of text, and at the first letter of another script after a top-level domain in ASCII.

Time is linear in the text: every quantifier is possessive, and no stretch is read more than three times.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote

_SCHEME: Final = "[tT]{2}[pP][sS]?://"
_H: Final = rf"[hH](?!{_SCHEME})"
# A second address begins here, but for one that is a value within the first: `?to=https://…`, `/https://…`, `%3Dhttps://…`.
_H_OR_INNER: Final = rf"[hH](?:(?!{_SCHEME})|(?<=[=/:?#&@+(].)|(?<=%[0-9A-Fa-f]{{2}}.))"
_BRACKET: Final = r"\](?!\()"  # the end of a Markdown link's text is none of its address
_AUTHORITY: Final = rf'(?:[^\s\x00-\x20\x7f<>"/?#\\^`{{|}}\]hH\u200b\u2060\ufeff]++|{_H}|{_BRACKET})*+'
_REST: Final = rf"[/?#](?:[A-GI-Za-gi-z0-9\-._~:/?#\[@!$&'()*+,;=%]++|{_H_OR_INNER}|{_BRACKET})*+"
# Signs of merge fields that no address can hold. The tail of such an address belongs to it, up to a space.
_FIELD: Final = r'(?:\{[{%]|<%|(?<=\$)\{|(?<=\*)\|[^\s|]++\|\*)[^\s"]*+'
_AFTER_H: Final = rf"{_SCHEME}(?P<authority>{_AUTHORITY})(?P<rest>{_REST})?+(?P<field>{_FIELD})?+"
# The lookbehind: `xhttp:` is no `http:`. It comes after the first letter, so that the search looks for that letter.
_ADDRESS: Final = re.compile(rf"[hH](?<![A-Za-z0-9+.\-].){_AFTER_H}", re.DOTALL)
_ANOTHER: Final = re.compile(rf"[hH]{_AFTER_H}", re.DOTALL)

_TRAILING: Final = frozenset(".,;:!?*")
_OPENING: Final = {")": "(", "]": "["}
_PERHAPS_OUTSIDE: Final = _TRAILING | _OPENING.keys() | {"'"}

_STOPS: Final = frozenset("。．｡")
"""Full stops that browsers take for the dots of a host (UTS 46)."""
_IN_HOSTS: Final = frozenset("\u00ad\u00b7\u05f3\u05f4\u200c\u200d\u30fb")
"""Signs that hosts may hold, though they are no letters: joiners, middle dots (RFC 5892, appendix A), a soft hyphen."""
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_NOT_IN_HOSTS: Final = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Sc", "Sk", "Sm"))
_MIXED_DOMAINS: Final = ("vermögensberater", "vermögensberatung")
"""The top-level domains that mix ASCII with other letters (https://data.iana.org/TLD/tlds-alpha-by-domain.txt)."""
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")


_BEFORE_REST: Final = re.compile(r"https?://[^/?#]*+", re.IGNORECASE)
ALLOWED: Final = r"A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%"
"""The characters of an address (RFC 3986), for a character class."""
_ALL_ALLOWED: Final = re.compile(rf"[{ALLOWED}]*+")
_NOT_ALLOWED: Final = re.compile(rf"[^{ALLOWED}]")


def spelled_for_text(address: str) -> str:
    """Return a web address as it can stand in a text: after its host, escapes replace what would end it there."""
    if _ALL_ALLOWED.fullmatch(address):
        return address
    host = _BEFORE_REST.match(address)
    if host is None:
        return address
    return host[0] + _NOT_ALLOWED.sub(lambda found: quote(found[0], errors="replace"), address[host.end() :])


class TextAddress(NamedTuple):
    """An address is `text[start:end]`; the punctuation of the sentence around it is outside."""

    start: int
    end: int
    is_unresolved: bool
    """Whether it goes on in a merge field, as in `https://example.com/<% id %>`."""


def find_addresses(text: str, place: int = 0) -> Iterator[TextAddress]:
    """Yield the addresses of a text from a place on, in order."""
    match = _ADDRESS.search(text, place)
    while match is not None:
        end, host_start = match.end(), match.start("authority")
        authority = match["authority"]
        is_unresolved = match["field"] is not None
        if not authority.isascii() and (length := _host_length(authority)) < len(authority):
            end, is_unresolved = host_start + length, False
        address_end = end if is_unresolved else _end_without_trailing(text, match.start(), end, host_start)
        if address_end > host_start:
            yield TextAddress(match.start(), address_end, is_unresolved)
        match = _ANOTHER.match(text, end) or _ADDRESS.search(text, end)


def _host_length(authority: str) -> int:
    """Return how many characters of it are the host, before words that touch it."""
    if "@" in authority:
        return len(authority)
    has_dot = False
    end = len(authority)
    for place, character in enumerate(authority):
        if character == ".":
            has_dot = True
        elif character in _STOPS:
            # The end of a sentence, unless all before it was typed in the same script.
            if has_dot or authority[:place].isascii():
                end = place
                break
            has_dot = True
        elif not _can_be_in_host(character):
            end = place
            break
    return _end_of_domain(authority[:end])


def _can_be_in_host(character: str) -> bool:
    if character.isascii() or character in _IN_HOSTS or ord(character) in _SKIN_TONES:
        return True
    category = unicodedata.category(character)
    return category[0] not in "PZ" and category not in _NOT_IN_HOSTS


def _end_of_domain(host: str) -> int:
    """Return the length of the host without words that touch a top-level domain in ASCII.

    No such domain mixes ASCII with another script. A host of one label may mix accented letters.
    """
    start = host.rfind(".") + 1
    label = host[start:]
    found = _NOT_ASCII.search(label)
    if found is None or found.start() == 0:
        return len(host)
    for domain in _MIXED_DOMAINS:
        if label.startswith(domain):
            return start + len(domain)
    if start == 0 and unicodedata.name(found[0], "").startswith("LATIN"):
        return len(host)
    return start + found.start()


def _end_without_trailing(text: str, start: int, end: int, least: int) -> int:
    """Return the end of an address without the sentence's punctuation, and without brackets that it did not open."""
    if text[end - 1] not in _PERHAPS_OUTSIDE:
        return end
    counts = Counter(text[start:end])
    while end > least and _is_outside(text[end - 1], counts):
        end -= 1
        counts[text[end]] -= 1
    return end


def _is_outside(last: str, counts: Counter[str]) -> bool:
    if last in _OPENING:
        return counts[last] > counts[_OPENING[last]]
    return last in _TRAILING or (last == "'" and counts[last] % 2 == 1)
