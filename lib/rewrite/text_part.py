"""The text part: web addresses in it are exchanged in place."""

import re
from collections import Counter
from typing import Final

from lib.rewrite.destinations import Destinations, refusal_remark
from lib.rewrite.links import LinkRefused
from lib.rewrite.markup import MOST_LINKS, TOKEN_OF_OURS
from lib.rewrite.remarks import RewriteRemark, SourcePlaces

# A URL ends where it does for mail clients, too: at white space, even of no width, at `<`, `>` and `"`
# (RFC 3986, appendix C), and between the brackets of a Markdown link. The lookbehind: `xhttp:` is no `http:`;
# it comes after the first letter, so that the search looks for that letter and nothing else.
_CANDIDATE: Final = re.compile(
    r'[hH](?<![A-Za-z0-9+.\-].)[tT]{2}[pP][sS]?://(?:[^\s<>"\]\u200b\u2060\ufeff]++|\](?!\())++', re.DOTALL
)
_PERHAPS_OURS: Final = re.compile(r"[/%](?:(?<=/)[co]/|(?<=%)2Fo)", re.IGNORECASE | re.ASCII)
_TRAILING: Final = frozenset(".,;:!?*…。、，．；：！？“”„‘’‚«»‹›")
_OPENING: Final = dict(zip(")]}）」』】》〉", "([{（「『【《〈", strict=True))
_PERHAPS_OUTSIDE: Final = _TRAILING | _OPENING.keys() | {"'"}


def rewrite_text(text: str, destinations: Destinations, remarks: list[RewriteRemark]) -> str:
    """Exchange the first `MOST_LINKS` addresses of a text; links and pixels of older mail of ours also after them."""
    if not destinations.is_following and not _PERHAPS_OURS.search(text):
        return text
    part = _Part(text, destinations, remarks)
    pieces, done, left = list[str](), 0, MOST_LINKS
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        if destinations.destination_of(match[0]) is not None:
            continue  # a link of the HTML, with that link's own index
        if not left:
            destinations.left_out = destinations.is_following
            return "".join([*pieces, text[done:start], part.without_ours(start)])
        left -= 1
        pieces += (text[done:start], part.replacement(match))
        done = end
    return "".join([*pieces, text[done:]])


class _Part:
    def __init__(self, text: str, destinations: Destinations, remarks: list[RewriteRemark]) -> None:
        self._text: Final = text
        self._destinations: Final = destinations
        self._remarks: Final = remarks
        self._places: Final = SourcePlaces("text", text)

    def replacement(self, match: re.Match[str]) -> str:
        candidate = match[0]
        destinations = self._destinations
        is_perhaps_ours = _PERHAPS_OURS.search(candidate)
        if not destinations.takes_more and not is_perhaps_ours:
            return destinations.url_of(candidate)
        url = _without_trailing(candidate)
        if _is_unresolved(match) or url.endswith("://"):
            return candidate
        rest = candidate[len(url) :]
        address = url
        if is_perhaps_ours:
            if older := destinations.ours.link(url):
                address = older.destination
            elif destinations.ours.is_pixel(url):
                return rest
        if destinations.destination_of(url) is not None:
            return candidate
        if not destinations.takes_more:
            return destinations.url_of(address) + rest
        try:
            return (destinations.url_in_text(address) or address) + rest
        except LinkRefused as refused:
            self._remarks.append(refusal_remark(refused, self._places, match.start()))
            return address + rest

    def without_ours(self, start: int) -> str:
        """Return the text from there on with only links and pixels of older mail of ours changed."""
        text = self._text[start:]
        if not TOKEN_OF_OURS.search(text):
            return text
        return _CANDIDATE.sub(
            lambda match: self.replacement(match) if TOKEN_OF_OURS.search(match[0]) else match[0], text
        )


def _is_unresolved(match: re.Match[str]) -> bool:
    """Whether the pattern has cut the URL off at a merge field, as in `https://example.com/<% id %>`."""
    return match.string.startswith("<%", match.end())


def _without_trailing(candidate: str) -> str:
    """Return the candidate without the punctuation of the sentence around it, and without brackets it did not open."""
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
