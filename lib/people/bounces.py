"""Addresses that mail did not reach: a mail server has refused them as unknown, or sent a mail back for good.

A refused one is known until a later mail is taken for it. One from which mail came back is known until it answers: many
mail servers take everything first.

Rows of the table `people`, partition `bounce|<keyed hash of the address>`. No row holds an address. A row that could
not be written is missing, and nothing else depends on it: it is advice to an author, and blocks no address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from lib.clock import Clock
from lib.fields import Moment
from lib.people.address_hashes import AddressHashes
from lib.storage import Delete, Missing, Range, Row, Storage, Upsert
from lib.storage.batches import batches_of
from lib.storage.documents import pack, unpack
from lib.storage.layout import table

BOUNCES = "bounce|"
"""Beginning of the partitions of bounces, one for each address."""

_KEY = "last"
_AT_ONCE = 25
_FEW = 2
"""Addresses that are looked up without asking first whether there are any."""

_REMEMBERED = timedelta(minutes=1)
"""How long a process remembers that an organization has no such address."""


class Bounce(BaseModel):
    """A row."""

    at: Moment
    code: str
    """The provider's code."""
    has_returned: bool = False
    """Whether a mail was taken for the address and sent back later."""


class Bounces:
    """Unknown addresses in storage."""

    def __init__(self, storage: Storage, hashes: AddressHashes, clock: Clock) -> None:
        self._tables = storage.tables
        self._hashes = hashes
        self._clock = clock
        self._without: dict[str, datetime] = {}
        """Organizations that had no such address at that time."""

    async def note_bounce(self, organization: str, email: str, code: str, *, has_returned: bool = False) -> None:
        """Note that the address is unknown to its mail server, or that a mail to it was sent back. Raises
        StorageError."""
        self._without.pop(organization, None)
        partition = BOUNCES + await self._hashes.hash_address(organization, email)
        row = Row(partition, _KEY, pack(Bounce(at=self._clock.now(), code=code, has_returned=has_returned)))
        await self._tables.write_rows(table(organization, "people"), [Upsert(row)])

    async def clear_bounces(self, organization: str, emails: Iterable[str], *, has_answered: bool = False) -> None:
        """Forget what was noted of addresses for which a mail was taken since, or that have answered.

        Raises StorageError.
        """
        for email, bounce in (await self._find(organization, list(emails))).items():
            if bounce.has_returned and not has_answered:
                continue
            partition = BOUNCES + await self._hashes.hash_address(organization, email)
            try:
                await self._tables.write_rows(table(organization, "people"), [Delete(partition, _KEY)])
            except Missing:
                continue

    async def find_bounced(self, organization: str, emails: Sequence[str]) -> list[str]:
        """Return those of the addresses that mail did not reach last. Raises StorageError.

        It costs one request for each address, or one in all for many in an organization without such addresses.
        """
        return list(await self._find(organization, emails))

    async def _find(self, organization: str, emails: Sequence[str]) -> dict[str, Bounce]:
        if not emails or self._is_without(organization):
            return {}
        if len(emails) > _FEW and await self._has_none(organization):
            return {}
        found: dict[str, Bounce] = {}
        for some in batches_of(list(dict.fromkeys(emails)), _AT_ONCE):
            bounces = await asyncio.gather(*(self._load(organization, email) for email in some))
            found.update((email, bounce) for email, bounce in zip(some, bounces, strict=True) if bounce is not None)
        return found

    async def _load(self, organization: str, email: str) -> Bounce | None:
        hashed = await self._hashes.find(organization, email)
        if hashed is None:
            return None
        row = await self._tables.read_row(table(organization, "people"), BOUNCES + hashed, _KEY)
        return None if row is None else unpack(Bounce, row)

    def _is_without(self, organization: str) -> bool:
        looked_at = self._without.get(organization)
        return looked_at is not None and self._clock.now() - looked_at < _REMEMBERED

    async def _has_none(self, organization: str) -> bool:
        async for _ in self._tables.query(table(organization, "people"), Range.prefix(BOUNCES), limit=1):
            return False
        self._without[organization] = self._clock.now()
        return True
