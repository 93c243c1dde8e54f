"""Claims of user agents, as far as they can be checked: programs that imitate a browser get details wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_CHROME = re.compile(r"Chrome/([0-9]{1,4})\.([0-9.]+)")
_FULL_VERSION = re.compile(r"; wv\)|Electron/|Mobile|Android|iPhone|iPad|OPR/|Headless|CrOS")
_BROWSER = re.compile(r"(?:Chrome|Firefox|Safari|Edge?)/[0-9]")
_MAIL_PROGRAM = re.compile(
    r"Microsoft Outlook|ms-office|MSOffice|Outlook-(?:iOS|Android)|Thunderbird/|eM ?Client|Mailbird|Postbox/|Airmail|"
    r"SparkDesktop|Lotus-Notes|Evolution/|KMail|BlueMail|AppleMail|com\.apple\.mail|SamsungEmail|YahooMobile|Nine/",
    re.IGNORECASE,
)
_IN_APP_VIEW = re.compile(r"\(i(?:Phone|Pad|Pod)[^)]*\) AppleWebKit/[\d.]+ \(KHTML, like Gecko\) Mobile/\w+|; wv\) ")

_CHROME_100 = datetime(2022, 3, 29, tzinfo=UTC)
_WEEKS_A_VERSION = 4.45
"""From Chrome 100 to Chrome 142 (28 October 2025). Source: Chromium's release schedule."""

_REDUCED_FROM = 107
"""Since this version desktop Chrome says only its major version. Source: Chromium's user-agent reduction."""

_OUT_OF_DATE = 24
"""Versions behind: some two years. Browsers of people update by themselves."""


def is_browser(agent: str) -> bool:
    return _BROWSER.search(agent) is not None


@lru_cache(maxsize=4096)
def is_mail_program(agent: str) -> bool:
    """Whether people read mail with it; phones' in-app web views count, too. No program is known to imitate them."""
    return _MAIL_PROGRAM.search(agent) is not None or (
        _IN_APP_VIEW.search(agent) is not None and "Safari/604" not in agent.partition("Mobile/")[2]
    )


@lru_cache(maxsize=4096)
def is_impossible(agent: str) -> bool:
    """A desktop Chrome with a full version number, of a time when Chrome no longer told it."""
    found = _CHROME.search(agent)
    if found is None or _FULL_VERSION.search(agent):
        return False
    return int(found[1]) >= _REDUCED_FROM and found[2] != "0.0.0"


def is_out_of_date(agent: str, at: int) -> bool:
    """A desktop Chrome that was years old at the time (milliseconds since 1970)."""
    found = _CHROME.search(agent)
    if found is None or _FULL_VERSION.search(agent):
        return False
    weeks = (at / 1000 - _CHROME_100.timestamp()) / (7 * 86_400)
    return int(found[1]) < 100 + weeks / _WEEKS_A_VERSION - _OUT_OF_DATE
