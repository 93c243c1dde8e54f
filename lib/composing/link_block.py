"""Followed attachments as they stand in a mail: a block with a link for each, in HTML and in text.

Not a word of it is in any language: names and sizes need none. A table, since Outlook's engine pads nothing else;
no background and no colour of text, so that dark mode changes both or neither; all styles inline, since some clients
drop the rest, and readable without any.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from lib.rewrite import markup

_TABLE = 'role="presentation" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;margin:16px 0"'
_CELL = (
    "border:1px solid #8a8a8a;padding:10px 14px;"
    "font-family:Segoe UI,Helvetica,Arial,sans-serif;font-size:14px;line-height:20px"
)
_PARAGRAPHS_APART = "\n\n"


class Link(NamedTuple):
    """A file that is not in the mail. Without `url` it is only named."""

    filename: str
    size: str
    url: str | None


def with_links(html: str | None, text: str | None, links: Sequence[Link]) -> tuple[str | None, str | None]:
    """Both parts with the block at their end; a part that is not there stays so. Without links, as they were."""
    if not links:
        return html, text
    if html is not None:
        place = _end_of_body(html)
        html = html[:place] + _html(links) + html[place:]
    if text is not None:
        text = text.rstrip() + _PARAGRAPHS_APART + _text(links)
    return html, text


def _html(links: Sequence[Link]) -> str:
    rows = "".join(f'<tr><td style="{_CELL}">{_html_link(link)}</td></tr>' for link in links)
    return f"<table {_TABLE}>{rows}</table>"


def _html_link(link: Link) -> str:
    """The name decides its own direction: beside a name in Arabic, the size stays where it is."""
    name = f'<bdi dir="auto">{escape(link.filename)}</bdi>'
    if link.url is not None:
        name = f'<a href="{escape(link.url)}" style="font-weight:bold">{name}</a>'
    return f"{name} ({link.size})"


def _text(links: Sequence[Link]) -> str:
    lines = (f"{link.filename} ({link.size})" + (f"\n{link.url}" if link.url else "") for link in links)
    return _PARAGRAPHS_APART.join(lines) + "\n"


def _end_of_body(html: str) -> int:
    """Before the last `</body>`, or at the end, but not inside a comment, style or tag that is not closed."""
    found = markup.read(html)
    if found.body_end is not None:
        return found.body_end
    return len(html) if found.unfinished is None else found.unfinished
