"""API keys of organizations, with their scopes.

A key is `heed_<organization>.<key id>.<secret>`: scanners that look for secrets in published code know it by its
beginning. A key's row stands beside the organization's own in the registry, and holds only a hash of the secret. The
row also tells when the key was last used, to the hour, and whose key it is: a row that was copied from another
organization's opens nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
from datetime import datetime, timedelta

from cachetools import LRUCache
from pydantic import BaseModel, Field

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id
from lib.organizations.registry import KEY_ROWS, Organization, Organizations
from lib.organizations.scopes import KeyScope, Scope
from lib.storage import Conflict, Delete, Missing, Range, Replace, Row, Storage, StorageError, Upsert
from lib.storage import layout as tables
from lib.storage.documents import pack, unpack

log = logging.getLogger("heed.keys")

USE_NOTED = timedelta(hours=1)
"""Time within which a further use of a key is not noted."""

_MOST_REMEMBERED = 10_000
"""Keys whose last use this process remembers."""

KEY_BEGINNING = "heed_"
"""The beginning of a key's text; keys of earlier releases lack it."""

_KEY = re.compile(rf"(?:{KEY_BEGINNING})?([a-z][a-z0-9]{{2,31}})\.([0-9a-f]{{32}})\.([A-Za-z0-9_-]{{43}})")


class ApiKey(BaseModel):
    """A key as it may be shown: without the secret."""

    id: str
    name: str
    scope: KeyScope
    created_at: Moment
    last_used_at: Moment | None = Field(None, description="to the hour; null: never, or not since this is noted")


class _StoredKey(ApiKey):
    sha256: str

    organization: str | None = None
    """The organization whose key it is; None in a row of before this was noted, until the key is next used."""

    def belongs_to(self, organization: str) -> bool:
        """Whether the row is a key of the organization, and was not copied from another one's."""
        return self.organization in (None, organization)


class Caller(BaseModel):
    """The caller of a request: an organization, by one of its keys, or one of its people."""

    organization: Organization
    scopes: frozenset[Scope]
    key: str | None = None
    """The id of the key; None for a person who has signed in."""

    key_name: str | None = None
    """The name of the key; None for a person, and for a key that was given none."""

    user: str | None = None
    """The only user that the caller acts as; None for a key, which acts as any user of the organization."""

    @property
    def sees_only(self) -> str | None:
        """The user whose mail alone the caller sees, where the organization wants that; None: everybody's."""
        is_limited = self.organization.settings.people_see == "own_mail" and "admin" not in self.scopes
        return self.user if is_limited else None


class ApiKeys:
    """Keys in storage."""

    def __init__(self, storage: Storage, organizations: Organizations, clock: Clock) -> None:
        self._tables = storage.tables
        self._organizations = organizations
        self._clock = clock
        self._noted: LRUCache[tuple[str, str], datetime] = LRUCache(_MOST_REMEMBERED)
        self._writing: set[asyncio.Task[None]] = set()

    async def make_key(
        self, organization: str, scope: KeyScope, name: str, key_id: str | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key; return it with its secret form, which is shown once and stored only as a hash.

        If `key_id` exists, a new secret replaces the old one, because the first answer never arrived.
        """
        key_id = key_id or new_id()
        secret = secrets.token_urlsafe(32)
        made = ApiKey(id=key_id, name=name, scope=scope, created_at=self._clock.now())
        stored = _StoredKey(**made.model_dump(), sha256=_hash(secret), organization=organization)
        row = Row(organization, KEY_ROWS + key_id, pack(stored))
        await self._tables.write_rows(tables.ORGANIZATIONS, [Upsert(row)])
        return made, f"{KEY_BEGINNING}{organization}.{key_id}.{secret}"

    async def list_keys(self, organization: str, after: str | None, limit: int) -> list[ApiKey]:
        """List keys by id, from behind the id `after`."""
        keys = Range(low=KEY_ROWS, high=Range.prefix(KEY_ROWS).high, after=after and KEY_ROWS + after)
        found: list[ApiKey] = []
        async for row in self._tables.query(tables.ORGANIZATIONS, organization, keys):
            stored = unpack(_StoredKey, row)
            if stored.belongs_to(organization):
                found.append(ApiKey(**stored.model_dump(exclude={"sha256", "organization"})))
            if len(found) == limit:
                break
        return found

    async def revoke_key(self, organization: str, key_id: str) -> None:
        """Revoke a key at once, as every call reads its key. Raises Missing."""
        await self._tables.write_rows(tables.ORGANIZATIONS, [Delete(organization, KEY_ROWS + key_id)])

    async def has_key(self, organization: str, key_id: str) -> bool:
        """Tell whether there is such a key. Raises StorageError."""
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, KEY_ROWS + key_id)
        return row is not None and unpack(_StoredKey, row).belongs_to(organization)

    async def authenticate(self, key: str) -> Caller | None:
        """Authenticate a key; None if it is malformed, wrong or revoked, or its organization is gone.

        Raises Unavailable while the organization is being restored, StorageError.
        """
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
        if not stored.belongs_to(organization) or not hmac.compare_digest(stored.sha256, _hash(secret)):
            return None
        found[0].check_open()
        self._note_use(stored, row)
        return Caller(organization=found[0], scopes=frozenset({stored.scope}), key=key_id, key_name=stored.name or None)

    def _note_use(self, stored: _StoredKey, row: Row) -> None:
        """Note beside the answer that the key is used, at most once an hour."""
        now, place = self._clock.now(), (row.partition, row.key)
        known = max((at for at in (self._noted.get(place), stored.last_used_at) if at), default=None)
        if known is not None and now - known < USE_NOTED:
            return
        self._noted[place] = now
        used = stored.model_copy(update={"last_used_at": now, "organization": row.partition})
        task = asyncio.create_task(self._write_use(Row(row.partition, row.key, pack(used), row.etag)))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_use(self, row: Row) -> None:
        """Write the row, unless it has changed: a revoked key must not come back."""
        try:
            await self._tables.write_rows(tables.ORGANIZATIONS, [Replace(row)])
        except (Conflict, Missing):
            pass
        except StorageError as error:
            log.warning("the use of a key could not be noted: %s", type(error).__name__)

    async def settle(self) -> None:
        """Wait until the uses of keys are noted."""
        await asyncio.gather(*self._writing)


def _hash(secret: str) -> str:
    """SHA-256 of a secret. The secret has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
