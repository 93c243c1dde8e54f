"""The bodies of a mail's copies: pure functions of all that they are made of, which may go to another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from lib.composing.files_in_mail import MailFiles
from lib.files.models import StoredFile, StoredImage
from lib.messages.models import Body, MessageFields, Remark
from lib.mime.write import Composed, Part, compose
from lib.people.users import StoredUser
from lib.rewrite import Opened, OpenToken, cleaned, rewrite
from lib.rewrite.plain_text import plain_text
from lib.tokens import Claim, KeyRing, Purpose

_MOST_REMARKS = 50


@dataclass(frozen=True, slots=True)
class Original:
    """A message's body as it was written, and what its copies are made with."""

    organization: str
    message: str
    body: Body
    files: MailFiles
    honeypot: bool
    ring: KeyRing
    base_url: str

    def size(self) -> int:
        """Characters."""
        return size_of(self.body)


@dataclass(frozen=True, slots=True)
class Followed:
    """The body with our links and pixel, what is known of the links, and the images that it shows from inside."""

    body: Body
    images: list[StoredImage]
    links: list[str]
    honeypots: list[int]
    remarks: list[Remark]


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """A body that tracks nothing, and the images that it shows from inside."""

    body: Body
    images: list[StoredImage]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the sender keeps: the body, and the files in it."""

    body: Body
    inside: list[StoredFile]


def size_of(body: Body) -> int:
    """Characters of both parts."""
    return len(body.html or "") + len(body.text or "")


def followed(original: Original, recipient: int | None) -> Followed:
    """With our links and pixel. Raises what goes wrong, whatever it is."""
    organization, message, ring = original.organization, original.message, original.ring

    def mint(link: int, destination: str) -> str:
        token = ring.mint(Purpose.CLICK, Claim(organization, message, recipient, link, destination))
        return f"{original.base_url}/c/{token}"

    pixel = ring.mint(Purpose.OPEN, Claim(organization, message, recipient))
    body = original.files.with_links(original.body, recipient)
    done = rewrite(
        body.html,
        body.text,
        mint=mint,
        pixel=f"{original.base_url}/o/{pixel}.gif",
        own=original.base_url,
        open_token=_opener(original),
        honeypot=original.honeypot,
    )
    body = original.files.with_hosted_images(Body(html=done.html, text=done.text), recipient)
    remarks = [Remark(code=each.code, text=each.text, place=each.place) for each in done.remarks[:_MOST_REMARKS]]
    if len(done.remarks) > _MOST_REMARKS:
        remarks.append(Remark(code="more", text=f"And {len(done.remarks) - _MOST_REMARKS} more such remarks."))
    return Followed(body, original.files.images_in(body), list(done.links), list(done.honeypots), remarks)


def unfollowed(original: Original) -> Unfollowed:
    """As it was written, but without what tracks in the mail it quotes. Raises what goes wrong, whatever it is."""
    body = original.body
    html, text = cleaned(body.html, body.text, own=original.base_url, open_token=_opener(original))
    return untouched(original, Body(html=html, text=text))


def untouched(original: Original, body: Body) -> Unfollowed:
    """The body as it is, with a text where it has only HTML."""
    text = body.text
    if text is None and body.html is not None:
        text = plain_text(body.html, lambda _: None)
    shown = original.files.with_uncounted_images(Body(html=body.html, text=text))
    return Unfollowed(shown, original.files.images_in(shown))


def kept(original: Original, shown: Unfollowed) -> Kept:
    """What fits of the files, and a word of those that do not."""
    body, inside = original.files.kept(shown.body, shown.images)
    return Kept(body, inside)


def remarks_on_files(original: Original) -> list[Remark]:
    """What the author should know of the images."""
    return original.files.remarks(original.body)


def images_of(original: Original) -> list[StoredImage]:
    """Those that the body shows, as it was written."""
    return original.files.images_in(original.body)


def composed(
    message: MessageFields,
    body: Body,
    sender: StoredUser,
    message_id: str,
    date: datetime,
    parts: Sequence[Part],
) -> Composed:
    """`compose`, without giving back the files that it was given. Raises ComposeError."""
    done = compose(message, body, sender, message_id, date, parts)
    return Composed(done.mime, done.headers)


@lru_cache(4096)
def _claim(ring: KeyRing, purpose: Purpose, token: str) -> Claim | None:
    """What quoted mail of ours says is asked for each copy of a mail anew."""
    return ring.open(purpose, token)


def _opener(original: Original) -> OpenToken:
    def open_token(kind: Literal["link", "pixel"], token: str) -> Opened | None:
        claim = _claim(original.ring, Purpose.CLICK if kind == "link" else Purpose.OPEN, token)
        if claim is None:
            return None
        is_this_mail = (claim.organization, claim.message) == (original.organization, original.message)
        return Opened(claim.destination, is_this_mail)

    return open_token
