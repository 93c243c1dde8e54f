"""Hashes of addresses, for keys of tables: a key must not hold an address, or anything else that a user typed.

Each organization has a secret of its own. The secret is made when it is first needed, and kept in the registry beside
the organization's settings. A reader of the organization's tables alone can therefore not try addresses out. The hash
does not depend on the keys of tokens: rotating these would lose a recipient's no.

The secret goes with its organization: one that is made again under the same id has another, and so does a copy under
another id. Processes remember a secret for less time than must pass before an organization is made again
(`lib.organizations.registry.NOT_MADE_AGAIN`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import blake2b

from cachetools import TTLCache

from lib.clock import Clock, SystemClock
from lib.people.addresses import same_mailbox
from lib.storage import Conflict, Insert, Row, Storage
from lib.storage import layout as tables

_ROW = tables.ADDRESS_SECRET_ROW
_MOST = 10_000
"""Organizations whose secrets are remembered."""

_SECONDS = 60.0
"""Time for which a secret is remembered."""

_TEXT = b"text"
"""Keeps hashes of texts apart from those of addresses."""


def short_hash(address_hash: str) -> str:
    """Return the first 16 hexadecimal digits of an address's hash, by which tokens and stops name the address."""
    return address_hash[:16]


class AddressHashes:
    """Keyed hashes of addresses, for each organization."""

    def __init__(self, storage: Storage, clock: Clock | None = None) -> None:
        now = (clock or SystemClock()).now
        self._tables = storage.tables
        self._secrets: TTLCache[str, str] = TTLCache(_MOST, _SECONDS, lambda: now().timestamp())

    async def hash_address(self, organization: str, email: str) -> str:
        """32 hexadecimal digits: keyed BLAKE2b of the address in lower case."""
        return await self.find(organization, email) or _hash(await self._make(organization), email)

    async def find(self, organization: str, email: str) -> str | None:
        """The hash, without making a secret; None where the organization has none, and therefore no row with a hash."""
        secret = await self._secret(organization)
        return None if secret is None else _hash(secret, email)

    async def address_hash(self, organization: str) -> Callable[[str], str]:
        """Return a function that gives `hash_address` of many addresses of one organization."""
        secret = await self._secret(organization) or await self._make(organization)
        return lambda email: _hash(secret, email)

    async def hash_text(self, organization: str, text: str) -> str:
        """32 hexadecimal digits: keyed BLAKE2b of a text that came with a mail, as it is. No address has this hash."""
        key = bytes.fromhex(await self._secret(organization) or await self._make(organization))
        return _text_hash(key, text)

    async def text_hash(self, organization: str) -> Callable[[str], str]:
        """Return a function that gives `hash_text` of many texts of one organization."""
        key = bytes.fromhex(await self._secret(organization) or await self._make(organization))
        return lambda text: _text_hash(key, text)

    async def _secret(self, organization: str) -> str | None:
        secret = self._secrets.get(organization)
        if secret is None and (secret := await self._read(organization)) is not None:
            self._secrets[organization] = secret
        return secret

    async def _read(self, organization: str) -> str | None:
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, _ROW)
        return row.text("secret") if row else None

    async def _make(self, organization: str) -> str:
        """Make the organization's secret; two callers at the same time get the same one."""
        secret = secrets.token_hex(32)
        row = Row(organization, _ROW, {"v": 1, "secret": secret})
        try:
            await self._tables.write_rows(tables.ORGANIZATIONS, [Insert(row)])
        except Conflict:
            return await self._read(organization) or secret
        return secret


def _text_hash(key: bytes, text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), key=key, digest_size=16, person=_TEXT).hexdigest()


def _hash(secret: str, email: str) -> str:
    return blake2b(same_mailbox(email).encode(), key=bytes.fromhex(secret), digest_size=16).hexdigest()
