"""The text part: the web addresses in it are exchanged in place."""

import re
from collections import Counter
from typing import Final

from lib.links import LinkRefused
from lib.rewrite.destinations import Destinations, refusal_remark
from lib.rewrite.remarks import Places, Remark

# A URL ends where it does for mail clients, too: at white space, even of no width, at `<`, `>` and `"`
# (RFC 3986, appendix C), and between the brackets of a Markdown link. The lookbehind: `xhttp:` is no `http:`;
# it comes after the first letter, so that the search looks for that letter and nothing else.
_CANDIDATE: Final = re.compile(
    r'[hH](?<![A-Za-z0-9+.\-].)[tT]{2}[pP][sS]?://(?:[^\s<>"\]\u200b\u2060\ufeff]|\](?!\())++', re.DOTALL
)
_PERHAPS_OURS: Final = re.compile(r"/[co]/|%2Fo", re.IGNORECASE | re.ASCII)
_TRAILING: Final = frozenset(".,;:!?*…。、，．；：！？“”„‘’‚«»‹›")
_OPENING: Final = dict(zip(")]}）」』】》〉", "([{（「『【《〈", strict=True))
_PERHAPS_OUTSIDE: Final = _TRAILING | _OPENING.keys() | {"'"}


def rewrite_text(text: str, destinations: Destinations, remarks: list[Remark]) -> str:
    places = Places("text", text)
    if not destinations.is_following and not _PERHAPS_OURS.search(text):
        return text

    def replacement(match: re.Match[str]) -> str:
        candidate = match[0]
        if not destinations.takes_more and not _PERHAPS_OURS.search(candidate):
            return destinations.url_of(candidate)
        url = _without_trailing(candidate)
        if _is_unresolved(match) or url.endswith("://"):
            return candidate
        rest = candidate[len(url) :]
        if destinations.ours.is_pixel(url):
            return rest
        if destinations.destination_of(url) is not None:
            return candidate  # a link of the HTML, with that link's own index
        older = destinations.ours.link(url)
        address = older.destination if older else url
        try:
            return (destinations.url_in_text(address) or address) + rest
        except LinkRefused as refused:
            remarks.append(refusal_remark(refused, places, match.start()))
            return address + rest

    return _CANDIDATE.sub(replacement, text)


def _is_unresolved(match: re.Match[str]) -> bool:
    """Whether the pattern has cut the URL off at a merge field, as in `https://example.com/<% id %>`."""
    return match.string.startswith("<%", match.end())


def _without_trailing(candidate: str) -> str:
    """The candidate without the punctuation of the sentence around it, and brackets it did not open."""
    if candidate[-1] not in _PERHAPS_OUTSIDE:
        return candidate
    counts = Counter(candidate)
    end = len(candidate)
    while _is_outside(candidate[end - 1], counts):
        end -= 1
        counts[candidate[end]] -= 1
    return candidate[:end]


def _is_outside(last: str, counts: Counter[str]) -> bool:
    if last in _OPENING:
        return counts[last] > counts[_OPENING[last]]
    return last in _TRAILING or (last == "'" and counts[last] % 2 == 1)
