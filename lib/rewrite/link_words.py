"""The visible words of a link: what they say, and whether they are an address themselves.

Filters for phishing suspect a link that shows one host and leads to another.
"""

import re
from functools import lru_cache
from typing import Final

from turbohtml import TokenType, tokenize

from lib.rewrite.links import LinkRefused, destination
from lib.rewrite.remarks import RewriteRemark, SourcePlaces

LONGEST_CONTENT: Final = 400
"""Characters of the content in which the words are looked for."""

_SHOWN: Final = re.compile(r"(?:https?://|www\.)", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*+>")
_END: Final = re.compile(r"</?a[\s>]", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\s*+(https?://)?+([^\s/?#<>\"&|\\]++)", re.IGNORECASE)
_HOST: Final = re.compile(r"https?://([^/?#:]++)", re.IGNORECASE)
_AFTER_HOST: Final = ".,;:!?…)]}'»”’"


def content_of(html: str) -> str:
    """Return the content of a link, from the HTML that begins with it."""
    end = _END.search(html)
    return html[: end.start()] if end else html


def spoken_words(content: str) -> str:
    """Return the words of a link's content, and those that stand for its images, as readers have them."""
    if "<" not in content and "&" not in content:
        return content
    tokens = tokenize(content)
    return "".join((each.data if each.type is TokenType.TEXT else each.attr("alt")) or "" for each in tokens)


def shows_another(content: str, address: str) -> bool:
    """Whether the content of a link is an address with another host than `address` has."""
    if not _SHOWN.search(content):
        return False
    words = _TAG.sub("", content).replace("&nbsp;", " ")
    found = _ADDRESS.match(words)
    if found is None or not _SHOWN.match(words, found.start(1) if found[1] else found.start(2)):
        return False
    shown, led = _host("https://" + found[2].rstrip(_AFTER_HOST)), _host(address)
    return bool(shown and led) and shown != led


def differing_remark(places: SourcePlaces, offset: int) -> RewriteRemark:
    """Return the remark on such a link."""
    text = (
        "This link shows the address of another site than the one it leads to. Filters may take the mail for phishing."
    )
    return RewriteRemark("link_text_differs", text, places.name(offset))


@lru_cache(1024)
def _host(address: str) -> str:
    """Return the host in the form in which hosts are compared; empty where there is none."""
    try:
        found = _HOST.match(destination(address))
    except LinkRefused:
        return ""
    return found[1].lower().removesuffix(".").removeprefix("www.") if found else ""
