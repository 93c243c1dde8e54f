"""Facts by message, each with its verdict beside it: the table `facts`.

Partition = message, key = time counted down and chance, so that a message's newest fact comes first. A fact never
changes; its verdict may. Facts of a busy message that wait for their first verdict stand together in rows before these:
a row takes what came together, and goes when all of it is judged and counted.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from lib.facts import Fact
from lib.journal import facts_of, journal_columns
from lib.storage import Delete, Missing, Range, Row, Tables, Upsert
from lib.storage.protocols import EVERYTHING, MOST_CHANGES
from lib.tables import table
from lib.verdicts import Reason, Verdict
from lib.verdicts.weights import WEIGHTS

log = logging.getLogger("heed.facts")

_LARGEST = 10**13 - 1
_FIRST = "0"
"""Sorts before the key of every judged fact."""

_KEPT = "-"
"""Begins the key of a row of facts that wait; sorts before every digit."""

_MOST_KEPT = 100
"""Facts of such a row: Azure allows a row 1 MiB."""

Judged = Mapping[str, tuple[Fact, Verdict]]
"""By the fact's key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What there is of a message: facts by key, newest first; and by row, those that wait for a verdict."""

    judged: dict[str, tuple[Fact, Verdict]]
    kept: dict[str, list[Fact]]

    @property
    def waiting(self) -> list[Fact]:
        return [fact for facts in self.kept.values() for fact in facts]


class FactRows:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, organization: str, message: str, since: int | None = None) -> Stored:
        """The message's facts at or after `since` (milliseconds), or all; and all that wait."""
        keys = EVERYTHING if since is None else Range(high=f"{_LARGEST - since + 1:013d}")
        stored = Stored({}, {})
        async for row in self._tables.query(table(organization, "facts"), message, keys):
            if row.key.startswith(_KEPT):
                stored.kept[row.key] = facts_of(row)
            else:
                fact = _fact(row)
                stored.judged[fact.key] = (fact, _verdict(row))
        return stored

    async def keep(self, organization: str, message: str, facts: Sequence[Fact]) -> None:
        """Put facts that wait for their first verdict; where one is there already, it is no other fact for that."""
        for start in range(0, len(facts), _MOST_KEPT):
            texts = [fact.to_json() for fact in facts[start : start + _MOST_KEPT]]
            row = Row(message, f"{_KEPT}{secrets.token_hex(8)}", journal_columns(texts))
            try:
                await self._tables.write(table(organization, "facts"), [Upsert(row)])
            except Missing:
                log.info("organization %s is gone: %d facts dropped", organization, len(texts))
                return

    async def forget_kept(self, organization: str, message: str, rows: Sequence[str]) -> None:
        """Their facts are judged and counted. Somebody else may have found that, too."""
        for start in range(0, len(rows), MOST_CHANGES):
            part = [Delete(message, key) for key in rows[start : start + MOST_CHANGES]]
            try:
                await self._tables.write(table(organization, "facts"), part)
            except Missing:
                for change in part:
                    with suppress(Missing):
                        await self._tables.write(table(organization, "facts"), [change])

    async def write(
        self, organization: str, facts: Iterable[Fact], verdicts: Mapping[str, Verdict], known: Judged
    ) -> None:
        """Put the facts of one message that are new, or whose verdict is another than the one that is known."""
        judged = ((fact, verdicts[fact.key]) for fact in facts)
        changed = [each for each in judged if known.get(each[0].key) != each]
        for start in range(0, len(changed), MOST_CHANGES):
            part = [Upsert(_row(*each)) for each in changed[start : start + MOST_CHANGES]]
            try:
                await self._tables.write(table(organization, "facts"), part)
            except Missing:
                log.info("organization %s is gone: %d facts dropped", organization, len(part))
                return

    async def newest_first(
        self, organization: str, message: str, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[tuple[str, Fact, Verdict]]:
        """(cursor, fact, verdict), without those that wait."""
        keys = Range(after=max(after or _FIRST, _FIRST))
        async for row in self._tables.query(table(organization, "facts"), message, keys, limit):
            yield row.key, _fact(row), _verdict(row)


def _key(fact: Fact) -> str:
    at, _, chance = fact.key.partition("-")
    return f"{_LARGEST - int(at):013d}-{chance}"


def _row(fact: Fact, verdict: Verdict) -> Row:
    return Row(
        fact.message,
        _key(fact),
        {
            "v": 1,
            "fact": fact.to_json(),
            "kind": verdict.kind,
            "confidence": verdict.confidence,
            "probability": verdict.probability,
            "reasons": _written(verdict.reasons),
            "rules": verdict.rules,
        },
    )


def _fact(row: Row) -> Fact:
    return Fact.from_json(row.text("fact"))


# Facts of one message have mostly the same few combinations of reasons.
@lru_cache(maxsize=1024)
def _written(reasons: tuple[Reason, ...]) -> str:
    listed = [[reason.code, reason.text, reason.weight] for reason in reasons]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _read(reasons: str) -> tuple[tuple[str, str, float], ...]:
    return tuple((code, text, weight) for code, text, weight in json.loads(reasons))


def _verdict(row: Row) -> Verdict:
    reasons = tuple(
        Reason(code, text, weight, WEIGHTS[code].source if code in WEIGHTS else "")
        for code, text, weight in _read(row.text("reasons"))
    )
    kind = row.text("kind")
    assert kind in ("human", "machine", "uncertain")
    confidence, probability = float(row.values["confidence"]), float(row.values["probability"])
    return Verdict(kind, confidence, reasons, row.text("rules"), probability)  # type: ignore[arg-type]
