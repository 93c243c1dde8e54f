"""The pages that a recipient sees where a link of a mail cannot lead on.

They are plain text constants: the functions that answer recipients load no template engine.
"""

from __future__ import annotations

from lib.tokens import KeyRing

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#222}}</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""

INCOMPLETE_LINK = _PAGE.format(
    title="This link is not complete",
    text="The address was cut short or changed on its way. Please go back to the mail and open the link from there, "
    "or ask the person who sent it to you.",
)
"""For a token that cannot be opened; answered with 404."""

OLD_LINK = _PAGE.format(
    title="This link is too old",
    text="The link was made longer ago than the sender keeps the keys to such links, so it can no longer be opened. "
    "Please ask the person who sent it to you where it led.",
)
"""For a token whose key was retired; answered with 404."""

SWITCHED_OFF = _PAGE.format(
    title="This link has been switched off",
    text="It no longer leads anywhere, because it may not be safe or is no longer wanted. You need not do anything. "
    "If you expected something here, please ask the sender in a new mail, and not by an answer to this one.",
)
"""For a link or a file that is switched off; answered with 410."""

FILE_GONE = _PAGE.format(
    title="This file is no longer there",
    text="The sender has withdrawn it, or its time is over. Please ask the sender for it.",
)
"""For an attachment that was revoked, has expired or was erased; answered with 410."""

FILE_UNREACHABLE = _PAGE.format(
    title="This file cannot be reached just now",
    text="The file is not lost. Please open the link again in a minute.",
)
"""For an attachment while storage does not answer; answered with 503."""


def dead_link_page(ring: KeyRing, token: str) -> str:
    """Choose the page for a token that cannot be opened."""
    return OLD_LINK if ring.has_retired_key(token) else INCOMPLETE_LINK
