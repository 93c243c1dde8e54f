"""Refusals: the facts of a message that are not to be kept, because their recipient or organization does not want it.

The hot path stops most of them by a list in memory. Facts come here all the same: by tokens without an address, in the
seconds before a stop is in every process's list, and from queues, logs and backups of before an erasure.

Of the facts that arrive, none of a stopped recipient is kept, whatever its time. Of those that are stored, only the
ones of after the stop go: what was recorded before stays until it is erased. A copy to several recipients does not tell
which of them it was, so a stop of one of them stops it. Bounces and complaints stay: they tell of a delivery.

Nothing is kept of a recipient who was erased: of the time until then because of the tombstone, and of any time once a
stand-in (`lib.people.erased_addresses`) is in place of the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from lib.assessment.compaction import FoldedFacts, without_recipients
from lib.messages.store import Loaded
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.erased_addresses import erased_hash
from lib.stops.organization_stops import AddressTimes, OrganizationStops
from lib.stops.stops import Stops
from lib.storage.sort_keys import LARGEST
from lib.tracking.facts import Fact

Revisions = Mapping[str, Fact | None]
"""By the key of a fact: the fact that is kept in its place, or None where none is."""

_OF_DELIVERY = frozenset(("bounce", "complaint"))


@dataclass(frozen=True, slots=True)
class Refusals:
    """Decides for the facts of one message. Times are in milliseconds since 1970."""

    stops: OrganizationStops

    stopped: Mapping[int | None, int]
    """Since when recipients are stopped, by number; None stands for a copy that does not tell which one it was."""

    erased: Mapping[int | None, int]
    """Until when what was recorded of recipients is erased, by the same."""

    all_erased: int | None = None
    """Until when what was recorded of every recipient is erased; None where something of one is not."""

    def revise_base(self, base: FoldedFacts | None) -> FoldedFacts | None:
        """Return the retired facts as they are to be kept; None where none are."""
        if base is None or (self.all_erased is not None and self.all_erased >= base.until):
            return None
        gone = [number for number, until in self.erased.items() if number is not None and until >= base.until]
        return without_recipients(base, gone) if gone else base

    def revise_new(self, fact: Fact) -> Fact | None:
        """Return the fact as it is to be kept, now that it arrives; None where it is not."""
        state = self.stops.state
        if not state.is_recording or fact.at <= self.erased.get(fact.recipient, -1):
            return None
        if fact.kind not in _OF_DELIVERY:
            link = fact.item if fact.kind == "click" else None
            is_off = fact.is_hit and self.stops.is_switched_off(fact.message, link)
            if not state.is_following or is_off or self._stopped_since(fact) is not None:
                return None
        return self._named_as_wanted(fact)

    def revise_stored(self, fact: Fact) -> Fact | None:
        """Return a stored fact as it is to be kept; None where it is not."""
        if fact.at <= self.erased.get(fact.recipient, -1):
            return None
        since = self._stopped_since(fact)
        if since is not None and fact.at >= since and fact.kind not in _OF_DELIVERY:
            return None
        return self._named_as_wanted(fact)

    def concern_folded(self, folded: FoldedFacts) -> bool:
        """Whether facts that are folded name recipients who are not to be named, or who are erased."""
        if self.stops.state.names_recipients and not self.erased:
            return False
        numbers = {
            *(hit.recipient for hit in folded.first_hits),
            *(opened.fact.recipient for opened in folded.first_opens),
            *(answer.fact.recipient for answer in folded.answers),
            *folded.tallies.recipients,
            *(reader.recipient for reader in folded.readers),
        } - {None}
        return bool(numbers) if not self.stops.state.names_recipients else bool(numbers & self.erased.keys())

    def _stopped_since(self, fact: Fact) -> int | None:
        """Since when the fact's recipient is stopped. An answer that names none may be a stranger's."""
        if fact.recipient is None and not fact.is_hit:
            return None
        return self.stopped.get(fact.recipient)

    def _named_as_wanted(self, fact: Fact) -> Fact:
        if fact.recipient is None or self.stops.state.names_recipients:
            return fact
        return replace(fact, recipient=None)


class RefusalLookup:
    """Finds out what is to be refused of a message."""

    def __init__(self, stops: Stops, hashes: AddressHashes) -> None:
        self._stops = stops
        self._hashes = hashes

    async def load_refusals(self, organization: str, loaded: Loaded) -> Refusals:
        """Read them as storage has them now: by one read, where nothing has changed. Raises StorageError."""
        stops = await self._stops.load_stops(organization)
        emails = [each.email for each in loaded.message.recipients()]
        gone = {number: LARGEST for number, email in enumerate(emails) if erased_hash(email)}
        if not gone and not len(stops.stopped) and not len(stops.erased):
            return Refusals(stops, {}, {})
        addresses = [
            erased_hash(email) or short_hash(await self._hashes.hash_address(organization, email)) for email in emails
        ]
        followed = [number for copy in loaded.copies if copy.follow_state.state == "on" for number in copy.recipients]
        stopped, erased = _times(stops.stopped, addresses), _times(stops.erased, addresses) | gone
        unnamed = followed or range(len(emails))
        return Refusals(
            stops,
            {**stopped, **_of_any(min, stopped, unnamed)},
            {**erased, **_of_any(max, erased, unnamed)},
            min(erased[number] for number in unnamed) if all(number in erased for number in unnamed) else None,
        )


def _times(times: AddressTimes, addresses: Iterable[str]) -> dict[int | None, int]:
    found = ((number, times.time_of(address)) for number, address in enumerate(addresses))
    return {number: time for number, time in found if time is not None}


def _of_any(
    pick: Callable[[list[int]], int], times: Mapping[int | None, int], numbers: Iterable[int]
) -> dict[int | None, int]:
    found = [times[number] for number in numbers if number in times]
    return {None: pick(found)} if found else {}
