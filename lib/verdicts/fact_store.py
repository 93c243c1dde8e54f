"""Facts by message, each with its verdict beside it: the table `facts`.

Partition = message, key = time counted down and chance, so that a message's newest facts come first. A row holds one
fact, or up to a hundred of a few minutes that were judged together; which facts those are never changes, only what is
said of them. Its key is that of its newest fact, with a digest of all in place of chance.

Facts of a busy message that wait for their first verdict stand in rows before these: a row takes what came together,
and goes when all of it is judged and counted.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import Any

from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.batches import batches_by_size, batches_of
from lib.storage.columns import columns, text_of
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING, MOST_CHANGES
from lib.storage.sort_keys import LARGEST, ascending_number, newest_first
from lib.tracking.facts import Fact, bare_fact
from lib.tracking.journal import facts_of, journal_columns
from lib.verdicts import Reason, Verdict
from lib.verdicts.weights import WEIGHTS

log = logging.getLogger("heed.facts")

TOGETHER = 20
"""Number of new facts of a message that share rows when they come at once."""

_MOST_OF_A_ROW = 100
"""Azure allows a row 1 MiB: a fact has 0.3 KiB, with everything at its longest 3 KiB."""

_SPAN = 10 * 60 * 1000
"""Milliseconds between the oldest and the newest fact of a row, at most."""

_MOST_CHARACTERS = 1_000_000
"""Bytes of one transaction: Azure allows 4 MiB."""

_FIRST = "0"
"""Sorts before the key of every row of judged facts."""

_WAITING_ROW_PREFIX = "-"
"""Begins the key of a row of facts that wait; sorts before `_FIRST`."""

Judged = tuple[Fact, Verdict]


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """Stored facts of a message, by row: judged facts, newest rows first, and those that wait for a verdict."""

    rows: dict[str, list[Judged]]
    kept: dict[str, list[Fact]]

    def judged(self) -> dict[str, Judged]:
        """By the fact's key."""
        return {fact.key: (fact, verdict) for row in self.rows.values() for fact, verdict in row}

    def waiting(self) -> list[Fact]:
        return [fact for facts in self.kept.values() for fact in facts]

    def all_facts(self) -> Iterator[Fact]:
        """Every fact, judged or waiting."""
        yield from (fact for row in self.rows.values() for fact, _ in row)
        yield from self.waiting()

    def without(self, keys: Collection[str]) -> StoredFacts:
        """Return the same without some facts; a row that loses all of its facts is not in it any more."""
        rows = {key: [each for each in row if each[0].key not in keys] for key, row in self.rows.items()}
        kept = {key: [fact for fact in row if fact.key not in keys] for key, row in self.kept.items()}
        return StoredFacts({key: row for key, row in rows.items() if row}, kept)


