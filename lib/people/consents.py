"""Consents: a history for each address of what its owner has said about being followed.

Entries are only ever added, and the newest one counts. They are rows of the table `people`, partition
`consent|<keyed hash of the address>`; the key counts time backwards, so that the newest comes first. No row holds an
address. The columns `actor` and `entered_at` tell who entered the row, and when that was, where it was imported. They
stand beside the JSON of the entry, because release 0.1.0 refuses an entry with a field that it does not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from lib.clock import Clock, milliseconds, moment, rfc3339
from lib.fields import ChosenId, Line, Model, Moment
from lib.ids import new_id, short_hash
from lib.people.address_hashes import AddressHashes
from lib.people.preference import Preference
from lib.stops.stops import Stops
from lib.storage import Conflict, Insert, Range, Row, Storage, Value
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.sort_keys import descending_number

SAME_AGAIN = timedelta(hours=24)
"""Within this time, a consent that says the same as the newest one is a repetition of it."""

CONSENTS = "consent|"
"""Beginning of the partitions of consents, one for each address."""

_LAST = 10**14
"""Milliseconds since 1970, later than any time that can be stored."""


TellStop = Callable[[str, str, datetime], Awaitable[None]]
"""Tells others of a no, of (organization, address, time of its entry). Again is the same."""


class ConsentSpec(Model):
    """The statement of an address's owner, and how it is known."""

    follow: Literal["allow", "do_not_allow"]
    basis: Line = Field("", description="the legal basis, such as consent or legitimate interest")
    source: Line = Field("", description="where it was said: a form, a call, the recipient's page")
    notice: Line = Field("", description="what the owner was told, or its version")


class ConsentActor(BaseModel):
    """The one who entered a consent."""

    kind: Literal["key", "user", "recipient"] = Field(
        description="`key`: a key of the organization; `user`: a person who has signed in; `recipient`: the address's "
        "owner, by the recipient's page or by mail"
    )
    id: str | None = Field(None, description="of the key or the user")
    name: str | None = Field(None, description="of the key, as it was then: a revoked key is no longer listed")


RECIPIENT = ConsentActor(kind="recipient")
"""The address's owner."""


class Consent(ConsentSpec):
    """An entry of the history."""

    at: Moment
    by: ChosenId | None = None
    """The user who entered it, if one was named."""

    actor: ConsentActor | None = Field(None, description="who entered it; null: an entry of before this was noted")
    entered_at: Moment | None = Field(None, description="when it was imported; null: it was entered when it was said")


