"""API keys of organizations: who may call, and with which scope.

A key is `<organization>.<key id>.<secret>`. Its row stands beside the organization's own in the registry, and holds
only a hash of the secret.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from typing import Literal

from pydantic import BaseModel

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id
from lib.organizations.registry import KEY_ROWS, Organization, Organizations
from lib.storage import Delete, Range, Row, Storage, Upsert
from lib.storage import layout as tables
from lib.storage.documents import pack, unpack

Scope = Literal["full", "read", "inbound"]

_KEY = re.compile(r"([a-z][a-z0-9]{2,31})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


class ApiKey(BaseModel):
    """A key as it may be shown: without the secret."""

    id: str
    name: str
    scope: Scope
    created_at: Moment


class _StoredKey(ApiKey):
    sha256: str


class Caller(BaseModel):
    """The caller of a request: an organization, by one of its keys."""

    organization: Organization
    scope: Scope


class ApiKeys:
    """Keys in storage."""

    def __init__(self, storage: Storage, organizations: Organizations, clock: Clock) -> None:
        self._tables = storage.tables
        self._organizations = organizations
        self._clock = clock

    async def make_key(
        self, organization: str, scope: Scope, name: str, key_id: str | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key; return it with its secret form, which is shown once and stored only as a hash.

        If `key_id` exists, a new secret replaces the old one, because the first answer never arrived.
        """
        key_id = key_id or new_id()
        secret = secrets.token_urlsafe(32)
        stored = _StoredKey(id=key_id, name=name, scope=scope, created_at=self._clock.now(), sha256=_hash(secret))
        row = Row(organization, KEY_ROWS + key_id, pack(stored))
        await self._tables.write_rows(tables.ORGANIZATIONS, [Upsert(row)])
        return ApiKey(**stored.model_dump(exclude={"sha256"})), f"{organization}.{key_id}.{secret}"

    async def list_keys(self, organization: str, after: str | None, limit: int) -> list[ApiKey]:
        """List keys by id, from behind the id `after`."""
        keys = Range(low=KEY_ROWS, high=Range.prefix(KEY_ROWS).high, after=after and KEY_ROWS + after)
        return [
            ApiKey(**unpack(_StoredKey, row).model_dump(exclude={"sha256"}))
            async for row in self._tables.query(tables.ORGANIZATIONS, organization, keys, limit)
        ]

    async def revoke_key(self, organization: str, key_id: str) -> None:
        """Revoke a key at once, as every call reads its key. Raises Missing."""
        await self._tables.write_rows(tables.ORGANIZATIONS, [Delete(organization, KEY_ROWS + key_id)])

    async def authenticate(self, key: str) -> Caller | None:
        """Authenticate a key; None if it is malformed, wrong or revoked, or its organization is gone."""
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        organization, key_id, secret = parts.groups()
        row, found = await asyncio.gather(
            self._tables.read_row(tables.ORGANIZATIONS, organization, KEY_ROWS + key_id),
            self._organizations.load_organization(organization),
        )
        if row is None or found is None:
            return None
        stored = unpack(_StoredKey, row)
        if not hmac.compare_digest(stored.sha256, _hash(secret)):
            return None
        return Caller(organization=found[0], scope=stored.scope)


def _hash(secret: str) -> str:
    """SHA-256 of a secret. The secret has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
