"""The page that shows a template with example names. The template's HTML runs no script in it and loads nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from lib.templates.models import Rendered, StoredTemplate

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)

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
    page = _PAGES.get_template("preview.html")
    return page.render(
        name=template.name, language=template.language, version=version, rendered=rendered, policy=POLICY
    )
