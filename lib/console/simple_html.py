"""HTML of text as people type it: paragraphs, line breaks, quotes and links. Only HTML lets opens be seen."""

from __future__ import annotations

import re
from html import escape

_ADDRESS = re.compile(
    r"(?:https?://|(?<![\w.@/-])www\.(?=[^\s<>\".]+\.))[^\s<>\"]*[^\s<>\".,;:!?)\]}'»”’]", re.IGNORECASE
)
_LINK = re.compile(r"<a\b[^<>]*\bhref\s*=\s*[\"']?https?:", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


def simple_html(text: str) -> str:
    """Make HTML of text: blank lines divide paragraphs, lines that begin with `>` are a quote, addresses are links."""
    return "\n".join(_paragraph(part) for part in _BLANK_LINES.split(text.strip()) if part.strip())


def looks_like_html(text: str) -> bool:
    """Tell whether a text holds tags."""
    return _TAG.search(text) is not None


def count_links(html: str) -> int:
    """Count the links of a mail that lead to the web."""
    return len(_LINK.findall(html))


def _paragraph(part: str) -> str:
    lines, blocks = part.split("\n"), list[tuple[bool, list[str]]]()
    for line in lines:
        is_quote = line.startswith(">")
        if not blocks or blocks[-1][0] != is_quote:
            blocks.append((is_quote, []))
        blocks[-1][1].append(line.removeprefix(">").removeprefix(" ") if is_quote else line)
    return "\n".join(_block(is_quote, "<br>\n".join(map(_linked, said))) for is_quote, said in blocks)


def _block(is_quote: bool, inner: str) -> str:
    return f"<blockquote><p>{inner}</p></blockquote>" if is_quote else f"<p>{inner}</p>"


def _linked(line: str) -> str:
    made, end = "", 0
    for found in _ADDRESS.finditer(line):
        address = escape(found[0])
        scheme = "http://" if address[:1] in "wW" else ""  # mail programs and browsers read `www.example.com` so
        made += f'{escape(line[end : found.start()])}<a href="{scheme}{address}">{address}</a>'
        end = found.end()
    return made + escape(line[end:])
