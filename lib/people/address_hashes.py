"""Hashes of addresses, for keys: no table's key may hold what a user typed, or an address.

Each organization has a secret of its own, made when it is first needed and kept in the registry, beside its settings.
So whoever reads the organization's tables alone cannot try addresses out; and the hash does not change when the keys of
tokens are rotated, for then a recipient's no would be lost. It outlives the organization: a process may still know it
when another one of that name is made, and must not reckon with another one than the rest.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

from lib.people.addresses import same_mailbox
from lib.storage import Conflict, Insert, Row, Storage
from lib.storage import layout as tables

_ROW = "address-secret"


class AddressHashes:
    def __init__(self, storage: Storage) -> None:
        self._tables = storage.tables
        self._secrets: dict[str, str] = {}

    async def hash_address(self, organization: str, email: str) -> str:
        """32 hexadecimal digits: keyed BLAKE2b of the address in lower case."""
        return await self.find(organization, email) or _hash(await self._make(organization), email)

    async def find(self, organization: str, email: str) -> str | None:
        """The same, and nothing is written; None where no hash was ever made, so that nothing has one for its key."""
        if organization not in self._secrets:
            secret = await self._read(organization)
            if secret is None:
                return None
            self._secrets[organization] = secret
        return _hash(self._secrets[organization], email)

    async def _read(self, organization: str) -> str | None:
        row = await self._tables.read_row(tables.ORGANIZATIONS, organization, _ROW)
        return row.text("secret") if row else None

    async def _make(self, organization: str) -> str:
        """Two that make it at the same time get the same one."""
        secret = secrets.token_hex(32)
        row = Row(organization, _ROW, {"v": 1, "secret": secret})
        try:
            await self._tables.write_rows(tables.ORGANIZATIONS, [Insert(row)])
        except Conflict:
            return await self._read(organization) or secret
        return secret


def _hash(secret: str, email: str) -> str:
    return blake2b(same_mailbox(email).encode(), key=bytes.fromhex(secret), digest_size=16).hexdigest()
