"""Consents: a history for each address of what its owner has said about being followed.

Entries are only ever added, and the newest one counts. They are rows of the table `people`, partition
`consent|<keyed hash of the address>`; the key counts time backwards, so that the newest comes first. No row holds an
address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Literal

from pydantic import Field

from lib.clock import Clock, milliseconds, moment
from lib.fields import ChosenId, Line, Model, Moment
from lib.ids import new_id
from lib.people.address_hashes import AddressHashes
from lib.people.preference import Preference
from lib.stops.stops import Stops
from lib.storage import Range, Storage
from lib.storage.documents import unpack
from lib.storage.layout import table
from lib.storage.repository import Repository
from lib.storage.sort_keys import descending_number

SAME_AGAIN = timedelta(hours=24)
"""Within this time, a consent that says the same as the newest one is a repetition of it."""

_LAST = 10**14
"""Milliseconds since 1970, later than any time that can be stored."""


class ConsentSpec(Model):
    """The statement of an address's owner, and how it is known."""

    follow: Literal["allow", "do_not_allow"]
    basis: Line = Field("", description="the legal basis, such as consent or legitimate interest")
    source: Line = Field("", description="where it was said: a form, a call, the recipient's page")
    notice: Line = Field("", description="what the owner was told, or its version")


class Consent(ConsentSpec):
    """An entry of the history."""

    at: Moment
    by: ChosenId | None = None
    """The user who entered it, if one was named."""


class Consents:
    """Consents in storage. A no stops the recording of mail that was sent already, until the next yes."""

    def __init__(self, storage: Storage, hashes: AddressHashes, stops: Stops, clock: Clock) -> None:
        self._tables = storage.tables
        self._rows = Repository(storage.tables, "people", Consent)
        self._hashes = hashes
        self._stops = stops
        self._clock = clock

    async def append_consent(self, organization: str, email: str, spec: ConsentSpec, by: str | None = None) -> Consent:
        """Add to the address's history, unless it repeats the newest entry within `SAME_AGAIN`; return the entry.

        A no stops the recording before it stands in the history: a process that dies in between has stopped it all the
        same. Raises StorageError, Stale.
        """
        if spec.follow == "do_not_allow":
            await self._stops.stop_address(organization, email)
        consent = await self._append(organization, email, spec, by)
        await self._follow_newest(organization, email, consent)
        return consent

    async def enter_stops(self, organization: str) -> int:
        """Put the stops of all addresses whose newest entry is a no, and return their number.

        Entries of releases without stops have brought about none. Again changes nothing. Raises StorageError.
        """
        entered, latest = 0, ""
        async for row in self._tables.query(table(organization, "people"), Range.prefix(_partition(""))):
            if row.partition == latest:
                continue
            latest = row.partition
            if unpack(Consent, row).follow == "do_not_allow":
                await self._stops.stop_hash(organization, latest.removeprefix(_partition("")))
                entered += 1
        return entered

    async def _follow_newest(self, organization: str, email: str, appended: Consent) -> None:
        """Bring the stop in line with the history, also where another entry came at the same time.

        Each no puts the stop anew after its entry, and a stop is removed only in the version that was read before the
        newest entry was. So the removal by an older yes fails.
        """
        if appended.follow == "do_not_allow":
            await self._stops.stop_address(organization, email)

        async def says_yes() -> bool:
            return await self.load_preference(organization, email) != "do_not_allow"

        await self._stops.allow_address(organization, email, says_yes)

    async def _append(self, organization: str, email: str, spec: ConsentSpec, by: str | None) -> Consent:
        newest, now = await self.newest_consent(organization, email), milliseconds(self._clock.now())
        if newest is not None:
            told_twice = newest == Consent(**spec.model_dump(), at=newest.at, by=by)
            if told_twice and moment(now) - newest.at < SAME_AGAIN:
                return newest
            # A later call is the newer entry, even if the clock of its instance is behind.
            now = max(now, milliseconds(newest.at) + 1)
        consent = Consent(**spec.model_dump(), at=moment(now), by=by)
        key = f"{descending_number(now, _LAST)}|{new_id()}"
        await self._rows.save(
            organization, _partition(await self._hashes.hash_address(organization, email)), key, consent, None
        )
        return consent

    async def newest_consent(self, organization: str, email: str) -> Consent | None:
        """The entry that counts; None without an entry."""
        async for consent in self.history(organization, email, limit=1):
            return consent
        return None

    async def load_preference(self, organization: str, email: str) -> Preference:
        """The preference in the newest entry.

        Without an entry it is `unknown`, or a no where one was said before its history was erased.
        """
        newest = await self.newest_consent(organization, email)
        if newest is not None:
            return newest.follow
        return "do_not_allow" if await self._stops.is_address_stopped(organization, email) else "unknown"

    async def history(self, organization: str, email: str, limit: int | None = None) -> AsyncIterator[Consent]:
        """List the address's entries, newest first."""
        hashed = await self._hashes.find(organization, email)
        if hashed is None:
            return
        async for _, consent, _ in self._rows.list(organization, _partition(hashed), Range(), limit):
            yield consent


def _partition(hashed: str) -> str:
    return f"consent|{hashed}"
