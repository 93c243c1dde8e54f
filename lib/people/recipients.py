"""Looking recipients up: the records that have their addresses, who each recipient is, and what is said of following.

Cost: for each address one query of the index and one of the consents, and one read for each record that is named or has
an address, for each of their parents, and for the record that the message is regarding; 32 at a time. A record that
several recipients share is read once. An organization without index and consents costs one read in all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lib.checks import Check, make_check
from lib.fields import RecordRef, Regarding
from lib.people.address_hashes import AddressHashes
from lib.people.address_index import AddressEntry, AddressIndex
from lib.people.addresses import same_mailbox
from lib.people.consents import Consents
from lib.people.families import Families, read_families
from lib.people.matching import RECORD_ORDER, Circumstances, RecordMatch, match_address, match_given
from lib.people.preference import CONSENT, Preference, Said, Statement
from lib.people.records import StoredRecord, name_of, record_of
from lib.people.store import People
from lib.storage.at_once import some_at_once
from lib.storage.protocols import EVERYTHING

MOST_RECORDS = 300
"""Records of one address that are read. An address that more records have is not followed, and belongs to none."""

ResolveBy = Literal["address", "given"]


class AddressedRecipient(Protocol):
    """A recipient of a message."""

    @property
    def email(self) -> str: ...
    @property
    def record(self) -> RecordRef | None: ...


@dataclass(frozen=True, slots=True)
class KnownRecipient:
    """The wishes and the record of one recipient."""

    said: Said
    match: RecordMatch


@dataclass(frozen=True, slots=True)
class KnownRecipients:
    """The wishes and the records of all recipients of a message."""

    recipients: Sequence[KnownRecipient] = ()
    """In the message's order."""
    missing: Sequence[RecordRef] = ()
    """Records that the message names and that do not exist."""
    above: Sequence[RecordRef] = ()
    """The parents of all records that were asked for recipients; they need not exist."""

    def checks(self) -> list[Check]:
        """List what the author should know: records that do not exist, and recipients of whom it is not clear who they
        are. Each code occurs once at most."""
        return [*self._unknown_records(), *self._ambiguous_recipients()]

    def _unknown_records(self) -> Iterator[Check]:
        if self.missing:
            yield make_check("unknown_record", [f"{each.type} {each.id}" for each in self.missing])

    def _ambiguous_recipients(self) -> Iterator[Check]:
        emails = [each.said.email for each in self.recipients if each.match.resolved_by == "ambiguous"]
        if emails:
            yield make_check("ambiguous_recipient", list(dict.fromkeys(emails)))


NOT_LOOKED_UP = KnownRecipients()
"""Nothing known, where no recipient is looked up."""


class RecipientLookup:
    """Looks up recipients in storage."""

    def __init__(self, people: People, consents: Consents, index: AddressIndex, hashes: AddressHashes) -> None:
        self._people = people
        self._consents = consents
        self._index = index
        self._hashes = hashes

    async def look_up(
        self,
        organization: str,
        by: ResolveBy,
        recipients: Sequence[AddressedRecipient],
        regarding: Regarding | None,
        sender: str,
        record_order: Sequence[str] = RECORD_ORDER,
    ) -> KnownRecipients:
        """Find out who the recipients are, and what is said of following them.

        With `by` "given", only the records that the message names are asked, and their parents. `record_order` are the
        types: of the first type with a record, the record is taken if it is the only one. Raises StorageError.
        """
        emails = list(dict.fromkeys(same_mailbox(each.email) for each in recipients))
        # Without the organization's secret there is no row with a hash, so no consent and no index.
        is_known = bool(emails) and await self._hashes.find(organization, emails[0]) is not None
        named = [name_of(each.record) for each in recipients if each.record]
        about = [name_of(RecordRef(type=regarding.type, id=regarding.id))] if regarding else []

        async def find_records() -> tuple[dict[str, list[AddressEntry]], list[str], Families]:
            """Read the records while consents are read, and those that are named while the index is."""
            entries, families = await asyncio.gather(
                self._entries(organization, emails if is_known and by == "address" else []),
                read_families(self._people, organization, [*named, *about]),
            )
            found = [each.name for some in entries.values() for each in some[:MOST_RECORDS]]
            return entries, found, await read_families(self._people, organization, found, families)

        (entries, found, families), consents = await asyncio.gather(
            find_records(), self._consents_of(organization, emails if is_known else [])
        )
        reading = _Reading(entries, consents, Circumstances(sender, regarding, families, record_order))
        await self._index.remove_entries(organization, reading.stale_entries())
        missing = [record_of(name) for name in dict.fromkeys([*named, *about]) if families.record(name) is None]
        parents = dict.fromkeys(parent for name in [*named, *found] for parent in families.parents_above(name))
        above = [record_of(name) for name in parents]
        return KnownRecipients([reading.know(each) for each in recipients], missing, above)

    async def _entries(self, organization: str, emails: Sequence[str]) -> dict[str, list[AddressEntry]]:
        """Read the index for each address: one row more than is used, where there are more."""
        found = await some_at_once(
            self._index.list_entries(organization, email, EVERYTHING, MOST_RECORDS + 1) for email in emails
        )
        return dict(zip(emails, found, strict=True))

    async def _consents_of(self, organization: str, emails: Sequence[str]) -> dict[str, Preference]:
        found = await some_at_once(self._consents.load_preference(organization, email) for email in emails)
        return dict(zip(emails, found, strict=True))


@dataclass(frozen=True, slots=True)
class _Reading:
    """All that was read for the recipients of one message; addresses are in lower case."""

    entries: Mapping[str, Sequence[AddressEntry]]
    consents: Mapping[str, Preference]
    circumstances: Circumstances

    @property
    def families(self) -> Families:
        return self.circumstances.families

    def stale_entries(self) -> list[AddressEntry]:
        """List the rows of the index whose records do not have the address."""
        return [
            each
            for email, some in self.entries.items()
            for each in some[:MOST_RECORDS]
            if not self._has_address(each.name, email)
        ]

    def _has_address(self, name: str, email: str) -> bool:
        record = self.families.record(name)
        return record is not None and record.has_address(email)

    def know(self, recipient: AddressedRecipient) -> KnownRecipient:
        """Put together what is known about one recipient."""
        email = same_mailbox(recipient.email)
        entries = self.entries.get(email, ())
        has_more = len(entries) > MOST_RECORDS
        found = [
            record
            for each in entries[:MOST_RECORDS]
            if (record := self.families.record(each.name)) and record.has_address(email)
        ]
        if recipient.record:
            match = match_given(recipient.record, self.families)
        else:
            match = match_address(found, has_more, self.circumstances)
        own = {name_of(each): each for each in [*match.possible, *found]}
        statements = [*_statements(own, self.families), Statement(CONSENT, self.consents.get(email, "unknown"))]
        return KnownRecipient(Said(recipient.email, statements, has_more), match)


def _statements(own: Mapping[str, StoredRecord], families: Families) -> Iterator[Statement]:
    """Yield what these records say, then the refusals of their parents.

    A parent that does not have the address itself does not agree for the recipient: its yes is not heard.
    """
    for record in own.values():
        yield Statement(f"the {record.type} {record.id}", record.follow_email)
    heard = {*own}
    for name, child in own.items():
        for above in families.parents_above(name):
            parent = families.record(above)
            if above not in heard and parent and parent.follow_email == "do_not_allow":
                yield Statement(f"the {parent.type} {parent.id} (above the {child.type} {child.id})", "do_not_allow")
            heard.add(above)
