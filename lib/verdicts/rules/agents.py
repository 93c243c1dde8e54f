"""User-agent rules: what the program that asked says of itself."""

from __future__ import annotations

from lib.verdicts.circumstances import Circumstances
from lib.verdicts.evidence import Finding
from lib.verdicts.request import HitRequest

_NO_AGENT = Finding("no-agent", "The program that asked did not say what it is; browsers and mail programs do.")


def no_agent(request: HitRequest) -> Finding | None:
    return None if request.program.says_something else _NO_AGENT


def robot(request: HitRequest) -> Finding | None:
    name = request.program.robot_name
    if name is None or request.program.is_gmail_prefetch:
        return None
    called = f"“{name}”, a robot or a tool" if name else "a robot or a tool"
    return Finding("declared-robot", f"The program that asked calls itself {called}.")


def gmail_prefetch(request: HitRequest) -> Finding | None:
    if not request.program.is_gmail_prefetch:
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
    if not request.program.is_apple_mail:
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
    if request.kind != "click" or not request.program.is_office:
        return None
    text = "Office asked where the link leads, as it does before it hands a link to the browser."
    return Finding("office-check", text)


def mail_program(request: HitRequest) -> Finding | None:
    program = request.program
    if request.kind != "open" or not (program.is_mail_program or program.is_apple_mail):
        return None
    if _is_apples_protection(request):
        return None
    return Finding("mail-program", "It was opened in a mail program, as people read mail.")


def imitated_browser(request: HitRequest) -> Finding | None:
    if not request.program.is_imitated_browser:
        return None
    return Finding("imitated-browser", "It says it is a browser, but in a way that this browser never does.")


_OLD_BROWSER = Finding("old-browser", "It says it is a browser that has been out of date for years.")


def old_browser(circumstances: Circumstances) -> Finding | None:
    return _OLD_BROWSER if circumstances.is_out_of_date else None


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
