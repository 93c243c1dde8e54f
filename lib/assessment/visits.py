"""Visits: what sources did with earlier mails, for rules that look beyond one mail (`lib.verdicts.memory`).

A visit is two rows of the organization's table `evidence`: by place, to know what else the source did, and by company,
to know the recipient's places. Keys are keyed hashes: no address, network or agent can be read from them. Rows are
written again with every judgement of their message, and the same judgement writes the same rows.

Bounds: visits older than `LASTS` are not read, and the retention sweep deletes them; of a place or a company
`MOST_ROWS` are read at most, and a place with so many gets no more. Organizations that count without who have none.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

from lib.catalogues.registry import Catalogues
from lib.clock import Clock, milliseconds
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.addresses import domain_of
from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.batches import batches_of
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import EVIDENCE, table
from lib.storage.protocols import MOST_CHANGES
from lib.tracking.facts import Fact
from lib.verdicts.memory import Memory, SourceKey, Sure, Visit

LASTS = timedelta(days=90)

MOST_ROWS = 1_000
"""One answer of Table storage."""

_MOST_SOURCES = 20
"""Sources of one message that are looked up: a mail that draws more of them is no longer one recipient's."""

_PARTITIONS = tuple(f"{index}{digit}" for index in "ck" for digit in "0123456789abcdef")
_HOUR = 3_600_000
_NUMBERS = re.compile(r"[0-9._]+")


@dataclass(frozen=True, slots=True)
class _Names:
    """Hashes of an organization's texts, and of the recipients of one message."""

    hash_text: Callable[[str], str]
    people: Mapping[int, tuple[str, str]]
    """Hashes of company and address, by recipient number."""

    def key(self, fact: Fact, catalogues: Catalogues) -> SourceKey | None:
        """Key of the fact's source; None where it is not known whose copy it was."""
        number = next(iter(self.people)) if fact.recipient is None and len(self.people) == 1 else fact.recipient
        person = None if number is None else self.people.get(number)
        if person is None:
            return None
        agent = fact.agent or ""
        shared = _shared_by(fact, catalogues)
        system = catalogues.systems.class_of(fact.network)
        return SourceKey(
            place=self.hash_text(f"place {shared or fact.network}")[:16],
            area=self.hash_text(f"area {system.name if system else shared or fact.network}")[:12],
            agent=self.hash_text(f"agent {agent}")[:12],
            program=self.hash_text(f"program {_NUMBERS.sub('', agent)}")[:8],
            company=person[0],
            person=person[1],
            is_shared=shared is not None,
        )


