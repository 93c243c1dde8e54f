"""Rules about the browser that an agent claims to be: its other headers have to fit that browser's version.

A program that copies a browser's agent mostly leaves the rest as its library sends it. The rule is silent where a
person's request may look the same: browsers send fetch metadata and client hints over https alone, and apps, mail
programs and image proxies load what they show in their own ways. Gateways may strip headers, so the finding decides
nothing by itself. Facts of earlier releases have none of these headers and are not judged by them.

Sources: Fetch Metadata Request Headers (W3C), sent by Chromium since version 80, Firefox since 90, Safari since 16.4;
User-Agent Client Hints (WICG), sent by Chromium since version 89 and by nothing else; MDN's list of default values of
`Accept`; Brotli is offered over https alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from lib.verdicts.evidence import Finding
from lib.verdicts.request import HitRequest

_RECORDED = ("accept", "accept-encoding", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-ch-ua")
"""A fact with none of these is of an earlier release, or of a program that says nothing."""

_FETCH_METADATA = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
_SECURE_ENCODING = re.compile(r"\b(?:br|zstd)\b")

_CHROMIUM = re.compile(
    r" Chrome/([0-9]{1,4})\.[0-9.]+ (?:Mobile )?Safari/537\.36(?: (?:Edg|EdgA|OPR|Vivaldi)/[0-9.]+)*"
)
_FIREFOX = re.compile(r"; rv:([0-9]{1,4})\.0\) Gecko/[0-9.]+ Firefox/[0-9]{1,4}\.0")
_SAFARI = re.compile(r" Version/([0-9]{1,3})\.([0-9]{1,2})[0-9.]* (?:Mobile/\w+ )?Safari/[0-9.]+")
"""Ends of the agents of plain browsers. Whatever adds a name of its own may load things in its own way."""

_SENDS_METADATA: Mapping[str, tuple[int, int]] = {"Chromium": (80, 0), "Firefox": (90, 0), "Safari": (16, 4)}

_HINTED_ENGINE = re.compile(r'"Chromium";\s?v="([0-9]{1,4})"')
_SYSTEMS: Mapping[str, str] = {
    "Windows": "Windows", "macOS": "Macintosh", "Linux": "X11; Linux", "Android": "Android", "Chrome OS": "X11; CrOS",
}  # fmt: skip
"""Systems in client hints, and as agents name them."""

_ASK_FOR_DESKTOP_PAGES = frozenset(("Android", "Chrome OS"))
"""Systems whose browsers can ask for the pages that desktops get, and then say Linux in the agent."""


class _Browser(NamedTuple):
    engine: str
    version: tuple[int, int]


@lru_cache(maxsize=4096)
def _claimed(agent: str) -> _Browser | None:
    """The plain browser that an agent says it is, if that browser sends fetch metadata."""
    for engine, pattern in (("Chromium", _CHROMIUM), ("Firefox", _FIREFOX), ("Safari", _SAFARI)):
        found = pattern.search(agent)
        if found is not None and found.end() == len(agent):
            version = (int(found[1]), int(found[2]) if pattern is _SAFARI else 0)
            return _Browser(engine, version) if version >= _SENDS_METADATA[engine] else None
    return None


def headers_do_not_fit(request: HitRequest) -> Finding | None:
    """Match opens and clicks: a file may be loaded by a person's download manager under the browser's name."""
    if not request.agent or request.kind == "attachment_view" or not any(name in request.headers for name in _RECORDED):
        return None
    browser = _claimed(request.agent)
    if browser is None or _loads_in_its_own_way(request):
        return None
    if not (_is_without_metadata(request) or _contradicts_hints(browser, request.agent, request.headers)):
        return None
    text = "It says it is a browser, but its request does not look like one of this browser's version."
    return Finding("headers-do-not-fit", text)


def _loads_in_its_own_way(request: HitRequest) -> bool:
    """Whether an app, a robot that says so, or a mail service that loads images for people has made the request."""
    agent, owner = request.agent or "", request.owner
    if "; wv)" in agent or request.program.is_app or request.program.robot_name is not None:
        return True
    return request.kind == "open" and owner is not None and owner.kind == "proxy"


def _is_without_metadata(request: HitRequest) -> bool:
    """Whether fetch metadata is missing, although the request came over https or is none that a browser makes."""
    headers = request.headers
    if any(name in headers for name in _FETCH_METADATA):
        return False
    if "sec-ch-ua" in headers or _SECURE_ENCODING.search(headers.get("accept-encoding", "")):
        return True
    pages = "text/html"  # an image, too, can be opened as a page of its own
    return not headers.get("accept", "").startswith((pages, "image/") if request.kind == "open" else pages)


def _contradicts_hints(browser: _Browser, agent: str, headers: Mapping[str, str]) -> bool:
    """Whether client hints tell of another engine, version or system than the agent."""
    hints = headers.get("sec-ch-ua")
    if hints is None:
        return False
    engine = _HINTED_ENGINE.search(hints)
    if browser.engine != "Chromium" or "Headless" in hints or (engine and int(engine[1]) != browser.version[0]):
        return True
    system = headers.get("sec-ch-ua-platform", "").strip('"')
    if system not in _SYSTEMS or _SYSTEMS[system] in agent:
        return False
    return system not in _ASK_FOR_DESKTOP_PAGES or "X11; Linux" not in agent


RULES = (headers_do_not_fit,)
