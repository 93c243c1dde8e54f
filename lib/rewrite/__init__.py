"""The rewriter: sends a mail's links through our redirect and puts the open pixel into it.

    rewritten = rewrite(html, text, mint=mint, pixel=pixel, own="https://track.example.com", open_token=open_token)
    html, text = cleaned(html, text, own="https://track.example.com", open_token=open_token)

Only the values of followable links, the pixel, the honeypot and what the caller asks for differ between `html` and
`rewritten.html`. All other bytes stay, and rewriting the result again changes nothing. `links` says which links can be
followed. A link that looks followable and is not stays direct, and a remark says where and why.

Words stay: an address in the text ends where RFC 3986 does. A block that is signed or encrypted with PGP is kept.

A mail may quote older mail of ours, with pixels and links that would record opens of that mail. So such pixels go, and
such links lead directly again, before they are followed like any other. `cleaned` does that alone, for mail that is not
followed.
"""

from collections.abc import Callable, Set

from lib.rewrite.destinations import Destinations
from lib.rewrite.hosts import lookalike_remarks
from lib.rewrite.html_part import ImageSource, complete, rewrite_html, size_remarks
from lib.rewrite.markup import MOST_LINKS
from lib.rewrite.ours import Opened, OpenToken, Ours
from lib.rewrite.plain_text import plain_text
from lib.rewrite.remarks import RewriteRemark, Rewritten
from lib.rewrite.text_part import rewrite_text

__all__ = ["ImageSource", "OpenToken", "Opened", "RewriteRemark", "Rewritten", "cleaned", "rewrite"]


def rewrite(
    html: str | None,
    text: str | None,
    *,
    mint: Callable[[int, str], str],
    pixel: str | None,
    own: str,
    open_token: OpenToken | None = None,
    honeypot: bool = False,
    image_source: ImageSource | None = None,
    closing: str = "",
    denied: Set[str] = frozenset(),
) -> Rewritten:
    """Rewrite both parts of a mail; a mail with HTML and no text gets a text made from the HTML.

    `mint` makes the absolute redirect URL from a link's index and destination, once for each index. `pixel`
    is the absolute URL of the pixel, None for a mail that is not to have one. `own` is the base of our
    URLs, such as `https://track.example.com`; links to our own endpoints under it are left alone, unless
    `open_token` knows where they lead. With `honeypot`, HTML gets one more link, which no person sees. `image_source`
    gives images other sources. `closing` is HTML that is put at the end of the body as it is, before the pixel.
    Links to `denied` hosts, and to those below them, stay direct; hosts that look like another one are remarked on.

    It takes any text, and raises only what the functions that it was given raise.
    """
    destinations = Destinations(mint, Ours(own, open_token), denied)
    remarks: list[RewriteRemark] = []
    honeypots: list[int] = []
    page = None if html is None else rewrite_html(html, destinations, pixel, remarks, image_source)
    if text is not None:
        text = rewrite_text(text, destinations, remarks)
    elif page is not None:
        # No remarks on a text that the author did not write; those on the HTML say the same.
        text = rewrite_text(plain_text(page.html, destinations.destination_of), destinations, [], is_made=True)
    remarks += lookalike_remarks(destinations.all, "text" if page is None else "html")
    if destinations.left_out:
        left_out = f"The first {MOST_LINKS:,} links of a mail are followed; those after them lead there directly."
        remarks.insert(0, RewriteRemark("too-many-links", left_out, "text" if page is None else "html"))
    if page is not None:
        # After the text, whose links come before the honeypot.
        honeypot_url = destinations.honeypot_url() if honeypot else None
        honeypots = [len(destinations.all) - 1] if honeypot_url else []
        html = complete(page, honeypot_url, pixel, closing)
        remarks = [*size_remarks(html), *remarks]
    return Rewritten(html, text, destinations.all, remarks, honeypots)


def cleaned(
    html: str | None,
    text: str | None,
    *,
    own: str,
    open_token: OpenToken | None,
    image_source: ImageSource | None = None,
) -> tuple[str | None, str | None]:
    """Return both parts of a mail with direct links, and without pixels of ours.

    It raises only what `open_token` and `image_source` raise.
    """
    destinations = Destinations(None, Ours(own, open_token))
    if html is not None:
        html = rewrite_html(html, destinations, None, [], image_source).html
    if text is not None:
        text = rewrite_text(text, destinations, [])
    return html, text
