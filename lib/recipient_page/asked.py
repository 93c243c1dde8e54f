"""Requests of recipients that wait in the queue `outbox`.

They wait there sealed, because they name addresses.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal, cast

from lib.languages import SpokenLanguage
from lib.tokens import KeyRing, Purpose

Wish = Literal["stop", "link"]
"""`stop` the recording, or send a `link` that proves who the recipient is."""

GIVEN_UP_AFTER = timedelta(minutes=20)
"""The time after which a link is not worth another try."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a recipient of a message has asked for."""

    wish: Wish
    message: str
    email: str | None
    """The address that was typed in, which may be anyone's; None where the token names the recipient."""

    recipient: int | None
    """The number of the recipient whom the token names."""

    address: str | None
    """The short hash of the address that the token names."""

    language: SpokenLanguage
    key: str
    """A UUID, the same at every try."""

    at: int
    """The time at which it was asked for, in milliseconds since 1970."""


def seal_asked(ring: KeyRing, asked: Asked) -> str:
    """Return what is asked for as a text for the queue."""
    return ring.seal(Purpose.ASKED, json.dumps(asdict(asked)).encode())


def open_asked(ring: KeyRing, sealed: str) -> Asked:
    """Return what is asked for. Raises ValueError for any other text."""
    plain = ring.unseal(Purpose.ASKED, sealed)
    if plain is None:
        raise ValueError("it was sealed by another, or with a key that is gone")
    return Asked(**cast("dict[str, object]", json.loads(plain)))  # type: ignore[arg-type]
