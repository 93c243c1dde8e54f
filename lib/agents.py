"""What a user agent says: device, operating system, mail client or browser; and whether it declares itself a machine.

Parsing is `ua-parser`'s, the list of self-declared robots is `crawler-user-agents`' (MIT). Both load when first asked,
and only the assessor asks: the hot path stores the agent as it came.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypedDict

APPLE_PRIVACY = re.compile(r"Mozilla/5\.0|Mozilla/5\.0 \([^)]*\) AppleWebKit/[\d.]+ \(KHTML, like Gecko\)")
"""Apple's Mail Privacy Protection, source: Mailgun's documentation, wordtothewise. Must match the whole agent."""

_IMAGE_PROXIES = {"googleimageproxy": "Gmail", "yahoomailproxy": "Yahoo Mail"}
"""They fetch when a person opens; lists of robots wrongly hold the first. Source: SparkPost, 9.8 billion opens."""

_LIBRARIES = re.compile(
    r"^(?:curl|wget|python-requests|python-urllib|python-httpx|aiohttp|go-http-client|okhttp|java|apache-httpclient|"
    r"libwww-perl|php|guzzlehttp|node-fetch|axios|undici|got|ruby|dart|powershell|winhttp|http_request2)\b",
    re.IGNORECASE,
)
_HEADLESS = re.compile(r"HeadlessChrome|PhantomJS|Puppeteer|Playwright|Selenium|Electron-Prefetch", re.IGNORECASE)

_CLIENTS = (
    ("Outlook", re.compile(r"Microsoft Outlook|MSOffice|Outlook-|ms-office", re.IGNORECASE)),
    ("Thunderbird", re.compile(r"Thunderbird", re.IGNORECASE)),
    ("Apple Mail", APPLE_PRIVACY),
)
_UNKNOWN_NAMES = {None, "", "Other"}


class Device(TypedDict):
    """As the API's timeline shows it. Each is None where the agent does not tell."""

    type: str | None
    os: str | None
    client: str | None


def image_proxy(agent: str) -> str | None:
    """The mail service whose proxy this is, or None."""
    lower = agent.lower()
    return next((name for mark, name in _IMAGE_PROXIES.items() if mark in lower), None)


@lru_cache(maxsize=4096)
def declared_robot(agent: str) -> bool:
    """The agent calls itself a robot, a library or a headless browser. Image proxies are none."""
    if image_proxy(agent):
        return False
    if _LIBRARIES.search(agent) or _HEADLESS.search(agent):
        return True
    import crawleruseragents

    return bool(crawleruseragents.is_crawler(agent))


@lru_cache(maxsize=4096)
def device_of(agent: str | None) -> Device:
    """What can be told of the device. An image proxy hides the person's."""
    if not agent:
        return Device(type=None, os=None, client=None)
    service = image_proxy(agent)
    if service:
        return Device(type=None, os=None, client=f"{service} (image proxy)")
    import ua_parser

    found = ua_parser.parse(agent)
    system = found.os.family if found.os else None
    browser = found.user_agent.family if found.user_agent else None
    client = next((name for name, pattern in _CLIENTS if _names(pattern, agent)), browser)
    return Device(
        type=_device_type(agent, system),
        os=None if system in _UNKNOWN_NAMES else system,
        client=None if client in _UNKNOWN_NAMES else client,
    )


def _names(pattern: re.Pattern[str], agent: str) -> bool:
    return bool(pattern.fullmatch(agent) if pattern is APPLE_PRIVACY else pattern.search(agent))


def _device_type(agent: str, system: str | None) -> str | None:
    if re.search(r"iPad|Tablet|Kindle|Silk/|PlayBook", agent) or ("Android" in agent and "Mobile" not in agent):
        return "tablet"
    if system in ("iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS") or "Mobile" in agent:
        return "phone"
    if system in ("Windows", "Mac OS X", "Linux", "Ubuntu", "Chrome OS", "Fedora", "Debian", "FreeBSD"):
        return "desktop"
    return None
