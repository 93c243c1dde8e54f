"""Refusals: the facts of a message that are not to be kept, because their recipient or organization does not want it.

The hot path stops most of them by a list in memory. Facts come here all the same: by tokens without an address, in the
seconds before a stop is in every process's list, and from queues, logs and backups of before an erasure.

Of the facts that arrive, none of a stopped recipient is kept, whatever its time. Of those that are stored, only the
ones of after the stop go: what was recorded before stays until it is erased. A copy to several recipients does not tell
which of them it was, so a stop of one of them stops it. Bounces and complaints stay: they tell of a delivery.

Where only recipients who have said yes are followed (`tracking` `consent`), hits that arrive from others are not kept,
whatever the mode was when the mail was sent. Mail that they write is their own act, and stays.

Nothing is kept of a recipient who was erased: of the time until then because of the tombstone, and of any time once a
stand-in (`lib.people.erased_addresses`) is in place of the address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from lib.assessment.compaction import FoldedFacts, without_recipients
from lib.messages.store import Loaded
from lib.organizations.registry import Organizations
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.addresses import same_mailbox
from lib.people.erased_addresses import erased_hash
from lib.people.recipients import RecipientLookup
from lib.stops.organization_stops import AddressTimes, OrganizationStops
from lib.stops.stops import Stops
from lib.storage.sort_keys import LARGEST
from lib.tracking.facts import Fact
from lib.verdicts.fact_store import StoredFacts

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

    unwilling: Set[int | None] = frozenset()
    """Recipients who have not said yes, where only those who have are followed; None stands for a copy as above. Only
    those whose facts arrive are looked for."""

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
            if fact.is_hit and fact.recipient in self.unwilling:
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

    def refused_of(self, stored: StoredFacts) -> list[Fact]:
        """Return the stored facts that are not to be kept."""
        return [fact for fact in stored.all_facts() if self.revise_stored(fact) is None]

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

    def __init__(
        self, stops: Stops, hashes: AddressHashes, lookup: RecipientLookup, organizations: Organizations
    ) -> None:
        self._stops = stops
        self._hashes = hashes
        self._lookup = lookup
        self._organizations = organizations

    async def load_arrivals_refusals(self, organization: str, loaded: Loaded, facts: Iterable[Fact]) -> Refusals:
        """Read what is to be refused of facts that arrive. Raises StorageError.

        Where only recipients who have said yes are followed, the recipients of these facts are looked up: a query of
        the consents and one of the index for each, and a read for each of their records.
        """
        refusals = await self.load_refusals(organization, loaded)
        if not refusals.stops.state.needs_consent:
            return refusals
        hits = {fact.recipient for fact in facts if fact.is_hit}
        return replace(refusals, unwilling=await self._find_unwilling(organization, loaded, hits))

    async def _find_unwilling(
        self, organization: str, loaded: Loaded, numbers: Set[int | None]
    ) -> frozenset[int | None]:
        """Return those of the recipients who have not said yes, by number."""
        message, recipients = loaded.message, loaded.message.recipients()
        unnamed = _recipients_of_unnamed(loaded) if None in numbers else ()
        asked_of = {number for number in (*numbers, *unnamed) if number is not None and number < len(recipients)}
        if not asked_of:
            return frozenset()
        asked = {same_mailbox(recipients[number].email) for number in asked_of}
        # All entries of an address are asked: a record that one of them names may say no.
        addressed = [each for each in recipients if same_mailbox(each.email) in asked]
        by = (await self._organizations.settings(organization)).resolve_recipients
        known = await self._lookup.look_up(organization, by, addressed, message.regarding, message.sender)
        said = [(same_mailbox(each.said.email), each.said.preference) for each in known.recipients]
        noes = {mailbox for mailbox, preference in said if preference == "do_not_allow"}
        willing = {mailbox for mailbox, preference in said if preference == "allow"} - noes
        others = {number for number in asked_of if same_mailbox(recipients[number].email) not in willing}
        return frozenset({*others, None} if others.intersection(unnamed) else others)

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
        stopped, erased = _times(stops.stopped, addresses), _times(stops.erased, addresses) | gone
        unnamed = _recipients_of_unnamed(loaded)
        all_erased = bool(unnamed) and all(number in erased for number in unnamed)
        return Refusals(
            stops,
            {**stopped, **_of_any(min, stopped, unnamed)},
            {**erased, **_of_any(max, erased, unnamed)},
            min(erased[number] for number in unnamed) if all_erased else None,
        )


def _recipients_of_unnamed(loaded: Loaded) -> Sequence[int]:
    """Return the recipients, by number, whom a fact that names none may be of; a draft may have none at all."""
    followed = [number for copy in loaded.copies if copy.follow_state.state == "on" for number in copy.recipients]
    return followed or range(len(loaded.message.recipients()))


def _times(times: AddressTimes, addresses: Iterable[str]) -> dict[int | None, int]:
    found = ((number, times.time_of(address)) for number, address in enumerate(addresses))
    return {number: time for number, time in found if time is not None}


def _of_any(
    pick: Callable[[list[int]], int], times: Mapping[int | None, int], numbers: Iterable[int]
) -> dict[int | None, int]:
    found = [times[number] for number in numbers if number in times]
    return {None: pick(found)} if found else {}
