"""The block of links to followed attachments in a mail, in HTML and in text.

It has no word of any language: names and sizes need none. It is a table, since Outlook's engine pads nothing else. It
sets no background and no color of text, so that dark mode changes both or neither. All styles are inline, since some
clients drop the rest, and it is readable without any.
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


class FileLink(NamedTuple):
    """A file that does not travel in the mail."""

    filename: str
    size: str
    """In words, such as `1.4 MB`."""
    url: str | None
    """None where the file is only named."""


def with_links(html: str | None, text: str | None, links: Sequence[FileLink]) -> tuple[str | None, str | None]:
    """Return both parts with the block at their end. A part that is None stays None."""
    if links and html is not None:
        place = markup.read(html).end_of_body
        html = html[:place] + html_block(links) + html[place:]
    return html, with_text_block(text, links)


def with_text_block(text: str | None, links: Sequence[FileLink]) -> str | None:
    """Return a text part with the block at its end."""
    return text.rstrip() + _PARAGRAPHS_APART + _text(links) if links and text is not None else text


def html_block(links: Sequence[FileLink]) -> str:
    """Return the block for an HTML part; empty without links."""
    if not links:
        return ""
    rows = "".join(f'<tr><td style="{_CELL}">{_html_link(link)}</td></tr>' for link in links)
    return f"<table {_TABLE}>{rows}</table>"


def _html_link(link: FileLink) -> str:
    """Let the name decide its own direction: beside a name in Arabic, the size stays where it is."""
    name = f'<bdi dir="auto">{escape(link.filename)}</bdi>'
    if link.url is not None:
        name = f'<a href="{escape(link.url)}" style="font-weight:bold">{name}</a>'
    return f"{name} ({link.size})"


def _text(links: Sequence[FileLink]) -> str:
    lines = (f"{link.filename} ({link.size})" + (f"\n{link.url}" if link.url else "") for link in links)
    return _PARAGRAPHS_APART.join(lines) + "\n"
