"""The page that shows a template with example names. The template's HTML runs no script and loads nothing."""

from __future__ import annotations

from functions.pages.render import render_page
from lib.templates.models import Rendered, StoredTemplate

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "script-src 'none'"
)
"""The page repeats it for clients that show the page without its headers. The `srcdoc` frame inherits it."""

HEADERS = {
    # A page cannot say by itself who may frame it.
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
}


def template_preview_page(template: StoredTemplate, version: int, rendered: Rendered) -> str:
    """Render the page, as HTML."""
    labels = {"name": template.name, "language": template.language, "version": version}
    return render_page("template_preview.html", **labels, rendered=rendered, policy=POLICY)
