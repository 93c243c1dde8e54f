"""User-agent rules: what the program that asked says of itself."""

from __future__ import annotations

import re

from lib.catalogues.devices import APPLE_PRIVACY
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Finding
from lib.verdicts.message_facts import Scene
from lib.verdicts.rules.browsers import is_browser, is_impossible, is_mail_program, is_out_of_date

GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0"
)

_OFFICE = re.compile(r"^microsoft office\b|ms-office|msoffice", re.IGNORECASE)


def no_agent(fact: Fact, _: Scene) -> Finding | None:
    if fact.agent:
        return None
    return Finding("no-agent", "The program that asked did not say what it is; browsers and mail programs do.")


def robot(fact: Fact, scene: Scene) -> Finding | None:
    if not fact.agent or fact.agent == GMAIL_PREFETCH:
        return None
    name = scene.catalogues.agents.robot_name(fact.agent)
    if name is None:
        return None
    called = f"“{name}”, a robot or a tool" if name else "a robot or a tool"
    return Finding("declared-robot", f"The program that asked calls itself {called}.")


def gmail_prefetch(fact: Fact, _: Scene) -> Finding | None:
    if fact.agent != GMAIL_PREFETCH:
        return None
    return Finding("gmail-prefetch", "Gmail loaded the images in advance, before anyone opened the mail.")


def apple_privacy(fact: Fact, scene: Scene) -> Finding | None:
    """Match opens alone: a click with such an agent is none of Apple's prefetching."""
    if fact.kind != "open" or not _is_apples_protection(fact, scene):
        return None
    return Finding(
        "apple-privacy",
        "Apple Mail loads images whether or not the mail is read, so this may or may not have been a person.",
    )


def _is_apples_protection(fact: Fact, scene: Scene) -> bool:
    """Apple Mail has the same agent without the protection, but not from Apple's relay."""
    if not fact.agent or not APPLE_PRIVACY.fullmatch(fact.agent):
        return False
    owner = scene.owner(fact)
    return fact.agent == "Mozilla/5.0" or fact.network is None or (owner is not None and owner.kind == "relay")


def proxied_open(fact: Fact, scene: Scene) -> Finding | None:
    service = fact.kind == "open" and scene.image_proxy(fact)
    if not service:
        return None
    return Finding("image-proxy", f"{service} fetched the image for a person who opened the mail.")


def proxied_click(fact: Fact, scene: Scene) -> Finding | None:
    """Match what an image proxy does besides loading images: people follow links in a browser."""
    service = fact.kind != "open" and scene.image_proxy(fact)
    if not service:
        return None
    return Finding("image-proxy-click", f"{service}'s image proxy followed it; a person's browser would have.")


def office_check(fact: Fact, _: Scene) -> Finding | None:
    """Match clicks alone: Office loads the images of a mail for its reader, and opens a document for one."""
    if fact.kind != "click" or not fact.agent or not _OFFICE.search(fact.agent):
        return None
    text = "Office asked where the link leads, as it does before it hands a link to the browser."
    return Finding("office-check", text)


def mail_program(fact: Fact, scene: Scene) -> Finding | None:
    if fact.kind != "open" or not fact.agent or _is_apples_protection(fact, scene):
        return None
    if not is_mail_program(fact.agent, scene.catalogues.agents) and not APPLE_PRIVACY.fullmatch(fact.agent):
        return None
    return Finding("mail-program", "It was opened in a mail program, as people read mail.")


def imitation(fact: Fact, scene: Scene) -> Finding | None:
    """Match browsers alone: the engine of an app or of an image proxy is as old as its maker left it."""
    if not fact.agent or fact.agent == GMAIL_PREFETCH or not is_browser(fact.agent):
        return None
    if scene.catalogues.agents.app_name(fact.agent) or scene.image_proxy(fact):
        return None
    if is_impossible(fact.agent):
        return Finding("imitated-browser", "It says it is a browser, but in a way that this browser never does.")
    if is_out_of_date(fact.agent, fact.at):
        return Finding("old-browser", "It says it is a browser that has been out of date for years.")
    return None


RULES = (
    no_agent,
    robot,
    gmail_prefetch,
    apple_privacy,
    proxied_open,
    proxied_click,
    office_check,
    mail_program,
    imitation,
)
