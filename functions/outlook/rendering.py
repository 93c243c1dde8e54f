"""Texts from the folder `templates`. Every value is escaped, in HTML and in XML."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def filled(template: str, **values: object) -> str:
    """Fill in a template of the folder."""
    return _TEMPLATES.get_template(template).render(values)