class FactStore:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, organization: str, message: str, since: int | None = None) -> StoredFacts:
        """The message's facts at or after `since` (milliseconds), with some before; or all. And all that wait."""
        keys = EVERYTHING if since is None else Range(high=_key_at(since - 1))
        stored = StoredFacts({}, {})
        async for row in self._tables.query(table(organization, "facts"), message, keys):
            if row.key.startswith(_WAITING_ROW_PREFIX):
                stored.kept[row.key] = facts_of(row)
            else:
                stored.rows[row.key] = _judged(row)
            await asyncio.sleep(0)  # a row may hold many facts, and hits come between two
        return stored

    async def keep_unjudged(self, organization: str, message: str, facts: Sequence[Fact]) -> None:
        """Put facts that wait for their first verdict. One that waits twice, or is judged already, does no harm."""
        for some in batches_of(facts, _MOST_OF_A_ROW):
            texts = [fact.to_json() for fact in some]
            row = Row(message, f"{_WAITING_ROW_PREFIX}{secrets.token_hex(8)}", journal_columns(texts))
            if not await self._put(organization, [row]):
                return

    async def remove_facts(self, organization: str, message: str, stored: StoredFacts, keys: Collection[str]) -> None:
        """Remove these facts from the rows of judged facts: rows go, or are put without them. Again is the same.

        Raises StorageError.
        """
        left = stored.without(keys).rows
        for key, before in stored.rows.items():
            if key not in left:
                with suppress(Missing):
                    await self._tables.write_rows(table(organization, "facts"), [Delete(message, key)])
            elif left[key] != before:
                await self._put(organization, [_row(message, key, left[key])])

    async def retire_facts(
        self, organization: str, message: str, until: int, bare_until: int, delete_until: int
    ) -> int | None:
        """Delete judged facts up to `delete_until`, and take from those up to `bare_until` what they were judged by.

        Times are in milliseconds since 1970. Return the time of the oldest fact up to `until` that is left; None where
        none is. Raises StorageError.
        """
        left = list[int]()
        rows = self._tables.query(table(organization, "facts"), message, Range(low=_key_at(until + _SPAN)))
        for row in [row async for row in rows]:
            before = _judged(row)
            kept = [judged for judged in before if judged[0].at > delete_until]
            after = [(bare_fact(fact), verdict) if fact.at <= bare_until else (fact, verdict) for fact, verdict in kept]
            if not after:
                with suppress(Missing):
                    await self._tables.write_rows(table(organization, "facts"), [Delete(message, row.key)])
            elif after != before:
                await self._put(organization, [_row(message, row.key, after)])
            left += [fact.at for fact, _ in after if fact.at <= until]
        return min(left, default=None)

    async def delete_kept(self, organization: str, message: str, rows: Collection[str]) -> None:
        """Delete rows whose facts are judged and counted. Another process may have found that, too."""
        name = table(organization, "facts")
        for keys in batches_of(list(rows), MOST_CHANGES):
            part = [Delete(message, key) for key in keys]
            try:
                await self._tables.write_rows(name, part)
            except Missing:
                for change in part:
                    with suppress(Missing):
                        await self._tables.write_rows(name, [change])

    async def write_facts(
        self,
        organization: str,
        message: str,
        facts: Iterable[Fact],
        verdicts: Mapping[str, Verdict],
        stored: Mapping[str, Sequence[Judged]],
    ) -> None:
        """Put the facts of a message that are in no row yet, and those rows in which a verdict is another one now."""
        now = {fact.key: (fact, verdicts[fact.key]) for fact in facts}
        rows: list[Row] = []
        there: set[str] = set()
        for key, before in stored.items():
            after = [now.get(fact.key, (fact, verdict)) for fact, verdict in before]
            if after != before:
                rows.append(_row(message, key, after))
            there.update(fact.key for fact, _ in before)
        new = [judged for key, judged in now.items() if key not in there]
        rows += [_row(message, _key_of(group), group) for group in _groups(new)]
        for part in batches_by_size(rows, MOST_CHANGES, _MOST_CHARACTERS, _length):
            if not await self._put(organization, part):
                return

    async def _put(self, organization: str, rows: Sequence[Row]) -> bool:
        try:
            await self._tables.write_rows(table(organization, "facts"), [Upsert(row) for row in rows])
        except Missing:
            log.info("organization %s is gone: its facts are dropped", organization)
            return False
        return True

    async def find_judged(self, organization: str, message: str, key: str) -> Judged | None:
        """Find one judged fact by its key; None where there is none. Raises StorageError."""
        at = key.partition("-")[0]
        if not (at.isascii() and at.isdecimal() and len(at) == 13):
            return None
        # Its row begins with the newest of the row's facts, which is no younger than this one and the span of a row.
        keys = Range(low=_key_at(min(int(at) + _SPAN, LARGEST)), high=_key_at(int(at) - 1))
        async for row in self._tables.query(table(organization, "facts"), message, keys):
            for judged in _judged(row):
                if judged[0].key == key:
                    return judged
        return None

    async def newest_first(
        self, organization: str, message: str, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[tuple[str, Fact, Verdict]]:
        """(cursor, fact, verdict), each fact once; without those that wait."""
        low, last, found = _FIRST, after or "", 0
        if after:
            # Rows that begin before the cursor may have facts behind it.
            at = after.partition("-")[0]
            low = max(_FIRST, ascending_number(int(at) - _SPAN) if at.isdecimal() and len(at) == 13 else after)
        async for cursor, (fact, verdict) in _in_order(
            self._tables.query(table(organization, "facts"), message, Range(low=low), None if after else limit)
        ):
            if cursor > last:
                yield (last := cursor), fact, verdict
                found += 1
                if found == limit:
                    return


async def _in_order(rows: AsyncIterator[Row]) -> AsyncIterator[tuple[str, Judged]]:
    """(cursor, judged) by cursor, of rows in order of their newest facts."""
    heap: list[tuple[str, int, Judged]] = []
    pushed = count()
    async for row in rows:
        newest = row.key.partition("-")[0]
        # Nothing that is still to come is newer than this row's newest fact.
        while heap and heap[0][0] < newest:
            cursor, _, judged = heapq.heappop(heap)
            yield cursor, judged
        for judged in _judged(row):
            heapq.heappush(heap, (_key(judged[0]), next(pushed), judged))
    while heap:
        cursor, _, judged = heapq.heappop(heap)
        yield cursor, judged


def _key_at(at: int) -> str:
    return newest_first(at)


def _key(fact: Fact) -> str:
    at, _, chance = fact.key.partition("-")
    return f"{_key_at(int(at))}-{chance}"


def _key_of(group: Sequence[Judged]) -> str:
    """`group` begins with its newest fact. Other facts never give the same key: no row writes over another's facts."""
    if len(group) == 1:
        return _key(group[0][0])
    digest = blake2b("".join(fact.key for fact, _ in group).encode(), digest_size=6).hexdigest()
    return f"{_key(group[0][0]).partition('-')[0]}-{digest}"


def _groups(judged: Iterable[Judged]) -> Iterator[list[Judged]]:
    """Rows to be, each with its newest fact first."""
    each = sorted(judged, key=lambda pair: pair[0].key, reverse=True)
    if len(each) < TOGETHER:
        yield from ([pair] for pair in each)
        return
    group: list[Judged] = []
    for pair in each:
        if group and (len(group) == _MOST_OF_A_ROW or group[0][0].at - pair[0].at > _SPAN):
            yield group
            group = []
        group.append(pair)
    yield group


def _length(row: Row) -> int:
    return sum(len(value) for value in row.values.values() if isinstance(value, str))


def _row(message: str, key: str, judged: Sequence[Judged]) -> Row:
    """Facts of one row have mostly the same few verdicts: each stands there once."""
    places: dict[Verdict, int] = {}
    facts = [
        f"[{places.setdefault(verdict._replace(was=None), len(places))},{fact.to_json()}]" for fact, verdict in judged
    ]
    verdicts = json.dumps([_written(verdict) for verdict in places], ensure_ascii=False, separators=(",", ":"))
    # Beside the verdicts, so that release 0.1.0 reads these as they were.
    earlier = {str(place): verdict.was for place, (_, verdict) in enumerate(judged) if verdict.was}
    was = f',"was":{json.dumps(earlier)}' if earlier else ""
    return Row(message, key, {"v": 1, **columns(f'{{"verdicts":{verdicts},"facts":[{",".join(facts)}]{was}}}')})


def _judged(row: Row) -> list[Judged]:
    found = json.loads(text_of(row))
    verdicts = [_read(written) for written in found["verdicts"]]
    judged = [(Fact.from_object(fact), verdicts[place]) for place, fact in found["facts"]]
    for place, was in found.get("was", {}).items():
        fact, verdict = judged[int(place)]
        judged[int(place)] = fact, verdict._replace(was=was)
    return judged


def _written(verdict: Verdict) -> list[Any]:
    reasons = [[reason.code, reason.text, reason.weight] for reason in verdict.reasons]
    return [verdict.kind, verdict.confidence, verdict.probability, verdict.rules, reasons]


def _read(written: list[Any]) -> Verdict:
    kind, confidence, probability, rules, listed = written
    reasons = tuple(
        Reason(code, text, weight, WEIGHTS[code].source if code in WEIGHTS else "") for code, text, weight in listed
    )
    return Verdict(kind, confidence, reasons, rules, probability)
