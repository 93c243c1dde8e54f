"""Tokens of users, for browsers: 15 minutes in which the bearer acts as one user alone.

A token is sealed (`lib.tokens`), so that nothing is stored. It belongs to the key that made it: revoking the key, or
deleting the organization, ends the token.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from pydantic import BaseModel

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id
from lib.organizations.keys import ApiKeys, Caller
from lib.organizations.registry import Organizations
from lib.organizations.sign_in.refusals import Expired
from lib.tokens import LONGEST, KeyRing, Purpose

LIFETIME = timedelta(minutes=15)


class _Claim(BaseModel):
    """The content of a token."""

    organization: str
    key: str
    """The id of the key that made it."""

    user: str
    expires_at: Moment
    id: str


class UserTokens:
    """Makes and checks tokens of users."""

    def __init__(self, ring: KeyRing, keys: ApiKeys, organizations: Organizations, clock: Clock) -> None:
        self._ring = ring
        self._keys = keys
        self._organizations = organizations
        self._clock = clock

    def make_token(self, organization: str, key: str, user: str) -> tuple[str, datetime]:
        """Make a token of the user; it and the time at which it ends."""
        expires_at = self._clock.now() + LIFETIME
        claim = _Claim(organization=organization, key=key, user=user, expires_at=expires_at, id=new_id())
        return self._ring.seal(Purpose.USER, claim.model_dump_json().encode()), expires_at

    async def authenticate(self, token: str) -> Caller | None:
        """Authenticate a token; None if it is none of ours, or its key or organization is gone. Raises Expired."""
        plain = self._ring.unseal(Purpose.USER, token) if len(token) <= LONGEST else None
        if plain is None:
            return None
        claim = _Claim.model_validate_json(plain)
        if self._clock.now() >= claim.expires_at:
            raise Expired("The token has expired.")
        is_there, found = await asyncio.gather(
            self._keys.has_key(claim.organization, claim.key),
            self._organizations.load_organization(claim.organization),
        )
        if not is_there or found is None:
            return None
        found[0].check_open()
        return Caller(organization=found[0], scopes=frozenset({"user"}), user=claim.user)
