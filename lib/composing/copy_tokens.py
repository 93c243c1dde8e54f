"""The tokens of a mail's copies: they alone differ from one followed copy to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lib.tokens import Claim, KeyRing, Purpose

_PREFIX = 50
"""Characters that tell tokens apart: they hold the whole seal."""

_PERHAPS_TOKEN = re.compile(rf"[\w-]{{{_PREFIX},}}+", re.ASCII)
"""Every token is longer: its seal and its message's id alone take 54 characters. A `/` stands before it."""

MintedTokens = Mapping[str, tuple[Purpose, Claim]]
"""The tokens of one copy, with their meanings."""


class CopyTokens:
    """Makes the tokens of one copy, and notes them.

    `recipient` is None on a copy that names none; `address` is the short hash of the only address of the copy.
    """

    def __init__(
        self, ring: KeyRing, organization: str, message: str, recipient: int | None, address: str | None = None
    ) -> None:
        self._ring = ring
        self._claim = Claim(organization, message, recipient, address=address)
        self.minted: dict[str, tuple[Purpose, Claim]] = {}

    def mint_token(self, purpose: Purpose, item: int = 0, destination: str = "") -> str:
        """Make a token for a link, an image, a file or the pixel of this copy."""
        claim = self._claim._replace(item=item, destination=destination)
        token = self._ring.mint(purpose, claim)
        self.minted[token] = purpose, claim
        return token


def exchange_tokens(
    text: str | None, minted: MintedTokens, ring: KeyRing, recipient: int | None, address: str | None = None
) -> str | None:
    """Return the same part of another recipient's copy."""
    by_prefix = {token[:_PREFIX]: token for token in minted}

    def exchange(found: re.Match[str]) -> str:
        run = found[0]
        token = by_prefix.get(run[:_PREFIX])
        if token is None or not run.startswith(token):
            return run
        purpose, claim = minted[token]
        # Text may follow the token without a character between them.
        return ring.mint(purpose, claim._replace(recipient=recipient, address=address)) + run[len(token) :]

    return None if text is None else _PERHAPS_TOKEN.sub(exchange, text)
