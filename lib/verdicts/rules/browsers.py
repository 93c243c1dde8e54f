"""Claims of user agents, as far as they can be checked: programs that imitate a browser get details wrong.

Mail programs are in the catalogue of agents. They and other apps bring a browser's engine along, which is as old as the
program: what is said here about the age of browsers is about browsers alone.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple

from lib.catalogues.agents import Agents, our_agents
from lib.catalogues.devices import NAMELESS_APPLE_APP

_CHROME = re.compile(r"Chrome/([0-9]{1,4})\.([0-9.]+)")
_FULL_VERSION = re.compile(r"; wv\)|Electron/|QtWebEngine/|Mobile|Android|iPhone|iPad|OPR/|Headless|CrOS")
"""Programs that tell Chrome's full version, and engines that come with a program and are not updated alone."""

_FIREFOX = re.compile(r"Firefox/([0-9]{1,4})\.")
_FROZEN_FIREFOX = re.compile(r"Mobile|Android|Tablet|SeaMonkey|PaleMoon|Goanna|Waterfox|Basilisk|K-Meleon")
"""Phones, which are not updated for ever, and browsers that are up to date under the number of an old Firefox."""

_INTERNET_EXPLORER = re.compile(r"Trident/[0-9]|MSIE [0-9]")
_BROWSER = re.compile(rf"(?:Chrome|Firefox|Safari|Edge?)/[0-9]|{_INTERNET_EXPLORER.pattern}")
_VIEW_IN_AN_APP = re.compile(NAMELESS_APPLE_APP.pattern + r"(?!.*Safari/604)|.*; wv\) ")


class _Releases(NamedTuple):
    """Versions of a browser that come at a steady pace."""

    version: int
    at: datetime
    """Release of `version`."""

    weeks: float
    """Weeks between two versions."""

    kept: int
    """Versions behind the newest one that people still have: browsers of people update by themselves."""

    def out_of_date_from(self, version: int) -> float:
        """Milliseconds since 1970 after which the version was years old."""
        weeks = (version - self.version + self.kept) * self.weeks
        return (self.at.timestamp() + weeks * 7 * 86_400) * 1000


_CHROMES = _Releases(100, datetime(2022, 3, 29, tzinfo=UTC), 4.45, 24)
"""Up to Chrome 142 (28 October 2025). Two years are kept. Source: Chromium's release schedule."""

_FIREFOXES = _Releases(100, datetime(2022, 5, 3, tzinfo=UTC), 4.09, 42)
"""Up to Firefox 145 (11 November 2025). Releases with long-term support get updates for 15 months: two years and these
are kept. Source: Firefox release calendar."""

_INTERNET_EXPLORER_KEPT = datetime(2024, 6, 15, tzinfo=UTC)
"""Two years after the end of Internet Explorer 11, the last one. Source: Microsoft's lifecycle of products."""

_REDUCED_FROM = 107
"""Since this version desktop Chrome says only its major version. Source: Chromium's user-agent reduction."""


def is_browser(agent: str) -> bool:
    return _BROWSER.search(agent) is not None


def is_mail_program(agent: str, agents: Agents | None = None) -> bool:
    """Whether people read mail with it; phones' in-app web views count, too. No program is known to imitate them.

    Without the deployment's `agents`, our own rows are asked.
    """
    return (agents or our_agents()).mail_program(agent) is not None or _VIEW_IN_AN_APP.match(agent) is not None


def is_impossible(agent: str) -> bool:
    """A desktop Chrome with a full version number, of a time when Chrome no longer told it."""
    found = _CHROME.search(agent)
    if found is None or _FULL_VERSION.search(agent):
        return False
    return int(found[1]) >= _REDUCED_FROM and found[2] != "0.0.0"


def out_of_date_from(agent: str) -> float:
    """Milliseconds since 1970 after which the desktop browser was years old; infinite for anything else.

    Safari never is: phones and Macs keep the last one that their maker gave them.
    """
    if _INTERNET_EXPLORER.search(agent):
        return _INTERNET_EXPLORER_KEPT.timestamp() * 1000
    chrome = _CHROME.search(agent)
    if chrome is not None:
        return math.inf if _FULL_VERSION.search(agent) else _CHROMES.out_of_date_from(int(chrome[1]))
    firefox = _FIREFOX.search(agent)
    if firefox is None or _FROZEN_FIREFOX.search(agent):
        return math.inf
    return _FIREFOXES.out_of_date_from(int(firefox[1]))
