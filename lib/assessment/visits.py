"""Visits: what sources did with earlier mails, for rules that look beyond one mail (`lib.verdicts.memory`).

A visit is two rows of the organization's table `evidence`: by place, to know what else the source did, and by company,
to know the recipient's places. Keys are keyed hashes: no address, network or agent can be read from them. Rows are
written again with every judgement of their message, and the same judgement writes the same rows.

A visit is a function of the facts that are kept: where a fact goes, so does what was remembered of it. The row by
place is written first and deleted first, so that whatever can be deleted is found by its company.

Bounds: visits older than `evidence_rows.LASTS` are not read, and the retention sweep deletes them; of a place or a
company `MOST_ROWS` are read at most, and a place with so many gets no more. Of one message, `_MOST_PEOPLE`,
`_MOST_PLACES` and `_MOST_SOURCES` are looked up and remembered, each recipient's first ones in turn. Nothing is known
of recipients who are stopped. Organizations that count without who have no visits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from lib.assessment.evidence_rows import delete_evidence, delete_partition, remembered_since
from lib.assessment.source_keys import SourceNames
from lib.assessment.visit_rows import places_of_twins, read_visit, row_by_company, rows_by_place, values_of
from lib.catalogues.registry import Catalogues
from lib.clock import Clock
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.addresses import domain_of
from lib.people.public_domains import is_public_domain
from lib.stops.organization_stops import NOTHING_STOPPED, OrganizationStops
from lib.storage import Missing, Range, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import EVIDENCE, table
from lib.storage.protocols import MOST_CHANGES
from lib.tracking.facts import Fact
from lib.verdicts.memory import Memory, SourceKey, Visit, is_settled

MOST_ROWS = 1_000
"""One answer of Table storage."""

_MOST_PEOPLE = 20
"""Recipients of one message whose places are looked up: one read of each company, and of each in a large company."""

_MOST_PLACES = 20
"""Places of one message that are looked up, unless they are known as their recipient's: one read each."""

_MOST_SOURCES = 100
"""Visits at one message that are remembered: a mail that draws more of them is no longer its recipients'."""

_Item = TypeVar("_Item")

log = logging.getLogger("heed.visits")


