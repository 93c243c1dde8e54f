"""Checks of a mail's body and of its files: pure functions of plain values, which may run in another process."""

from __future__ import annotations

from collections.abc import Sequence

from lib.checks import Check, make_check
from lib.files.sensitive_names import looks_sensitive
from lib.messages.models import Body, Remark
from lib.rewrite.html_part import size_remarks
from lib.rewrite.visible_images import has_visible_image


def body_checks(body: Body, remarks: Sequence[Remark], followed: bool) -> list[Check]:
    """Check the body as it was written; `remarks` are those on the mail that would be made of it."""
    found: dict[str, Remark] = {}
    for remark in remarks:
        found.setdefault(remark.code, remark)
    large = found["large"].text if "large" in found else _size_remark(body)
    checks = [make_check("clipped", remark=large)] if large else []
    if "link_text_differs" in found:
        checks.append(make_check("link_text_differs", place=found["link_text_differs"].place or "html"))
    if "denied_host" in found:
        denied = found["denied_host"]
        checks.append(make_check("denied_host", place=denied.place or "html", remark=denied.text))
    if "lookalike_host" in found:
        checks.append(make_check("lookalike_host", remark=found["lookalike_host"].text))
    if "signed" in found:
        checks.append(make_check("signed", remark=found["signed"].text))
    if followed and body.html is None:
        checks.append(make_check("text_only"))
    elif followed and body.html is not None and not has_visible_image(body.html):
        checks.append(make_check("no_visible_image"))
    return checks


def file_checks(followed_names: Sequence[str]) -> list[Check]:
    """Check the names of followed attachments."""
    sensitive = [name for name in followed_names if looks_sensitive(name)]
    return [make_check("sensitive_file", sensitive)] if sensitive else []


def _size_remark(body: Body) -> str | None:
    """Say whether Gmail clips a mail that is not rewritten."""
    return next((each.text for each in size_remarks(body.html or "")), None)
