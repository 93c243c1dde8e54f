"""HTML pages from the folder `templates`. Every value is escaped."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

from functions.pages.assets import DOCS

_CODE = re.compile(r"`([^`]+)`")


def mark_code(text: str) -> Markup:
    """Escape a text, and put what stands in `backticks` into `<code>`."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters["code"] = mark_code
_PAGES.globals["asset"] = DOCS.address


def render_page(template: str, **values: object) -> str:
    """Render a file of the folder `templates`, as HTML."""
    return _PAGES.get_template(template).render(values)
