"""The page `/`: what answers at this address, the way to the console, and where the API is documented.

It is no redirect: links that lost their end lead here, and those who followed one learn what to do.
"""

from __future__ import annotations

from functools import cache
from textwrap import fill

from functions.pages.render import render_page

TITLE = "Heed"
SUMMARY = (
    "Heed sends and follows sales mail for a CRM, and tells a salesperson, truthfully, what became of it: opened, "
    "clicked, or only scanned by a machine."
)
CONSOLE = "/console/"
CONSOLE_IS = "for salespeople and administrators: what became of mail, and what to do next"
LINKS = {
    "/api/docs": "all endpoints of the API",
    "/api/errors": "what can go wrong, and what to do",
    "/api/openapi.json": "the endpoints, as an OpenAPI document",
    "/api/health": "whether the service is well",
}
RECIPIENTS = (
    "A link of a mail that begins with this address leads on to where its sender pointed it. If such a link has "
    "brought you to this page, a part of it was lost on its way: please go back to the mail and open it from there."
)


@cache
def start_page() -> str:
    """Render the page, as HTML."""
    return render_page(
        "start.html",
        title=TITLE,
        summary=SUMMARY,
        console=CONSOLE,
        console_is=CONSOLE_IS,
        links=LINKS,
        recipients=RECIPIENTS,
    )


@cache
def start_text() -> str:
    """Write the same as plain text."""
    listed = {CONSOLE: "the console, for salespeople and administrators", **LINKS}
    width = max(map(len, listed))
    links = "\n".join(f"  {path:<{width}}  {what}" for path, what in listed.items())
    return f"{TITLE}\n\n{fill(SUMMARY, 78)}\n\n{links}\n\n{fill(RECIPIENTS, 78)}\n"