class Visits:
    """Reads, writes and forgets visits."""

    def __init__(self, tables: Tables, hashes: AddressHashes, catalogues: Catalogues, clock: Clock) -> None:
        self._tables = tables
        self._hashes = hashes
        self._catalogues = catalogues
        self._clock = clock

    async def recall(
        self, organization: str, message: str, sender: str, emails: Sequence[str], facts: Iterable[Fact]
    ) -> Memory:
        """Read what the sources of a message's hits did elsewhere. `emails` are those of the recipients.

        One read for each company of the recipients, and one for each place that is not known as its recipient's.
        Raises StorageError.
        """
        names = await self._names(organization, emails)
        keys = {fact.key: key for fact in facts if fact.is_hit and (key := names.key(fact, self._catalogues))}
        if not keys:
            return Memory()
        sources = list(dict.fromkeys(keys.values()))
        companies = dict.fromkeys(key.company for key in sources)
        found = await asyncio.gather(*(self._of_company(organization, each, sources) for each in companies))
        at_company = dict(zip(companies, found, strict=True))
        asked = [(key.area, key.agent) for key in sources if not _is_known(key, message, at_company[key.company])]
        kinds = list(dict.fromkeys(asked))[:_MOST_SOURCES]
        kin = await asyncio.gather(
            *(self._read(organization, f"k{area[0]}", f"{area}|{agent}|") for area, agent in kinds)
        )
        return Memory(
            keys=keys,
            sender=names.hash_text(f"sender {sender.lower()}")[:12],
            kin={kind: _others(some, message) for kind, some in zip(kinds, kin, strict=True)},
            at_company={company: _others(some, message) for company, some in at_company.items()},
            own={each.key: each for some in found for each in some if each.message == message},
            full=frozenset(kind for kind, some in zip(kinds, kin, strict=True) if len(some) >= MOST_ROWS),
        )

    async def save_visits(self, organization: str, memory: Memory, visits: Iterable[Visit]) -> None:
        """Write visits that differ from those that were recalled. Again is the same. Raises StorageError."""
        rows: dict[str, list[Row]] = defaultdict(list)
        for visit in visits:
            before = memory.own.get(visit.key)
            now = visit if before is None else _with_folded(visit, before)
            if now == before:
                continue
            for row in _rows(now):
                if row.partition.startswith("c") or (visit.key.area, visit.key.agent) not in memory.full:
                    rows[row.partition].append(row)
        await asyncio.gather(*(self._write(organization, some) for some in rows.values()))

    async def _write(self, organization: str, rows: list[Row]) -> None:
        for some in batches_of(rows, MOST_CHANGES):
            try:
                await write_late_rows(self._tables, organization, EVIDENCE, [Upsert(row) for row in some])
            except Missing:
                return

    async def forget_address(self, organization: str, email: str, message: str | None = None) -> int:
        """Delete the visits with mail of an address, or of one message to it; return their number.

        Raises StorageError.
        """
        company, person = (await self._names(organization, [email])).people[0]
        rows = self._tables.query(table(organization, EVIDENCE), f"c{company[0]}", Range.prefix(f"{company}|{person}|"))
        gone = [visit for visit in [_visit(row) async for row in rows] if message in (None, visit.message)]
        for visit in gone:
            for row in _rows(visit):
                await self._delete(organization, row)
        return len(gone)

    async def delete_old(self, organization: str, until: int) -> int:
        """Delete visits up to `until` (milliseconds since 1970) and those older than `LASTS`; return their rows.

        Each call looks at one of the table's partitions, the next one every hour: nothing reads old visits meanwhile.
        Raises StorageError.
        """
        now = milliseconds(self._clock.now())
        until, count = max(until, now - _milliseconds(LASTS)), 0
        partition = _PARTITIONS[now // _HOUR % len(_PARTITIONS)]
        async for row in self._tables.query(table(organization, EVIDENCE), partition):
            if int(row.values["at"]) <= until:
                await self._delete(organization, row)
                count += 1
        return count

    async def _delete(self, organization: str, row: Row) -> None:
        try:
            await self._tables.write_rows(table(organization, EVIDENCE), [Delete(row.partition, row.key)])
        except Missing:
            return

    async def _names(self, organization: str, emails: Sequence[str]) -> _Names:
        hash_text = await self._hashes.text_hash(organization)
        people = {
            number: (
                hash_text(f"company {domain_of(email)}")[:12],
                short_hash(await self._hashes.hash_address(organization, email)),
            )
            for number, email in enumerate(emails)
        }
        return _Names(hash_text, people)

    async def _of_company(self, organization: str, company: str, sources: Iterable[SourceKey]) -> list[Visit]:
        """Read a company's visits; of one with many, those of the recipients besides."""
        found = await self._read(organization, f"c{company[0]}", f"{company}|")
        if len(found) < MOST_ROWS:
            return found
        people = {key.person for key in sources if key.company == company}
        theirs = await asyncio.gather(
            *(self._read(organization, f"c{company[0]}", f"{company}|{each}|") for each in people)
        )
        return [*(each for each in found if each.key.person not in people), *(each for some in theirs for each in some)]

    async def _read(self, organization: str, partition: str, beginning: str) -> list[Visit]:
        since = milliseconds(self._clock.now()) - _milliseconds(LASTS)
        rows = self._tables.query(table(organization, EVIDENCE), partition, Range.prefix(beginning), MOST_ROWS)
        return [visit for visit in [_visit(row) async for row in rows] if visit.first >= since]


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _shared_by(fact: Fact, catalogues: Catalogues) -> str | None:
    """Name of what many people's hits come through, so that the network tells nothing; None for a place of its own."""
    service = catalogues.agents.image_proxy(fact.agent) if fact.agent else None
    owner = catalogues.networks.owner_of(fact.network) or fact.owner
    found = catalogues.owners.get(owner) if owner else None
    if service or (found is not None and found.kind in ("relay", "proxy")):
        return f"{service} {owner}"
    return "nowhere" if fact.network is None else None


def _is_known(key: SourceKey, message: str, visits: Iterable[Visit]) -> bool:
    """Whether nothing more has to be known of the place: it is shared, or certainly the recipient's."""
    return key.is_shared or any(
        each.sure == "person" and each.key.person == key.person and each.key.place == key.place
        for each in visits
        if each.message != message
    )


def _others(visits: Iterable[Visit], message: str) -> list[Visit]:
    return [each for each in visits if each.message != message]


def _with_folded(visit: Visit, before: Visit) -> Visit:
    """Keep what is known of hits that are no longer judged: the earlier ones of a long history."""
    if before.first >= visit.first:
        return visit
    return replace(
        visit,
        first=before.first,
        since=before.since,
        opens=max(visit.opens, before.opens),
        targets=max(visit.targets, before.targets),
        odds=before.odds if visit.sure == "" and before.sure else visit.odds,
        sure=visit.sure or before.sure,
    )


def _rows(visit: Visit) -> list[Row]:
    key = visit.key
    values = {
        "v": 1,
        "at": visit.first,
        "since": -1 if visit.since is None else max(visit.since, 0),
        "opens": visit.opens,
        "targets": visit.targets,
        "links": visit.links,
        "odds": float(visit.odds),
        "sure": visit.sure,
        "sender": visit.sender,
        "shared": key.is_shared,
    }
    person = f"{key.company}|{key.person}"
    rows = [
        Row(f"c{key.company[0]}", f"{person}|{key.area}|{key.agent}|{key.place}|{key.program}|{visit.message}", values)
    ]
    if not key.is_shared:
        place = f"{key.area}|{key.agent}|{key.place}|{key.program}"
        rows.append(Row(f"k{key.area[0]}", f"{place}|{person}|{visit.message}", values))
    return rows


def _visit(row: Row) -> Visit:
    if row.partition.startswith("c"):
        company, person, area, agent, place, program, message = row.key.split("|")
    else:
        area, agent, place, program, company, person, message = row.key.split("|")
    values = row.values
    since = int(values["since"])
    return Visit(
        SourceKey(place, area, agent, program, company, person, values["shared"] is True),
        message,
        row.text("sender"),
        int(values["at"]),
        None if since < 0 else since,
        int(values["opens"]),
        int(values["targets"]),
        int(values["links"]),
        float(values["odds"]),
        cast(Sure, row.text("sure")),
    )
