"""Request rules: the method, and headers that give a machine away."""

from __future__ import annotations

from lib.verdicts.evidence import Finding
from lib.verdicts.request import HitRequest

_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_IN_ADVANCE = ("prefetch", "prerender", "preview")


def head(request: HitRequest) -> Finding | None:
    if request.method != "HEAD":
        return None
    return Finding("head-request", "It only asked whether the address works, as link checkers do.")


def prefetch(request: HitRequest) -> Finding | None:
    said = [request.headers[name].lower() for name in _PURPOSES if name in request.headers]
    if not any(word in value for value in said for word in _IN_ADVANCE):
        return None
    return Finding("prefetch-header", "The browser said that it loads this in advance, before anyone asked for it.")


def no_language(request: HitRequest) -> Finding | None:
    """Browsers name the languages of their user with every page."""
    if request.kind == "open" or "accept-language" in request.headers:
        return None
    if not request.program.is_browser or request.program.robot_name is not None:
        return None
    return Finding("no-language", "It says it is a browser, but does not name its user's languages, as browsers do.")


RULES = (head, prefetch, no_language)
