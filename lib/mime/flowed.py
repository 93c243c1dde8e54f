"""Text whose lines a mail program has broken (RFC 3676, format=flowed), with its paragraphs whole again."""

from __future__ import annotations

_SIGNATURE = "-- "


def unflow(text: str, deletes_space: bool) -> str:
    """Join the lines that end in a space. Quotes keep one `>` for each level and a space after them.

    `deletes_space` is the parameter DelSp: the space at the end belongs to the format, not to the text.
    """
    lines: list[str] = []
    paragraph: list[str] = []
    depth_before = 0
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")  # space-stuffing
        if paragraph and (depth != depth_before or words == _SIGNATURE):
            lines.append(_quoted(paragraph, depth_before))
            paragraph = []
        depth_before = depth
        flows = words.endswith(" ") and words != _SIGNATURE
        paragraph.append(words[:-1] if flows and deletes_space else words)
        if not flows:
            lines.append(_quoted(paragraph, depth))
            paragraph = []
    if paragraph:
        lines.append(_quoted(paragraph, depth_before))
    return "\n".join(lines)


def _quoted(paragraph: list[str], depth: int) -> str:
    words = "".join(paragraph)
    return f"{'>' * depth} {words}" if depth else words
