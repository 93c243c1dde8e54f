"""Read user agents: device, operating system, mail client or browser; and whether the agent declares itself a machine.

Robots, apps and image proxies are in the catalogue `lib/catalogues/agents.csv`. The functions here take a deployment's
`Agents`, by default our own rows. `ua-parser` knows browsers and systems. Both load when first used, and only the
assessor uses them: the hot path stores the agent as it came.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypedDict

from lib.catalogues.agents import Agents, our_agents

APPLE_PRIVACY = re.compile(
    r"Mozilla/5\.0|Mozilla/5\.0 \((?:Macintosh|iP)[^)]*\) AppleWebKit/[\d.]+ \(KHTML, like Gecko\)"
)
"""Apple's Mail Privacy Protection, source: Mailgun's documentation, wordtothewise. Must match the whole agent."""


class Device(TypedDict):
    """A device in the form of the API's timeline. A field is None where the agent does not tell."""

    type: str | None
    """`phone`, `tablet` or `desktop`."""
    os: str | None
    """The operating system's name, such as `macOS`."""
    client: str | None
    """The mail program, the app, the browser, or a robot's name."""


def declared_robot(agent: str, agents: Agents | None = None) -> bool:
    """Whether the agent calls itself a robot, a tool, a library or a headless browser. Image proxies are none."""
    return (agents or our_agents()).declared_robot(agent)


def robot_name(agent: str, agents: Agents | None = None) -> str | None:
    """The robot's own name, fit for a sentence; empty if it has none. None if the agent is no robot."""
    return (agents or our_agents()).robot_name(agent)


def app_name(agent: str, agents: Agents | None = None) -> str | None:
    """The name of an app that people use, such as `Outlook` or `Slack`, or None."""
    return (agents or our_agents()).app_name(agent)


def image_proxy(agent: str, agents: Agents | None = None) -> str | None:
    """The mail service to which the image proxy belongs; None if the agent is no proxy."""
    return (agents or our_agents()).image_proxy(agent)


def device_of(agent: str | None, agents: Agents | None = None) -> Device:
    """Read the device from the agent. An image proxy hides the person's device, and a robot has none."""
    if not agent:
        return Device(type=None, os=None, client=None)
    kind, system, client = _device_of(agent, agents or our_agents())
    return Device(type=kind, os=system, client=client)


class _Kind(NamedTuple):
    type: str | None
    os: str | None


_SYSTEMS = {
    "Mac OS X": "macOS",
    "Chrome OS": "ChromeOS",
    **dict.fromkeys(("Ubuntu", "Fedora", "Debian", "Linux Mint", "Red Hat", "SUSE", "Arch Linux", "Gentoo"), "Linux"),
}
_DESKTOPS = ("Windows", "macOS", "Linux", "ChromeOS", "FreeBSD", "OpenBSD")
_PHONES = ("iOS", "Android", "Windows Phone", "BlackBerry OS", "KaiOS", "Symbian OS", "HarmonyOS")
_TELEVISIONS = re.compile(r"smart-?tv|\btv\b|hbbtv|web0s|playstation|xbox|nintendo|; AFT|roku", re.IGNORECASE)
_TABLETS = re.compile(r"iPad|Tablet(?! PC)|Kindle|Silk/|PlayBook")

_BROWSERS = {
    "IE": "Internet Explorer",
    "Chromium": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Firefox iOS": "Firefox",
    "Chrome Mobile WebView": "an app",
    "Android WebView": "an app",
    "Mobile Safari UI/WKWebView": "an app",
    "Android": "an app",
    "CFNetwork": "an app",
}
_MOBILE = re.compile(r"^Mobile | Mobile$")
NAMELESS_APPLE_APP = re.compile(
    r"Mozilla/5\.0 \(iP(?:hone|ad|od)[^)]*\) AppleWebKit/[\d.]+ \(KHTML, like Gecko\) Mobile/\w+"
)
"""Mail on a telephone, and any app that shows a page without adding its own name. Source: warmbly."""

_BY_CLIENT = (
    (re.compile(r"^outlook-ios/.{0,40}ipad", re.IGNORECASE), _Kind("tablet", "iOS")),
    (re.compile(r"^outlook-ios/", re.IGNORECASE), _Kind("phone", "iOS")),
    (re.compile(r"^outlook-android/", re.IGNORECASE), _Kind("phone", "Android")),
    (
        re.compile(r"macoutlook|outlook/[\d.]{1,20} \(mac os/|^mail/\d|^outlook/", re.IGNORECASE),
        _Kind("desktop", "macOS"),
    ),
    (
        re.compile(r"ms-office|microsoft office|windowsmail/|windows-nt|the bat!", re.IGNORECASE),
        _Kind("desktop", "Windows"),
    ),
    (
        re.compile(r"^(?!.*(?:x86_64|mac ?os|macbook|imac|iphone|ipad|ipod)).*cfnetwork/", re.IGNORECASE),
        _Kind(None, None),
    ),
)
"""Clients that exist for one system only, whether or not they name it; and Apple's library, which is that of all of its
devices. Source: warmbly; yauaa; Matomo device-detector."""


@lru_cache(maxsize=4096)
def _device_of(agent: str, agents: Agents) -> tuple[str | None, str | None, str | None]:
    service = agents.image_proxy(agent)
    if service:
        return None, None, f"{service} (image proxy)"
    if APPLE_PRIVACY.fullmatch(agent):
        # Mail on a Mac and the new Outlook for Windows send the same words, a Macintosh among them: warmbly#564.
        return None, None, "Apple Mail or Outlook" if "AppleWebKit" in agent else "Apple Mail"
    robot = agents.robot_name(agent)
    if robot is not None:
        return None, None, robot or None
    import ua_parser

    found = ua_parser.parse(agent)
    kind = next((kind for pattern, kind in _BY_CLIENT if pattern.search(agent)), None)
    if kind is None:
        system = found.os.family if found.os else "Other"
        kind = _kind(agent, None if system == "Other" else _SYSTEMS.get(system, system))
    browser = found.user_agent.family if found.user_agent else None
    return kind.type, kind.os, agents.app_name(agent) or _browser(agent, browser)


def _kind(agent: str, system: str | None) -> _Kind:
    if _TELEVISIONS.search(agent):
        return _Kind(None, system)
    if _TABLETS.search(agent):
        return _Kind("tablet", system)
    if system in _DESKTOPS:
        return _Kind("desktop", system)
    if system == "Android" and "Mobile" not in agent:
        # Browsers on telephones say so; other programs need not.
        return _Kind("tablet" if "AppleWebKit" in agent or "Gecko" in agent else None, system)
    return _Kind("phone" if system in _PHONES or "Mobile" in agent else None, system)


def _browser(agent: str, name: str | None) -> str | None:
    if name is None or name == "Other":
        return None
    if NAMELESS_APPLE_APP.fullmatch(agent):
        return "Apple Mail or another app"
    return _BROWSERS.get(name) or _MOBILE.sub("", name)
