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
from lib.storage import Range, Storage
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
    """Consents in storage."""

    def __init__(self, storage: Storage, hashes: AddressHashes, clock: Clock) -> None:
        self._rows = Repository(storage.tables, "people", Consent)
        self._hashes = hashes
        self._clock = clock

    async def append_consent(self, organization: str, email: str, spec: ConsentSpec, by: str | None = None) -> Consent:
        """Add to the address's history, unless it repeats the newest entry within `SAME_AGAIN`; return the entry."""
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
        """The preference in the newest entry; `unknown` without an entry."""
        newest = await self.newest_consent(organization, email)
        return newest.follow if newest else "unknown"

    async def history(self, organization: str, email: str, limit: int | None = None) -> AsyncIterator[Consent]:
        """List the address's entries, newest first."""
        hashed = await self._hashes.find(organization, email)
        if hashed is None:
            return
        async for _, consent, _ in self._rows.list(organization, _partition(hashed), Range(), limit):
            yield consent


def _partition(hashed: str) -> str:
    return f"consent|{hashed}"