class Visits:
    """Reads, writes and forgets visits."""

    def __init__(self, tables: Tables, hashes: AddressHashes, catalogues: Catalogues, clock: Clock) -> None:
        self._tables = tables
        self._hashes = hashes
        self._catalogues = catalogues
        self._clock = clock

    async def recall(
        self,
        organization: str,
        message: str,
        sender: str,
        emails: Sequence[str],
        facts: Iterable[Fact],
        stops: OrganizationStops = NOTHING_STOPPED,
    ) -> Memory:
        """Read what the sources of a message's hits did elsewhere. `sender` is the id of the user whose mail it is, and
        `emails` are those of the recipients.

        One read for each company of the recipients, and one for each place that is not known as its recipient's.
        Raises StorageError.
        """
        hits = _in_turns(fact for fact in facts if fact.is_hit)
        only = 0 if len(emails) == 1 else None
        looked = {only if fact.recipient is None else fact.recipient for fact in hits}
        their = {number: email for number, email in enumerate(emails) if number in looked}
        names = replace(await self._names(organization, their), only=only)
        keys = names.keys(hits, self._catalogues)
        wanted = (key.person for key in keys.values() if stops.stopped.time_of(key.person) is None)
        people = _first(wanted, _MOST_PEOPLE)
        sources = _first((key for key in keys.values() if key.person in people), _MOST_SOURCES)
        if not sources:
            return Memory()
        companies = dict.fromkeys(key.company for key in sources)
        found = await asyncio.gather(
            *(
                self._of_people(organization, each, sources)
                if each in names.anybodys
                else self._of_company(organization, each, sources)
                for each in companies
            )
        )
        kept = (_others(_kept(some, stops), message) for some in found)
        at_company = dict(zip(companies, kept, strict=True))
        unknown = [key for key in sources if not is_settled(key, at_company[key.company])]
        kinds = _first((_kind(key) for key in unknown), _MOST_PLACES)
        kin = await asyncio.gather(
            *(self._read(organization, f"k{area[0]}", f"{area}|{agent}|") for area, agent in kinds)
        )
        looked_up = set(sources).difference(key for key in unknown if _kind(key) not in kinds)
        return Memory(
            keys={fact: key for fact, key in keys.items() if key in looked_up},
            sender=names.hash_text(f"sender {sender}")[:12],
            kin={kind: _others(_kept(some, stops), message) for kind, some in zip(kinds, kin, strict=True)},
            at_company=at_company,
            anybodys=names.anybodys,
            own={each.key: each for some in found for each in some if each.message == message},
            full=frozenset(kind for kind, some in zip(kinds, kin, strict=True) if len(some) >= MOST_ROWS),
        )

    async def save_visits(
        self, organization: str, memory: Memory, visits: Iterable[Visit], *, is_whole: bool = False
    ) -> None:
        """Write visits that differ from those that were recalled, but for old ones. Again is the same.

        `is_whole`: these are all visits at the message, so that others that were recalled are deleted. Raises
        StorageError.
        """
        changed, since = [], remembered_since(self._clock.now())
        free = _MOST_SOURCES - len(memory.own)
        left = dict(memory.own)
        for visit in visits:
            before = left.pop(visit.key, None)
            now = visit if before is None or is_whole else _with_folded(visit, before)
            if before is None:
                free -= 1
            is_new = now.first >= since and (before is None or values_of(now) != values_of(before))
            if is_new and (is_whole or before or free >= 0):
                changed.append(now)
        by_place = [row for each in changed if _kind(each.key) not in memory.full for row in rows_by_place(each)]
        await self._write(organization, by_place)
        await self._write(organization, [row_by_company(each) for each in changed])
        for visit in left.values() if is_whole else ():
            await self._delete_visit(organization, visit)

    async def _write(self, organization: str, rows: Iterable[Row]) -> None:
        by_partition: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_partition[row.partition].append(row)
        await asyncio.gather(*(self._write_partition(organization, some) for some in by_partition.values()))

    async def _write_partition(self, organization: str, rows: list[Row]) -> None:
        for some in batches_of(rows, MOST_CHANGES):
            try:
                await write_late_rows(self._tables, organization, EVIDENCE, [Upsert(row) for row in some])
            except Missing:
                return

    async def forget_address(self, organization: str, email: str, message: str | None = None) -> int:
        """Delete the visits with mail of an address, or of one message to it; return their number.

        Raises StorageError.
        """
        company, person = (await self._names(organization, {0: email})).people[0]
        rows = self._tables.query(table(organization, EVIDENCE), f"c{company[0]}", Range.prefix(f"{company}|{person}|"))
        # Whatever a row holds: its key says what is to be deleted.
        gone = [row async for row in rows if message in (None, row.key.rpartition("|")[2])]
        for row in gone:
            for place in (*places_of_twins(row.key), (row.partition, row.key)):
                await delete_evidence(self._tables, organization, *place)
        return len(gone)

    async def delete_old(
        self, organization: str, partition: str, until: int, stops: OrganizationStops = NOTHING_STOPPED
    ) -> int:
        """Delete visits up to `until` (milliseconds since 1970), and those with mail of recipients who are stopped.

        So go visits of before an erasure, which a restored backup has brought back, and rows that cannot be read.
        Return the number of rows. Each call looks at one of `PARTITIONS`: nothing reads old visits meanwhile. Raises
        StorageError.
        """

        def is_remembered(row: Row) -> bool:
            visit = read_visit(row)
            return visit is not None and visit.first > until and stops.is_kept(visit.key.person, visit.first)

        return await delete_partition(self._tables, organization, partition, is_remembered)

    async def _delete_visit(self, organization: str, visit: Visit) -> None:
        for row in (*rows_by_place(visit), row_by_company(visit)):
            await delete_evidence(self._tables, organization, row.partition, row.key)

    async def _names(self, organization: str, emails: Mapping[int, str]) -> SourceNames:
        """Hashes for recipients, whose addresses come by their numbers."""
        hash_text = await self._hashes.text_hash(organization)
        people = {
            number: (
                hash_text(f"company {domain_of(email)}")[:12],
                short_hash(await self._hashes.hash_address(organization, email)),
            )
            for number, email in emails.items()
        }
        anybodys = {people[number][0] for number, email in emails.items() if is_public_domain(domain_of(email))}
        return SourceNames(hash_text, people, frozenset(anybodys))

    async def _of_company(self, organization: str, company: str, sources: Iterable[SourceKey]) -> list[Visit]:
        """Read a company's visits; of one with many, those of the recipients besides."""
        found = await self._read(organization, f"c{company[0]}", f"{company}|")
        if len(found) < MOST_ROWS:
            return found
        people = {key.person for key in sources if key.company == company}
        theirs = await self._of_people(organization, company, sources)
        return [*(each for each in found if each.key.person not in people), *theirs]

    async def _of_people(self, organization: str, company: str, sources: Iterable[SourceKey]) -> list[Visit]:
        """Read the visits with mail of a company's people who are among the recipients."""
        people = dict.fromkeys(key.person for key in sources if key.company == company)
        theirs = await asyncio.gather(
            *(self._read(organization, f"c{company[0]}", f"{company}|{each}|") for each in people)
        )
        return [each for some in theirs for each in some]

    async def _read(self, organization: str, partition: str, beginning: str) -> list[Visit]:
        since = remembered_since(self._clock.now())
        rows = self._tables.query(table(organization, EVIDENCE), partition, Range.prefix(beginning), MOST_ROWS)
        visits = [read_visit(row) async for row in rows]
        if None in visits:
            log.error("organization %s: %d rows of evidence cannot be read", organization, visits.count(None))
        return [visit for visit in visits if visit is not None and visit.first >= since]


