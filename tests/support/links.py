"""Links of pages, and what they must not hold: an address of a person, which histories and logs would keep."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from urllib.parse import unquote

_LINK = re.compile(r'<a [^>]*?\bhref="([^"#]*)')
_PLACE = re.compile(r'\s(?:href|src|action|formaction|data-[\w-]+)="([^"]*)"')
_FORM_READ_WITH_GET = re.compile(r'<form(?! method="post")[^>]*>.*?</form>', re.DOTALL)


def places_in(page: str) -> list[str]:
    """List where the links, the pictures and the forms of a page lead to."""
    return [html.unescape(each) for each in _PLACE.findall(page)]


def links_in(page: str) -> list[str]:
    """List where a page leads to by a click."""
    return [html.unescape(each) for each in _LINK.findall(page)]


def naming_addresses(places: Iterable[str]) -> list[str]:
    """List the places that name an address, in whatever spelling. A link that writes mail leads to no server."""
    return [each for each in places if "@" in unquote(unquote(each)) and not each.startswith("mailto:")]


def forms_that_show_addresses(page: str) -> list[str]:
    """List the forms whose fields become a part of the address of the next page, and ask for an address."""
    return [each for each in _FORM_READ_WITH_GET.findall(page) if "address" in each or 'type="email"' in each]
