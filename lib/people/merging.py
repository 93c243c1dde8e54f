"""Merging of two records that are the same person or company: one stays, the other one becomes a redirect.

The record that stays gets the addresses of both, and the strictest of what both say about following. The other one
keeps nothing but the id of the record that stands for it (`merged_into`), which is its parent, too: so its messages
count for the record that stays as those of any record below it, once each, and no message is written anew. A no of the
other one becomes an entry of its addresses' consents as well: the CRM may put the record that stays, and does not know
of that no.

The order of the writes keeps a no from lapsing: consents and the record that stays are written first. A process that
dies in between leaves both records with the addresses, and the same request finishes the merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.errors import NotAllowed, NotFound, Stale, WrongField
from lib.fields import RecordRef
from lib.people.address_index import AddressIndex
from lib.people.addresses import same_mailbox
from lib.people.consents import ConsentActor, Consents
from lib.people.families import read_families
from lib.people.preference import Said, Statement
from lib.people.records import MOST_EMAILS, StoredRecord, name_of
from lib.people.store import People
from lib.storage import Conflict
from lib.storage.retry import retry_on_conflict
from lib.storage.versions import IfMatch, check_version

MOST_MERGED = 50
"""Records that one record may stand for."""

_Versioned = tuple[StoredRecord, str]
"""A record with its etag."""


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that was done."""

    record: StoredRecord
    """The record that stays."""
    etag: str
    redirects: Sequence[RecordRef]
    """The records for which it stands since."""


class RecordMerges:
    """Merges records in storage."""

    def __init__(self, people: People, index: AddressIndex, consents: Consents) -> None:
        self._people = people
        self._index = index
        self._consents = consents

    async def merge_record(
        self,
        organization: str,
        record: RecordRef,
        into: RecordRef,
        actor: ConsentActor,
        by: str | None = None,
        if_match: IfMatch | None = None,
    ) -> Merge:
        """Make `record` a redirect to `into`, or to the record that stands for that one. Again is the same.

        `actor` and `by` are named by consents that it enters, as `Consents.append_consent` has them.
        Raises NotFound, WrongField, NotAllowed, Stale, StorageError; after an error of storage the caller asks again.
        """
        found = await self._people.stored_record(organization, record)
        check_version(if_match, found[1] if found else None)

        async def merge_once() -> Merge:
            return await self._merge(organization, record, into, actor, by)

        return await retry_on_conflict(f"record {name_of(record)}", merge_once, on=(Stale, Conflict))

    async def _merge(
        self, organization: str, record: RecordRef, into: RecordRef, actor: ConsentActor, by: str | None
    ) -> Merge:
        lost = await self._people.stored_record(organization, record)
        kept = await self._people.standing_record(organization, into)
        if lost is None:
            raise NotFound("record")
        if kept is None:
            raise WrongField(["into"], f"there is no record {into.type}/{into.id}")
        if lost[0].merged_into:
            return await self._merge_again(organization, lost[0], kept)
        if kept[0].ref() == record:
            raise WrongField(["into"], "a record cannot be merged into itself, or into one that was merged into it")
        await self._check_family(organization, lost[0], kept[0])
        united = unite_records(kept[0], lost[0])
        if lost[0].follow_email == "do_not_allow":
            source = f"the record {record.type} {record.id}, which was merged"
            await self._consents.keep_no(organization, lost[0].emails, source, actor, by)
        etag, _ = await self._index.save_record(organization, united, IfMatch.for_version(kept[1]))
        redirects = [record, *lost[0].merged]
        await self._redirect(organization, lost, united.ref())
        await self._redirect_others(organization, lost[0].merged, united.ref())
        return Merge(united, etag, redirects)

    async def _merge_again(self, organization: str, lost: StoredRecord, kept: _Versioned) -> Merge:
        """Finish a merge that was begun. Raises NotAllowed for one into another record."""
        standing = await self._people.standing_record(organization, lost.ref())
        if standing is None or standing[0].ref() != kept[0].ref():
            into = lost.merged_into
            raise NotAllowed(f"The record was merged into {into.type}/{into.id} before." if into else "")
        await self._redirect_others(organization, kept[0].merged, kept[0].ref())
        return Merge(kept[0], kept[1], kept[0].merged)

    async def _check_family(self, organization: str, lost: StoredRecord, kept: StoredRecord) -> None:
        families = await read_families(self._people, organization, [name_of(kept)])
        if name_of(lost) in families.parents_above(name_of(kept))[1:]:
            raise NotAllowed(f"The record {kept.type}/{kept.id} stands below that one: give it another parent first.")

    async def _redirect(self, organization: str, lost: _Versioned, into: RecordRef) -> None:
        redirect = StoredRecord(type=lost[0].type, id=lost[0].id, parent=into, merged_into=into)
        if lost[0] != redirect:
            await self._index.save_record(organization, redirect, IfMatch.for_version(lost[1]))

    async def _redirect_others(self, organization: str, others: Sequence[RecordRef], into: RecordRef) -> None:
        """Lead records that were merged before straight to the record that stays: parents are read only so far up.

        A record may have named others that another merge took elsewhere meanwhile: these stay where they lead.
        """
        for each in others:
            found = await self._people.stored_record(organization, each)
            if found and found[0].merged_into:
                standing = await self._people.standing_record(organization, found[0].merged_into)
                if standing and standing[0].ref() == into:
                    await self._redirect(organization, found, into)


def unite_records(kept: StoredRecord, lost: StoredRecord) -> StoredRecord:
    """Return the record that stays, with what it takes over. Raises WrongField, NotAllowed."""
    known = {same_mailbox(email) for email in kept.emails}
    emails = [*kept.emails, *(email for email in lost.emails if same_mailbox(email) not in known)]
    if len(emails) > MOST_EMAILS:
        raise WrongField(["into"], f"together the records have more than {MOST_EMAILS} addresses")
    merged = {name_of(each): each for each in (*kept.merged, lost.ref(), *lost.merged)}
    merged.pop(name_of(kept), None)
    if len(merged) > MOST_MERGED:
        raise NotAllowed(f"The record would stand for more than {MOST_MERGED} others.")
    said = Said("", [Statement(name_of(each), each.follow_email) for each in (kept, lost)])
    parent = kept.parent
    if parent == lost.ref():
        parent = lost.parent if lost.parent != kept.ref() else None
    changes = {"emails": emails, "follow_email": said.preference, "parent": parent, "merged": [*merged.values()]}
    return kept.model_copy(update=changes)
