"""The HTML part: it gets other links, loses traces of older mail, and gains honeypot and pixel. No more."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from turbohtml import tokenize

from lib.rewrite import markup
from lib.rewrite.destinations import Destinations, refusal_remark
from lib.rewrite.image_places import read_image_places
from lib.rewrite.link_words import LONGEST_CONTENT, content_of, differing_remark, shows_another, spoken_words
from lib.rewrite.links import WHITE_SPACE, LinkRefused
from lib.rewrite.ours import Opened
from lib.rewrite.remarks import RewriteRemark, SourcePlaces
from lib.rewrite.signed import SignedBlocks

LARGE: Final = 102_400
"""Bytes of HTML above which a mail is at risk: Gmail hides what comes after about 102 KB, the pixel too."""

ImageSource = Callable[[str], str | None]
"""Gives an image's source, decoded, another one; None where it stays."""

_NEEDS_REFERENCE: Final = re.compile("[&\"'<>`\t\n\f\r ]")


class RewrittenPage(NamedTuple):
    """The HTML with its links rewritten, before anything is added to it."""

    html: str
    place: int
    """The place of the pixel, or for it, and for everything else that is added."""
    has_pixel: bool


class _Edit(NamedTuple):
    """`html[start:end]` becomes `replacement`."""

    start: int
    end: int
    replacement: str


def rewrite_html(
    html: str,
    destinations: Destinations,
    pixel: str | None,
    remarks: list[RewriteRemark],
    image_source: ImageSource | None = None,
) -> RewrittenPage:
    """Rewrite links and the sources of images, and remove pixels of older mail. It adds to `remarks`."""
    found = markup.read(html)
    signed = SignedBlocks(html, anywhere=True)
    places = SourcePlaces("html", html)
    place, edits, removed = None, list[_Edit](), list[_Edit]()
    for image in found.images:
        if signed.holds(image.start):
            continue
        source = decoded(html[image.value_start : image.value_end]).strip(WHITE_SPACE)
        if source == pixel:
            place = image.start if place is None else place
        elif destinations.ours.is_pixel(source):
            removed.append(_removal(html, image.start, image.end))
        elif image_source is not None and (other := image_source(source)) is not None:
            edits.append(_Edit(image.value_start, image.value_end, _attribute_value(other)))
    kept = _kept_links(html, found.links, destinations, signed, removed)
    edits += [*removed, *_link_edits(html, kept, destinations, places, remarks, _in_order(removed))]
    if image_source is not None:
        edits += [edit for edit in _image_edits(html, image_source) if not signed.holds(edit.start)]
    edits = _in_order(edits)
    if destinations.is_following:
        remarks += signed.remarks(places)
    has_pixel = pixel is not None and (place is not None or _has_pixel(html, pixel))
    if place is None:
        place = found.end_of_body
    return RewrittenPage(_edited(html, edits), place + _growth(edits, place), has_pixel)


def complete(page: RewrittenPage, honeypot: str | None, pixel: str | None, closing: str = "") -> str:
    """Return the page with HTML that closes it, and with a honeypot and a pixel at these URLs, if any."""
    additions = closing
    if honeypot is not None:
        additions += _honeypot_markup(honeypot)
    if pixel is not None and not page.has_pixel:
        additions += _pixel_markup(pixel)
    return page.html[: page.place] + additions + page.html[page.place :]


def size_remarks(html: str) -> list[RewriteRemark]:
    # A lone surrogate cannot be sent, but the composer of the mail finds that.
    """Return a remark on HTML that Gmail would clip."""
    size = len(html.encode("utf-8", "surrogatepass"))
    if size <= LARGE:
        return []
    text = f"The HTML has {size:,} bytes. Gmail hides what comes after about {LARGE:,}, the pixel too."
    return [RewriteRemark("large", text, "html")]


def _image_edits(html: str, image_source: ImageSource) -> Iterator[_Edit]:
    """Yield the edits of images that stand in no `src`."""
    for start, end, is_text in read_image_places(html):
        source = html[start:end]
        other = image_source(source if is_text else decoded(source))
        if other is not None:
            yield _Edit(start, end, other if is_text else _attribute_value(other))


class _KeptLink(NamedTuple):
    """A link that stays in the mail, with its address, which for a link of older mail is that link's destination."""

    number: int
    link: markup.MarkupLink
    address: str
    is_older: bool


def _kept_links(
    html: str,
    links: list[markup.MarkupLink],
    destinations: Destinations,
    signed: SignedBlocks,
    removed: list[_Edit],
) -> list[_KeptLink]:
    """Return the links outside of signed blocks. Honeypots of an earlier pass are added to `removed` instead."""
    kept = []
    for number, link in enumerate(links):
        if signed.holds(link.start):
            continue
        address = decoded(html[link.start : link.end])
        older = destinations.ours.link(address)
        if older is not None and (removal := _honeypot_removal(html, link, older)):
            removed.append(removal)
            continue
        kept.append(_KeptLink(number, link, older.destination if older else address, older is not None))
    return kept


