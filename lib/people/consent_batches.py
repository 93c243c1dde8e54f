"""Batches of consents that were said earlier, as a CRM brings them along: each address once, many at the same time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from lib.clock import milliseconds
from lib.fields import Email, Moment
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.consents import Consent, ConsentActor, Consents, ConsentSpec
from lib.stops.stops import Stops
from lib.storage.at_once import some_at_once

MOST_IMPORTED = 200
"""Consents of one batch."""


class PastConsent(ConsentSpec):
    """A statement of the owner of an address, made earlier."""

    email: Email
    at: Moment = Field(description="when it was said, which is not in the future")


class ImportedConsent(BaseModel):
    """A consent of a batch, and what became of it."""

    email: str
    at: Moment
    outcome: Literal["entered", "known", "erased"] = Field(
        description="`entered`: it is in the history now; `known`: it was there before; `erased`: a yes of before the "
        "address was erased, which does not come back"
    )


class ConsentBatches:
    """Imports batches of consents."""

    def __init__(self, consents: Consents, hashes: AddressHashes, stops: Stops) -> None:
        self._consents = consents
        self._hashes = hashes
        self._stops = stops

    async def import_batch(
        self,
        organization: str,
        said: Sequence[PastConsent],
        actor: ConsentActor,
        by: str | None,
        now: datetime,
    ) -> list[ImportedConsent]:
        """Add each consent to its address's history at its own time; the outcomes are in order of the batch.

        Again is the same: after an error the caller sends the batch again. `by` is the user who enters it, if one is
        named. Raises StorageError, Stale.
        """
        erased = (await self._stops.load_stops(organization)).erased
        places = defaultdict[str, list[int]](list)
        for place, each in enumerate(said):
            places[await self._hashes.hash_address(organization, each.email)].append(place)
        outcomes = [ImportedConsent(email=each.email, at=each.at, outcome="erased") for each in said]

        async def import_address(hashed: str, its: Sequence[int]) -> None:
            until = erased.time_of(short_hash(hashed))
            kept = [place for place in its if until is None or _may_come_back(said[place], until)]
            if not kept:
                return
            consents = [_consent(said[place], actor, by, now) for place in kept]
            new = await self._consents.import_consents(organization, said[kept[0]].email, consents)
            for place, is_new in zip(kept, new, strict=True):
                outcomes[place].outcome = "entered" if is_new else "known"

        await some_at_once(import_address(hashed, its) for hashed, its in places.items())
        return outcomes


def _may_come_back(said: PastConsent, erased: int) -> bool:
    """Whether a consent may be entered though the address was erased, at a time in milliseconds since 1970."""
    return said.follow == "do_not_allow" or milliseconds(said.at) > erased


def _consent(said: PastConsent, actor: ConsentActor, by: str | None, now: datetime) -> Consent:
    fields = said.model_dump(include=set(ConsentSpec.model_fields))
    return Consent(**fields, at=said.at, by=by, actor=actor, entered_at=now)
