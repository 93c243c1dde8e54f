"""Headers that clients send besides agent and language: browsers and mail programs, and programs that imitate them.

A fact takes from them what Heed keeps (`lib.tracking.facts.KEPT_HEADERS`). They were written down before there was a
rule about them, so that the rule could be measured.

What a browser sends is fixed by the Fetch Metadata Request Headers and User-Agent Client Hints specifications, and by
what Chromium, Firefox and WebKit accept. Half of the imitating products drive a real browser, which sends the same; the
other half are libraries that set an agent and leave the rest as it is. The share is assumed. `Referer` is left out:
mail programs send none, and webmail mostly asks browsers to send none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from random import Random

from bench.traces.trace import Request

REAL_BROWSERS = 0.5
"""Share of the machines that imitate a browser with a real one."""

_PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
_PAGE_PLAIN = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
_IMAGE_PLAIN = "image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
_CHROMIUM = re.compile(r"Chrome/([0-9]+)\.")
_SAFARI = re.compile(r"Version/[0-9.]+ (?:Mobile/\w+ )?Safari/")
_FIREFOX = re.compile(r"(?:Firefox|Thunderbird)/")

_PEOPLE_S_PROGRAMS = frozenset(("quoted-pixel", "own-look-from-elsewhere", "own-look-in-the-office"))
"""Behavior of machines, as the labels have it, at which people sit: the sender's side."""

_CHECKERS = frozenset(("antivirus-at-the-reader", "office-asks"))
"""Programs that copy a browser's agent at most."""

_LIBRARIES: tuple[dict[str, str], ...] = (
    {"accept": "*/*", "accept-encoding": "gzip, deflate"},
    {"accept": "*/*"},
    {"accept": _PAGE_PLAIN, "accept-encoding": "gzip, deflate, br"},
)


def dressed(request: Request) -> Request:
    """The request with all headers that its client sends."""
    agent = request.headers.get("user-agent")
    people_s = request.actor == "person" or request.nothing_tells or request.scenario in _PEOPLE_S_PROGRAMS
    real = people_s or (request.scenario not in _CHECKERS and _drives_a_browser(agent))
    more = _browser_headers(agent or "", request.kind == "open") if real else _library_headers(agent)
    return replace(request, headers={**more, **request.headers})


def _drives_a_browser(agent: str | None) -> bool:
    """A product is the same for all its requests, and known by its agent here."""
    if agent is None or not agent.startswith("Mozilla/5.0 (") or "compatible" in agent:
        return False
    return Random(f"real {agent}").random() < REAL_BROWSERS


def _library_headers(agent: str | None) -> dict[str, str]:
    return Random(f"library {agent}").choice(_LIBRARIES)


@lru_cache(maxsize=4096)
def _browser_headers(agent: str, is_image: bool) -> dict[str, str]:
    """Headers of the engine that the agent names; of a mail program or a proxy without an engine, what it accepts."""
    if "Proxy" in agent:
        return {"accept": "*/*", "accept-encoding": "gzip, deflate"}
    chromium = _CHROMIUM.search(agent)
    if chromium:
        return _chromium(agent, int(chromium[1]), is_image)
    if _FIREFOX.search(agent) or _SAFARI.search(agent):
        accepts = _IMAGE_PLAIN if is_image else _PAGE_PLAIN
        return {"accept": accepts, "accept-encoding": "gzip, deflate, br", **_fetch_metadata(is_image)}
    return {"accept": "*/*", "accept-encoding": "gzip, deflate"}


def _chromium(agent: str, version: int, is_image: bool) -> dict[str, str]:
    """Client hints since version 89, zstd since 123. Hints are not sent by views inside mobile programs."""
    found = {"accept": _IMAGE if is_image else _PAGE, "accept-encoding": "gzip, deflate, br"}
    if version >= 123:
        found["accept-encoding"] += ", zstd"
    if version >= 80:
        found |= _fetch_metadata(is_image)
    if version >= 89 and "; wv)" not in agent:
        brand = "Microsoft Edge" if "Edg/" in agent else "Google Chrome"
        found["sec-ch-ua"] = f'"Chromium";v="{version}", "{brand}";v="{version}", "Not_A Brand";v="24"'
        found["sec-ch-ua-mobile"] = "?1" if "Mobile" in agent else "?0"
        found["sec-ch-ua-platform"] = f'"{_platform(agent)}"'
    return found


def _fetch_metadata(is_image: bool) -> dict[str, str]:
    if is_image:
        return {"sec-fetch-dest": "image", "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site"}
    return {
        "sec-fetch-dest": "document", "sec-fetch-mode": "navigate", "sec-fetch-site": "none", "sec-fetch-user": "?1",
        "upgrade-insecure-requests": "1",
    }  # fmt: skip


def _platform(agent: str) -> str:
    names = (("Windows", "Windows"), ("Mac OS X", "macOS"), ("Android", "Android"), ("Linux", "Linux"))
    return next((name for part, name in names if part in agent), "Unknown")
