"""The page that shows a template with example names. The template's HTML runs no script in it and loads nothing."""

from __future__ import annotations

from functions.pages.render import page
from lib.templates.models import Rendered, StoredTemplate

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "script-src 'none'"
)
"""It stands in the page, too, for a client that shows the page without its headers; a frame of `srcdoc` inherits it."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def preview_page(template: StoredTemplate, version: int, rendered: Rendered) -> str:
    """The page as HTML."""
    labels = {"name": template.name, "language": template.language, "version": version}
    return page("preview.html", **labels, rendered=rendered, policy=POLICY)
