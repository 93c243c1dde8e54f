"""The bodies of a mail's copies: pure functions of plain values, which may run in another process.

A mail's HTML is read once for all of its followed copies, and once for those that are not followed. The first followed
copy is rewritten; the others are the same but for their tokens, which are exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lib.composing.copy_tokens import CopyTokens, MintedTokens, exchange_tokens
from lib.composing.files_in_mail import MailFiles
from lib.composing.footer import html_footer, with_text_footer
from lib.composing.link_block import html_block, with_text_block
from lib.files.models import StoredFile, StoredImage
from lib.languages import SpokenLanguage
from lib.messages.models import Body, Remark
from lib.mime.parts import FilePart, MailHead
from lib.mime.write import Composed, compose
from lib.rewrite import Opened, OpenToken, cleaned, rewrite
from lib.rewrite.plain_text import plain_text
from lib.tokens import KeyRing, Purpose

_MOST_REMARKS = 50


@dataclass(frozen=True, slots=True)
class Original:
    """A message's body as it was written, and all that its copies are made with."""

    organization: str
    message: str
    body: Body
    files: MailFiles
    honeypot: bool
    ring: KeyRing
    base_url: str
    denied_hosts: frozenset[str] = frozenset()
    """Hosts to which no link of ours leads, nor to those below them."""
    footer: SpokenLanguage | None = None
    """The language of the footer that followed copies get; None where they get none."""

    def size(self) -> int:
        """Return the number of characters of both parts."""
        return size_of(self.body)


@dataclass(frozen=True, slots=True)
class Followed:
    """The body of a followed copy, and what is known of its links."""

    body: Body
    images: list[StoredImage]
    """Images that the body shows from inside the mail."""
    links: list[str]
    """Destinations, by link index."""
    honeypots: list[int]
    """Indexes of the links that no person sees."""
    remarks: list[Remark]
    recipient: int | None
    """The number of the recipient whom the tokens name."""
    address: str | None
    """The short hash of the address that the tokens name."""
    minted: MintedTokens


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """A body that tracks nothing."""

    body: Body
    images: list[StoredImage]
    """Images that the body shows from inside the mail."""


@dataclass(frozen=True, slots=True)
class KeptBody:
    """The body of the sender's own copy."""

    body: Body
    inside: list[StoredFile]
    """Files that travel in it."""


def size_of(body: Body) -> int:
    """Return the number of characters of both parts."""
    return len(body.html or "") + len(body.text or "")


def page_url(base_url: str, token: str) -> str:
    """Return the address of the recipient's page."""
    return f"{base_url}/p/{token}"


def followed(original: Original, recipient: int | None, address: str | None = None) -> Followed:
    """Rewrite the body with links and a pixel of ours. Raises whatever goes wrong."""
    tokens = CopyTokens(original.ring, original.organization, original.message, recipient, address)
    links = original.files.links(tokens)
    closing, page = html_block(links), ""
    if original.footer is not None:
        page = page_url(original.base_url, tokens.mint_token(Purpose.PAGE))
        closing += html_footer(original.footer, page)
    done = rewrite(
        original.body.html,
        original.body.text,
        mint=lambda link, to: f"{original.base_url}/c/{tokens.mint_token(Purpose.CLICK, link, to)}",
        pixel=f"{original.base_url}/o/{tokens.mint_token(Purpose.OPEN)}.gif",
        own=original.base_url,
        open_token=_opener(original),
        honeypot=original.honeypot,
        image_source=original.files.hosting(tokens),
        closing=closing,
        denied=original.denied_hosts,
    )
    text = with_text_block(done.text, links)
    if original.footer is not None:
        text = with_text_footer(text, original.footer, page)
    body = Body(html=done.html, text=text)
    remarks = [Remark(code=each.code, text=each.text, place=each.place) for each in done.remarks[:_MOST_REMARKS]]
    if len(done.remarks) > _MOST_REMARKS:
        remarks.append(Remark(code="more", text=f"And {len(done.remarks) - _MOST_REMARKS} more such remarks."))
    remarks += remarks_on_images(original)
    images = original.files.images_in(body)
    return Followed(body, images, done.links, done.honeypots, remarks, recipient, address, tokens.minted)


def followed_by_another(first: Followed, ring: KeyRing, recipient: int | None, address: str | None = None) -> Body:
    """Return the body of another recipient's copy."""
    parts = (first.body.html, first.body.text)
    html, text = (exchange_tokens(part, first.minted, ring, recipient, address) for part in parts)
    return Body(html=html, text=text)


def unfollowed(original: Original) -> Unfollowed:
    """Return the body as it was written, without what tracks in the mail that it quotes. Raises whatever goes wrong."""
    return untouched(original, without_tracking(original))


def without_tracking(original: Original) -> Body:
    """Return the body with direct links, and without pixels of the older mail that it quotes."""
    html, text = cleaned(
        original.body.html,
        original.body.text,
        own=original.base_url,
        open_token=_opener(original),
        image_source=original.files.unhosting(),
    )
    return Body(html=html, text=text)


def untouched(original: Original, body: Body) -> Unfollowed:
    """Return the body as it is, with a text where it has only HTML."""
    text = body.text
    if text is None and body.html is not None:
        text = plain_text(body.html, lambda _: None)
    shown = Body(html=body.html, text=text)
    return Unfollowed(shown, original.files.images_in(shown))


def kept(original: Original, shown: Unfollowed) -> KeptBody:
    """Return the sender's own copy, with the files that fit; the body names the others."""
    body, inside = original.files.kept(shown.body, shown.images)
    return KeptBody(body, inside)


def remarks_on_images(original: Original) -> list[Remark]:
    """Return remarks for the author on the images of the body."""
    return original.files.remarks(original.body)


def images_of(original: Original) -> list[StoredImage]:
    """Return the images that the body shows as it was written."""
    return original.files.images_in(original.body)


def composed(head: MailHead, body: Body, parts: Sequence[FilePart]) -> Composed:
    """Call `compose` without giving back the files that it was given. Raises ComposeError."""
    done = compose(head, body.html, body.text, parts)
    return Composed(done.mime, done.headers)


def _opener(original: Original) -> OpenToken:
    purposes = {"link": Purpose.CLICK, "pixel": Purpose.OPEN}

    def open_token(kind: Literal["link", "pixel"], token: str) -> Opened | None:
        claim = original.ring.open(purposes[kind], token)
        if claim is None:
            return None
        is_this_mail = (claim.organization, claim.message) == (original.organization, original.message)
        return Opened(claim.destination, is_this_mail)

    return open_token
