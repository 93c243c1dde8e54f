"""User-agent rules: what the program that asked says of itself."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from lib.catalogues.devices import APPLE_PRIVACY
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.request import HitRequest
from lib.verdicts.rules.browsers import is_browser, is_impossible, is_mail_program, out_of_date_from

GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)

_OFFICE = re.compile(r"^microsoft office\b|ms-office|msoffice|oneoutlook", re.IGNORECASE)
_SAYS_SOMETHING = re.compile(r"[^\W_]")


def no_agent(request: HitRequest) -> Finding | None:
    if request.agent and _SAYS_SOMETHING.search(request.agent):
        return None
    return Finding("no-agent", "The program that asked did not say what it is; browsers and mail programs do.")


def robot(request: HitRequest) -> Finding | None:
    if not request.agent or request.agent == GMAIL_PREFETCH:
        return None
    name = request.catalogues.agents.robot_name(request.agent)
    if name is None:
        return None
    called = f"“{name}”, a robot or a tool" if name else "a robot or a tool"
    return Finding("declared-robot", f"The program that asked calls itself {called}.")


def gmail_prefetch(request: HitRequest) -> Finding | None:
    if request.agent != GMAIL_PREFETCH:
        return None
    return Finding("gmail-prefetch", "Gmail loaded the images in advance, before anyone opened the mail.")


def apple_privacy(request: HitRequest) -> Finding | None:
    """Match opens alone: a click with such an agent is none of Apple's prefetching."""
    if request.kind != "open" or not _is_apples_protection(request):
        return None
    return Finding(
        "apple-privacy",
        "Apple Mail loads images whether or not the mail is read, so this may or may not have been a person.",
    )


def _is_apples_protection(request: HitRequest) -> bool:
    """Apple Mail has the same agent without the protection, but not from Apple's relay."""
    if not request.agent or not APPLE_PRIVACY.fullmatch(request.agent):
        return False
    owner = request.owner
    return request.agent == "Mozilla/5.0" or not request.place.is_known or (owner is not None and owner.kind == "relay")


def proxied_open(request: HitRequest) -> Finding | None:
    service = request.kind == "open" and request.image_proxy
    if not service:
        return None
    return Finding("image-proxy", f"{service} fetched the image for a person who opened the mail.")


def proxied_click(request: HitRequest) -> Finding | None:
    """Match what an image proxy does besides loading images: people follow links in a browser."""
    service = request.kind != "open" and request.image_proxy
    if not service:
        return None
    return Finding("image-proxy-click", f"{service}'s image proxy followed it; a person's browser would have.")


def office_check(request: HitRequest) -> Finding | None:
    """Match clicks alone: Office loads the images of a mail for its reader, and opens a document for one.

    The new Outlook asks under its own name, and the browser after it (next-auth#1840).
    """
    if request.kind != "click" or not request.agent or not _OFFICE.search(request.agent):
        return None
    text = "Office asked where the link leads, as it does before it hands a link to the browser."
    return Finding("office-check", text)


def mail_program(request: HitRequest) -> Finding | None:
    if request.kind != "open" or not request.agent or _is_apples_protection(request):
        return None
    if not is_mail_program(request.agent, request.catalogues.agents) and not APPLE_PRIVACY.fullmatch(request.agent):
        return None
    return Finding("mail-program", "It was opened in a mail program, as people read mail.")


def imitated_browser(request: HitRequest) -> Finding | None:
    if not is_plain_browser(request) or not is_impossible(request.agent or ""):
        return None
    return Finding("imitated-browser", "It says it is a browser, but in a way that this browser never does.")


def is_plain_browser(request: HitRequest) -> bool:
    """Whether it says it is a browser: the engine of an app or of an image proxy is as old as its maker left it."""
    agent = request.agent
    if not agent or agent == GMAIL_PREFETCH or not is_browser(agent):
        return False
    return not request.catalogues.agents.app_name(agent) and not request.image_proxy


@lru_cache(maxsize=4096)
def _out_of_date_from(request: HitRequest) -> float:
    """Milliseconds since 1970 after which the browser was out of date; infinite where it says nothing of its age."""
    agent = request.agent or ""
    return out_of_date_from(agent) if is_plain_browser(request) and not is_impossible(agent) else math.inf


_OLD_BROWSER = Finding("old-browser", "It says it is a browser that has been out of date for years.")


def old_browser(fact: Fact, scene: Scene) -> Finding | None:
    return _OLD_BROWSER if fact.at > _out_of_date_from(scene.request(fact)) else None


RULES = (
    no_agent,
    robot,
    gmail_prefetch,
    apple_privacy,
    proxied_open,
    proxied_click,
    office_check,
    mail_program,
    imitated_browser,
)

TIMED_RULES = (old_browser,)