def _link_edits(
    html: str,
    links: list[_KeptLink],
    destinations: Destinations,
    places: SourcePlaces,
    remarks: list[RewriteRemark],
    removed: list[_Edit],
) -> list[_Edit]:
    edits = []
    for number, link, address, is_older in links:
        url = None
        if number < markup.MOST_LINKS:
            content = ""
            if destinations.is_following and link.content is not None:
                content = content_of(_edited_from(html, link.content, LONGEST_CONTENT, removed))
            url = _url(address, content, link, destinations, places, remarks)
            if shows_another(content, address):
                remarks.append(differing_remark(places, link.start))
        else:
            destinations.left_out = destinations.is_following
        if url is None and is_older:
            url = address
        if url is not None:
            edits.append(_Edit(link.start, link.end, _attribute_value(url)))
    return edits


def _removal(html: str, start: int, end: int) -> _Edit:
    """Return the edit that removes a span.

    It leaves a space where the text on both sides could become one tag, one end of a comment or one reference.
    """
    return _Edit(start, end, " " if html.endswith(("<", "-", "&"), 0, start) else "")


def _honeypot_removal(html: str, link: markup.MarkupLink, older: Opened) -> _Edit | None:
    """Return the edit that removes a honeypot of an earlier pass; None if the link of ours is no honeypot.

    Mail programs take attributes away from the mail that they quote. So an empty link of older mail goes in any case:
    no reader can miss it. An empty one of this mail may be its author's; without a honeypot, the HTML is what it was
    before.
    """
    if link.empty is None:
        return None
    if older.is_this_mail:
        return _Edit(*link.empty, "") if link.is_hidden else None
    return _removal(html, *link.empty)


def _url(
    address: str,
    content: str,
    link: markup.MarkupLink,
    destinations: Destinations,
    places: SourcePlaces,
    remarks: list[RewriteRemark],
) -> str | None:
    """Return the redirect URL for the link, None if it is not to be followed."""
    if link.is_off:
        destinations.turn_off(address)
        return None
    try:
        return destinations.url_in_html(address, spoken_words(content))
    except LinkRefused as refused:
        remarks.append(refusal_remark(refused, places, link.start))
        return None


def decoded(value: str) -> str:
    """Decode the character references of an attribute's value as browsers do in an attribute.

    There, `&copy=2` is no reference, because of what follows it. html.unescape and turbohtml.unescape follow the rule
    for text, where it is one; so turbohtml's tokenizer is given a whole tag.
    """
    if "&" not in value:
        return value
    quoted = value.replace('"', "&quot;")
    return next(tokenize(f'<a href="{quoted}">')).attr("href", "") or ""


def _attribute_value(url: str) -> str:
    """Return the URL as it can stand between quotes of either kind and without quotes."""
    return _NEEDS_REFERENCE.sub(lambda match: "&amp;" if match[0] == "&" else f"&#{ord(match[0])};", url)


def _has_pixel(html: str, pixel: str) -> bool:
    return pixel in html or _attribute_value(pixel) in html


def _honeypot_markup(url: str) -> str:
    """Return a link for machines that follow every link in the source. No person sees it, hears it or reaches it by
    Tab.

    It is not displayed; `mso-hide` says so to Outlook, which has Word's engine. A client that strips styles has nothing
    to show, for the link is empty; and without hidden text, no spam filter grows suspicious. As it is empty, it has no
    name to read out either, and the two attributes keep it from screen readers and the keyboard without any style.
    """
    source = _attribute_value(url)
    return f'<a href="{source}" aria-hidden="true" tabindex="-1" style="display:none;mso-hide:all"></a>'


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


def _edited_from(html: str, place: int, length: int, edits: list[_Edit]) -> str:
    """Return about so many characters from a place on, as they are after the edits, which are in order."""
    pieces: list[str] = []
    for number in range(bisect_left(edits, (place,)), len(edits)):
        start, end, replacement = edits[number]
        if start >= place + length:
            break
        pieces += (html[place:start], replacement)
        length -= start - place + len(replacement)
        place = end
    return "".join([*pieces, html[place : place + length]])


def _in_order(edits: list[_Edit]) -> list[_Edit]:
    """Sort edits, without those inside a span that another one replaces."""
    kept: list[_Edit] = []
    for edit in sorted(edits):
        if not kept or edit.start >= kept[-1].end:
            kept.append(edit)
    return kept


def _growth(edits: list[_Edit], place: int) -> int:
    """Return the number of characters that the edits before the place add."""
    return sum(len(replacement) - (end - start) for start, end, replacement in edits if end <= place)
