"""A mail that is rewritten with plain tokens, and pieces to make mails of."""

import base64
import re
from dataclasses import dataclass
from typing import Literal

from lib.rewrite import Opened, Rewritten, cleaned, rewrite
from lib.tokens import Claim, KeyRing, Purpose

OWN = "https://track.example.com"
PIXEL = f"{OWN}/o/token.gif"


def mint(index: int, destination: str) -> str:
    return f"{OWN}/c/{index}"


def put_back(original: str, output: str) -> str:
    """The output without its pixel, and with the value that stands in the original for each redirect URL."""
    output = re.sub(rf'<img src="{PIXEL}"[^>]*>', "", output)
    pieces = []
    place = 0
    for piece in re.split(rf"({OWN}/c/[0-9]+)", output):
        if piece.startswith(OWN) and not original.startswith(piece, place):
            value = {'"': r'[^"]*', "'": r"[^']*"}.get(original[place - 1], r"[^\t\n\f\r >]*")
            found = re.compile(value).match(original, place)
            assert found is not None
            piece = found[0]
        pieces.append(piece)
        place += len(piece)
    return "".join(pieces)


LINKS = (
    '<a href="https://example.com/1">', "<a href='https://example.com/2&amp;x'>",
    "<a href=https://example.com/3>", "<A\r\nHREF = ' https://example.com/4\n'>",
    '<area title=">" href="https://example.com/5">', "<a href=/6>",
    '<a href="https://example.com/7" data-heed=off>', "<a href='https://u@example.com/8'>",
    "</a href='https://x.example'>",
)  # fmt: skip
COMMON = (
    "<p>", "</p>", "</a>", "</body>", "<body>", "<br/>", "<table><tr><td>", "text", " ", "\r\n", "\0", "😀",
    "&amp;", "&copy=", "<", ">", '"', "'", "=", "/", "!", "?", "-", "--", "-->", "--!>", "<!--", "<!", "<?",
    "</", "<a ", "<a href=", "href='", "<style>", "</style>", "<script>", "</script>", "<script", "</script",
    "<title>", "</title>", "<textarea>", "</TEXTAREA >", "<xmp>", "</xmp>", "<plaintext", "<!-->", "<!--->",
    "https://example.com/9", "{{ x }}", "\ufeff",
)  # fmt: skip
OUTLOOK = (
    "<!--[if mso]>", "<![endif]-->", "<![if !mso]>", "<![endif]>", "<!--[if !mso]><!-->", "<!--<![endif]-->",
    "<v:rect href='https://example.com/10'>", "<noscript>", "</noscript>",
)  # fmt: skip

RING = KeyRing.parse("k1:" + base64.urlsafe_b64encode(bytes(range(64))).decode())
SHOP = "https://shop.example/?a=1&b=2"


@dataclass(frozen=True)
class Mail:
    """A mail of ours, which can be quoted, or quote."""

    id: str
    organization: str = "acme"
    base: str = OWN

    def link(self, index: int = 0, destination: str = SHOP) -> str:
        token = RING.mint(Purpose.CLICK, Claim(self.organization, self.id, 0, index, destination))
        return f"{self.base}/c/{token}"

    @property
    def pixel(self) -> str:
        return f"{self.base}/o/{RING.mint(Purpose.OPEN, Claim(self.organization, self.id, 0))}.gif"

    def open_token(self, kind: Literal["link", "pixel"], token: str) -> Opened | None:
        claim = RING.open(Purpose.CLICK if kind == "link" else Purpose.OPEN, token)
        return Opened(claim.destination, claim.message == self.id) if claim else None

    def followed(self, html: str | None, text: str | None = "", *, honeypot: bool = False) -> Rewritten:
        return rewrite(
            html,
            text,
            mint=self.link,
            pixel=self.pixel,
            own=self.base,
            open_token=self.open_token,
            honeypot=honeypot,
        )

    def unfollowed(self, html: str | None, text: str | None = None) -> tuple[str | None, str | None]:
        return cleaned(html, text, own=self.base, open_token=self.open_token)


OLD = Mail("a" * 32)
NEW = Mail("b" * 32)
