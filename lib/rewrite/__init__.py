"""The rewriter: sends a mail's links through our redirect and puts the open pixel into it.

    rewritten = rewrite(html, text, mint=mint, pixel=pixel, own="https://track.example.com")

Only the values of followable links and the pixel differ between `html` and `rewritten.html`; all other
bytes stay, and rewriting the result again changes nothing. What is no followable link, and why, is in
lib.links. A link that looks followable and is not stays direct, and a remark says where and why.
"""

from collections.abc import Callable

from lib.rewrite.destinations import Destinations
from lib.rewrite.html_part import rewrite_html
from lib.rewrite.plain_text import plain_text
from lib.rewrite.remarks import Remark, Rewritten
from lib.rewrite.text_part import rewrite_text

__all__ = ["Remark", "Rewritten", "rewrite"]


def rewrite(
    html: str | None, text: str | None, *, mint: Callable[[int, str], str], pixel: str | None, own: str
) -> Rewritten:
    """Rewrite both parts of a mail; a mail with HTML and no text gets a text made from the HTML.

    `mint` makes the absolute redirect URL from a link's index and destination, once for each index. `pixel`
    is the absolute URL of the pixel, None for a mail that is not to have one. `own` is the base of our
    URLs, such as `https://track.example.com`; links to our own endpoints under it are left alone.

    Takes any text, and raises only what `mint` raises.
    """
    destinations = Destinations(mint, own)
    remarks: list[Remark] = []
    if html is not None:
        html = rewrite_html(html, destinations, pixel, remarks)
    if text is not None:
        text = rewrite_text(text, destinations, remarks)
    elif html is not None:
        # No remarks on a text that the author did not write; those on the HTML say the same.
        text = rewrite_text(plain_text(html, destinations.destination_of), destinations, [])
    return Rewritten(html, text, destinations.all, remarks)
