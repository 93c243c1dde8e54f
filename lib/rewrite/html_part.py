"""The HTML part: the values of links are exchanged, and the pixel is put in. Nothing else is touched."""

import re
from typing import Final, NamedTuple

from turbohtml import tokenize

from lib.links import LinkRefused
from lib.rewrite import markup
from lib.rewrite.destinations import Destinations, refusal_remark
from lib.rewrite.remarks import Places, Remark

LARGE: Final = 102_400
"""Bytes of HTML above which a mail is at risk: Gmail hides what comes after about 102 KB, the pixel too."""

_NEEDS_REFERENCE: Final = re.compile("[&\"'<>`\t\n\f\r ]")


class _Edit(NamedTuple):
    """`html[start:end]` becomes `replacement`."""

    start: int
    end: int
    replacement: str


def rewrite_html(html: str, destinations: Destinations, pixel: str | None, remarks: list[Remark]) -> str:
    found = markup.read(html)
    edits = _link_edits(html, found.links, destinations, remarks)
    if pixel is not None and not _has_pixel(html, pixel):
        place = _pixel_place(html, found)
        edits.append(_Edit(place, place, _pixel_markup(pixel)))
        edits.sort()
    rewritten = _edited(html, edits)
    remarks.extend(_size_remarks(rewritten))
    return rewritten


def _link_edits(html: str, links: list[markup.Link], destinations: Destinations, remarks: list[Remark]) -> list[_Edit]:
    edits = []
    places = Places("html", html)
    for link in links:
        address = _decoded(html[link.start : link.end])
        if link.is_off:
            destinations.turn_off(address)
            continue
        try:
            url = destinations.url_in_html(address)
        except LinkRefused as refused:
            remarks.append(refusal_remark(refused, places, link.start))
            continue
        if url is not None:
            edits.append(_Edit(link.start, link.end, _attribute_value(url)))
    return edits


def _decoded(value: str) -> str:
    """An attribute's value with its character references decoded as in an attribute.

    There, `&copy=2` is no reference, because of what follows it. html.unescape and turbohtml.unescape
    follow the rule for text, where it is one; so turbohtml's tokenizer is given a whole tag.
    """
    if "&" not in value:
        return value
    quoted = value.replace('"', "&quot;")
    return next(tokenize(f'<a href="{quoted}">')).attr("href", "") or ""


def _attribute_value(url: str) -> str:
    """The URL as it can stand between quotes of either kind and without quotes."""
    return _NEEDS_REFERENCE.sub(lambda match: "&amp;" if match[0] == "&" else f"&#{ord(match[0])};", url)


def _has_pixel(html: str, pixel: str) -> bool:
    return pixel in html or _attribute_value(pixel) in html


def _pixel_place(html: str, found: markup.Markup) -> int:
    """Before the last `</body>`, or at the end, but not inside a comment, style or tag that is not closed."""
    if found.body_end is not None:
        return found.body_end
    return len(html) if found.unfinished is None else found.unfinished


def _pixel_markup(pixel: str) -> str:
    # Not `display:none`: some clients do not load what is not displayed.
    source = _attribute_value(pixel)
    style = "border:0;width:1px;height:1px"
    return f'<img src="{source}" width="1" height="1" alt="" role="presentation" style="{style}">'


def _edited(html: str, edits: list[_Edit]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, replacement in edits:
        pieces += (html[done:start], replacement)
        done = end
    pieces.append(html[done:])
    return "".join(pieces)


def _size_remarks(html: str) -> list[Remark]:
    # A lone surrogate cannot be sent, but that is for whoever composes the mail to find.
    size = len(html.encode("utf-8", "surrogatepass"))
    if size <= LARGE:
        return []
    text = f"The HTML has {size:,} bytes. Gmail hides what comes after about {LARGE:,}, the pixel too."
    return [Remark("large", text, "html")]
