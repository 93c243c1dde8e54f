"""Facts by message, each with its verdict beside it: the table `facts`.

Partition = message, key = time counted down and chance, so that a message's newest fact comes first. A fact never
changes; its verdict may, and is missing until the assessor has judged it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache

from lib.facts import Fact
from lib.storage import Missing, Range, Row, Tables, Upsert
from lib.storage.protocols import EVERYTHING, MOST_CHANGES
from lib.tables import table
from lib.verdicts import NOT_JUDGED, Reason, Verdict
from lib.verdicts.weights import WEIGHTS

log = logging.getLogger("heed.facts")

_LARGEST = 10**13 - 1

Judged = Mapping[str, tuple[Fact, Verdict]]
"""By the fact's key."""


class FactRows:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, organization: str, message: str, since: int | None = None) -> dict[str, tuple[Fact, Verdict]]:
        """The message's facts by key, newest first; those at or after `since` (milliseconds), or all."""
        keys = EVERYTHING if since is None else Range(high=f"{_LARGEST - since + 1:013d}")
        rows = self._tables.query(table(organization, "facts"), message, keys)
        return {(fact := _fact(row)).key: (fact, _verdict(row)) async for row in rows}

    async def keep(self, organization: str, facts: Iterable[Fact]) -> None:
        """Put facts of one message that wait for their verdict. One that is there waits for another verdict, too."""
        await self._write(organization, [(fact, NOT_JUDGED) for fact in facts])

    async def write(
        self, organization: str, facts: Iterable[Fact], verdicts: Mapping[str, Verdict], known: Judged
    ) -> None:
        """Put the facts of one message that are new, or whose verdict is another than the one that is known."""
        judged = ((fact, verdicts[fact.key]) for fact in facts)
        await self._write(organization, [each for each in judged if known.get(each[0].key) != each])

    async def _write(self, organization: str, judged: Sequence[tuple[Fact, Verdict]]) -> None:
        for start in range(0, len(judged), MOST_CHANGES):
            part = [Upsert(_row(*each)) for each in judged[start : start + MOST_CHANGES]]
            try:
                await self._tables.write(table(organization, "facts"), part)
            except Missing:
                log.info("organization %s is gone: %d facts dropped", organization, len(part))
                return

    async def newest_first(
        self, organization: str, message: str, after: str | None = None, limit: int | None = None
    ) -> AsyncIterator[tuple[str, Fact, Verdict]]:
        """(cursor, fact, verdict)."""
        keys = Range(after=after) if after else EVERYTHING
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
