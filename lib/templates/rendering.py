"""Render a version of a template."""

from __future__ import annotations

from typing import Literal

from lib.templates.merge_values import MergeValues
from lib.templates.models import Rendered, TemplateContent

TemplatePart = Literal["subject", "html", "text"]

_LONGEST_SUBJECT = 998
"""Characters of a subject that a message takes."""


class TooLong(Exception):
    """The rendered `part` is longer than a message takes."""

    def __init__(self, part: TemplatePart, message: str) -> None:
        super().__init__(part, message)
        self.part = part

    def __str__(self) -> str:
        return str(self.args[1])


def rendered(content: TemplateContent, values: MergeValues) -> Rendered:
    """Fill in the values: escaped in HTML, on one line in the subject. Raises TooLong."""
    # Jinja is loaded when it is first needed.
    from lib.templates.merge import MergeError, TextForm, empty_fields, parse, render

    empty: dict[str, None] = {}

    def part(which: TemplatePart, source: str | None, form: TextForm) -> str | None:
        if source is None:
            return None
        try:
            parts = parse(source)
            empty.update(dict.fromkeys(empty_fields(parts, values)))
            return render(parts, values, form)
        except MergeError as error:
            raise TooLong(which, str(error)) from None

    subject = part("subject", content.subject, "line") or ""
    if len(subject) > _LONGEST_SUBJECT:
        raise TooLong("subject", f"with these values it is longer than {_LONGEST_SUBJECT} characters")
    html, text = part("html", content.html, "html"), part("text", content.text, "text")
    return Rendered(subject=subject, html=html, text=text, empty_fields=list(empty))