def _in_turns(hits: Iterable[Fact]) -> list[Fact]:
    """Order hits so that each recipient's first source comes before anyone's second one, and so on.

    Whoever lets thousands of sources ask for one copy leaves the other recipients what is known of theirs.
    """
    turns: dict[int | None, dict[object, int]] = defaultdict(dict)
    ordered = []
    for fact in sorted(hits, key=lambda each: each.key):
        there = turns[fact.recipient]
        ordered.append((there.setdefault((fact.network, fact.agent, fact.owner), len(there)), fact.key, fact))
    return [fact for _, _, fact in sorted(ordered, key=lambda each: each[:2])]


def _first(items: Iterable[_Item], most: int) -> Collection[_Item]:
    """The first different items, in order."""
    return list(dict.fromkeys(items))[:most]


def _kind(key: SourceKey) -> tuple[str, str]:
    return key.area, key.agent


def _kept(visits: Iterable[Visit], stops: OrganizationStops) -> list[Visit]:
    """Visits but for those with mail of recipients who are stopped, and those of before an erasure."""
    return [each for each in visits if stops.is_kept(each.key.person, each.first)]


def _others(visits: Iterable[Visit], message: str) -> list[Visit]:
    return [each for each in visits if each.message != message]


def _with_folded(visit: Visit, before: Visit) -> Visit:
    """Keep what is known of hits that are no longer judged: the earlier ones of a long history."""
    if before.first >= visit.first:
        return visit
    return visit._replace(
        first=before.first,
        since=before.since,
        opens=max(visit.opens, before.opens),
        targets=max(visit.targets, before.targets),
        odds=before.odds if visit.sure == "" and before.sure else visit.odds,
        sure=visit.sure or before.sure,
    )