class Consents:
    """Consents in storage. A no stops the recording of mail that was sent already, until the next yes."""

    def __init__(
        self, storage: Storage, hashes: AddressHashes, stops: Stops, clock: Clock, tell_stop: TellStop | None = None
    ) -> None:
        self._tables = storage.tables
        self._hashes = hashes
        self._stops = stops
        self._clock = clock
        self._tell_stop = tell_stop

    async def append_consent(
        self, organization: str, email: str, spec: ConsentSpec, actor: ConsentActor, by: str | None = None
    ) -> Consent:
        """Add to the address's history, unless it repeats the newest entry within `SAME_AGAIN`; return the entry.

        `by` is the user who has entered it, if one is named.

        A no stops the recording before it stands in the history: a process that dies in between has stopped it all the
        same. Raises StorageError, Stale.
        """
        if spec.follow == "do_not_allow":
            await self._stops.stop_address(organization, email)
        consent = await self._append(organization, email, spec, actor, by)
        await self._follow_newest(organization, email, consent.follow)
        if spec.follow == "do_not_allow":
            await self._tell(organization, email, consent)
        return consent

    async def keep_no(
        self, organization: str, emails: Sequence[str], source: str, actor: ConsentActor, by: str | None = None
    ) -> None:
        """Enter a record's no for each of these addresses that has not said so itself, so that it outlives the record.

        Again is the same. Raises StorageError, Stale.
        """
        spec = ConsentSpec(follow="do_not_allow", source=source)
        for email in emails:
            if await self.load_preference(organization, email) != "do_not_allow":
                await self.append_consent(organization, email, spec, actor, by)

    async def import_consents(self, organization: str, email: str, said: Sequence[Consent]) -> list[bool]:
        """Add what the address's owner said earlier, each entry at its own time; return which of them are new.

        The newest entry of the whole history counts, and of several at the same time a no. Again is the same. A no
        that is to count stops the recording before it stands in the history. Raises StorageError, Stale.
        """
        before = await self.newest_consent(organization, email)
        latest = max(said, key=lambda each: (each.at, each.follow == "do_not_allow"))
        if latest.follow == "do_not_allow" and (before is None or before.at <= latest.at):
            await self._stops.stop_address(organization, email)
        new = [await self._enter(organization, email, each) for each in said]
        newest = await self.newest_consent(organization, email)
        if newest is not None:
            await self._follow_newest(organization, email, newest.follow)
        if newest is not None and newest.follow == "do_not_allow" and newest.at == latest.at:
            await self._tell(organization, email, newest)
        return new

    async def _enter(self, organization: str, email: str, consent: Consent) -> bool:
        """Enter a consent at its own time, unless the history has it. A no comes first among those of one time."""
        name, at = table(organization, "people"), f"{descending_number(milliseconds(consent.at), _LAST)}|"
        partition = _partition(await self._hashes.hash_address(organization, email))
        statement = ConsentSpec.model_validate(consent.model_dump(include=set(ConsentSpec.model_fields)))
        async for row in self._tables.query(name, partition, Range.prefix(at)):
            there = _consent_of(row)
            if there.model_dump(include=set(ConsentSpec.model_fields)) == statement.model_dump():
                return False
        rank = "0" if consent.follow == "do_not_allow" else "g"  # before and behind the hexadecimal ids of others
        key = f"{at}{rank}{short_hash(statement.model_dump_json())}"
        try:
            await self._tables.write_rows(name, [Insert(Row(partition, key, _columns(consent)))])
        except Conflict:
            return False
        return True

    async def _tell(self, organization: str, email: str, consent: Consent) -> None:
        if self._tell_stop is not None:
            await self._tell_stop(organization, email, consent.at)

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

    async def _follow_newest(self, organization: str, email: str, follow: Preference) -> None:
        """Bring the stop in line with the history, also where another entry came at the same time.

        Each no puts the stop anew after its entry, and a stop is removed only in the version that was read before the
        newest entry was. So the removal by an older yes fails.
        """
        if follow == "do_not_allow":
            await self._stops.stop_address(organization, email)

        async def says_yes() -> bool:
            return await self.load_preference(organization, email) != "do_not_allow"

        await self._stops.allow_address(organization, email, says_yes)

    async def _append(
        self, organization: str, email: str, spec: ConsentSpec, actor: ConsentActor, by: str | None
    ) -> Consent:
        newest, now = await self.newest_consent(organization, email), milliseconds(self._clock.now())
        if newest is not None:
            told_twice = newest == Consent(**spec.model_dump(), at=newest.at, by=by, actor=actor)
            if told_twice and moment(now) - newest.at < SAME_AGAIN:
                return newest
            # A later call is the newer entry, even if the clock of its instance is behind.
            now = max(now, milliseconds(newest.at) + 1)
        consent = Consent(**spec.model_dump(), at=moment(now), by=by, actor=actor)
        partition = _partition(await self._hashes.hash_address(organization, email))
        row = Row(partition, f"{descending_number(now, _LAST)}|{new_id()}", _columns(consent))
        await self._tables.write_rows(table(organization, "people"), [Insert(row)])
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
        return newest.follow if newest is not None else await self.load_unspoken(organization, email)

    async def load_unspoken(self, organization: str, email: str) -> Preference:
        """The preference of an address without an entry."""
        return "do_not_allow" if await self._stops.is_address_stopped(organization, email) else "unknown"

    async def history(self, organization: str, email: str, limit: int | None = None) -> AsyncIterator[Consent]:
        """List the address's entries, newest first."""
        hashed = await self._hashes.find(organization, email)
        if hashed is None:
            return
        async for row in self._tables.query(table(organization, "people"), _partition(hashed), limit=limit):
            yield _consent_of(row)


def _partition(hashed: str) -> str:
    return CONSENTS + hashed


def _columns(consent: Consent) -> dict[str, Value]:
    actor = {"actor": consent.actor.model_dump_json(exclude_none=True)} if consent.actor else {}
    entered = {"entered_at": rfc3339(consent.entered_at)} if consent.entered_at else {}
    return {**pack(consent.model_copy(update={"actor": None, "entered_at": None})), **actor, **entered}


def _consent_of(row: Row) -> Consent:
    consent = unpack(Consent, row)
    beside = dict[str, object]()
    if "actor" in row.values:
        beside["actor"] = ConsentActor.model_validate_json(row.text("actor"))
    if "entered_at" in row.values:
        beside["entered_at"] = datetime.fromisoformat(row.text("entered_at"))
    return consent.model_copy(update=beside)
