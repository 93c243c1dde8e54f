"""Stops as the rest of Heed sees them: asked for by recipients' requests, entered by what recipients say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress

from lib.clock import Clock
from lib.stops.organization_stops import NOTHING_STOPPED, OrganizationStops
from lib.stops.rows import CONSENT, StopRows, address_key, source_of_record, switch_key
from lib.stops.stop_list import ReadState, StopList
from lib.storage import Conflict, Row, Tables
from lib.storage.retry import retry_on_conflict
from lib.tokens import Claim

HashAddress = Callable[[str, str], Awaitable[str]]
"""Returns the hash of an address of an organization, of (organization, address)."""

_SHORT = 16
"""Hexadecimal digits of a hash that tokens and stops carry."""


class Stops:
    """Recipients who are not to be recorded, and links that are switched off."""

    def __init__(self, tables: Tables, hash_address: HashAddress, read_state: ReadState, clock: Clock) -> None:
        self._hash_address = hash_address
        self.rows = StopRows(tables, clock)
        self.list = StopList(self.rows, read_state, clock)

    def find_stops(self, organization: str) -> OrganizationStops:
        """Return the organization's stops as they are in memory; none of them before they are loaded."""
        return self.list.find_stops(organization) or NOTHING_STOPPED

    def is_stopped(self, organization: str, claim: Claim) -> bool:
        """Whether a hit on the token is not to be recorded, as far as memory tells."""
        return self.find_stops(organization).is_stopped(claim)

    async def load_stops(self, organization: str) -> OrganizationStops:
        """Return the organization's stops as they are in storage now. Raises StorageError."""
        return await self.list.load_stops(organization)

    async def stop_address(self, organization: str, email: str) -> None:
        """Stop the recording of an address, also by mail that was sent already. Again is the same.

        Raises StorageError.
        """
        await self.stop_hash(organization, await self._hash_address(organization, email))

    async def stop_hash(self, organization: str, address_hash: str) -> None:
        """Stop the recording of the address with this hash. Raises StorageError."""
        await self.rows.enter_stops(organization, [address_key(address_hash[:_SHORT], CONSENT)])
        await self.list.note_change(organization)

    async def is_address_stopped(self, organization: str, email: str) -> bool:
        """Whether an address is stopped by what its owner has said. Raises StorageError."""
        key = await self._consent_key(organization, email)
        return bool(await self.rows.read_stops(organization, [key]))

    async def allow_address(
        self, organization: str, email: str, is_allowed: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        """Take back the stop of an address. Stops that records bring about stay.

        `is_allowed` is asked after the stop was read, which stays where the answer is no: a later no of the recipient
        puts the row anew, so that this one cannot remove it. Raises StorageError, Stale.
        """
        key = await self._consent_key(organization, email)

        async def remove_once() -> None:
            found = await self.rows.read_stops(organization, [key])
            if found and (is_allowed is None or await is_allowed()):
                await self.rows.remove_stop(organization, key, found[key].etag)

        await retry_on_conflict("the stop of an address", remove_once, on=Conflict)
        await self.list.note_change(organization)

    async def record_keys(self, organization: str, name: str, emails: Iterable[str]) -> list[str]:
        """Return the keys of the stops that a record `<type>|<id>` brings about for its addresses."""
        source = source_of_record(name)
        hashes = [await self._hash_address(organization, email) for email in emails]
        return list(dict.fromkeys(address_key(each[:_SHORT], source) for each in hashes))

    async def replace_stops(self, organization: str, wanted: Collection[str], before: Mapping[str, Row]) -> None:
        """Put the wanted stops of one source, and remove the others of those that were there `before`, by key.

        A row is removed only in the version that was read. Raises StorageError.
        """
        if wanted:
            await self.rows.enter_stops(organization, wanted, before)
        for key, row in before.items():
            if key not in wanted:
                with suppress(Conflict):
                    await self.rows.remove_stop(organization, key, row.etag)
        if wanted or before:
            await self.list.note_change(organization)

    async def kill(self, organization: str, message: str | None = None, link: int | None = None) -> None:
        """Switch off a link, all links of a message, or all links of the organization. Raises StorageError."""
        await self.rows.enter_stops(organization, [switch_key(message, link)])
        await self.list.note_change(organization)

    async def revive(self, organization: str, message: str | None = None, link: int | None = None) -> None:
        """Take back `kill` of the same. Raises StorageError."""
        await self.rows.remove_stop(organization, switch_key(message, link))
        await self.list.note_change(organization)

    async def close(self) -> None:
        """End the work that goes on beside answers."""
        await self.list.close()

    async def _consent_key(self, organization: str, email: str) -> str:
        return address_key((await self._hash_address(organization, email))[:_SHORT], CONSENT)
