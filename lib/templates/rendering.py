"""A version of a template with names in place of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from lib.templates.models import Content, Rendered

Names = Mapping[Literal["recipient", "sender", "regarding", "org"], str]
Part = Literal["subject", "html", "text"]

_LONGEST_SUBJECT = 998
"""Characters: as a message takes it."""


class TooLong(Exception):
    """With these names, `part` is longer than a message takes."""

    def __init__(self, part: Part, message: str) -> None:
        super().__init__(part, message)
        self.part = part

    def __str__(self) -> str:
        return str(self.args[1])


def rendered(content: Content, names: Names) -> Rendered:
    """Names are escaped in the HTML, and stay on one line in the subject. Raises TooLong."""
    from lib.templates.merge import Form, MergeError, parse, render  # Jinja is loaded when it is first needed

    def part(which: Part, source: str | None, form: Form) -> str | None:
        if source is None:
            return None
        try:
            return render(parse(source), names, form)
        except MergeError as error:
            raise TooLong(which, str(error)) from None

    subject = part("subject", content.subject, "line") or ""
    if len(subject) > _LONGEST_SUBJECT:
        raise TooLong("subject", f"with these names it is longer than {_LONGEST_SUBJECT} characters")
    return Rendered(subject=subject, html=part("html", content.html, "html"), text=part("text", content.text, "text"))
