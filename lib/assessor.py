"""The assessor: from facts to verdicts, and to everything that follows them.

It recomputes and never increments: whatever comes, it reads all that is known of the message, judges it all, and writes
what has changed. So a message that comes twice, late or in another order ends in the same state.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from lib import tables
from lib.alerts import Alerts
from lib.facts import Fact
from lib.follow import FollowState
from lib.kpis import count
from lib.lists import Listed, Lists, Place, places_of
from lib.message_store import Loaded, MessageStore, Summary
from lib.repository import Stale
from lib.storage import Missing, Range, Row, Tables, Upsert
from lib.storage.protocols import EVERYTHING
from lib.verdicts import Reason, Verdict, judge

log = logging.getLogger("heed.assessor")

_LARGEST = 10**13 - 1
_MOST_TRIES = 8
_TRANSACTION = 100

NOT_YET = FollowState(state="off", reason="Not known before the message is prepared.")


class Assessor:
    def __init__(self, all_tables: Tables, store: MessageStore, lists: Lists, alerts: Alerts) -> None:
        self._tables = all_tables
        self._store = store
        self._lists = lists
        self._alerts = alerts

    async def take(self, organization: str, facts: Iterable[Fact]) -> None:
        """Facts from the queue or the journal; new or seen before. Those of unknown messages are dropped."""
        by_message: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_message[fact.message].append(fact)
        for message, its_facts in by_message.items():
            await self.refresh(organization, message, its_facts)

    async def look_again(self, organization: str, message: str, last: bool) -> None:
        """What a message of the queue asks for. One that comes too early is followed by a last one."""
        loaded = await self.refresh(organization, message)
        if loaded and loaded.summary.again_at and not last:
            await self._alerts.ask_once_more(organization, message, loaded.summary.again_at)

    async def refresh(self, organization: str, message: str, new: Sequence[Fact] = ()) -> Loaded | None:
        """Judge the message anew, with `new` facts added, and bring summary and lists up to date."""
        lost: list[Place] = []
        for _ in range(_MOST_TRIES):
            loaded = await self._store.load(organization, message)
            if loaded is None:
                log.info("message %s is not there: %d facts dropped", message, len(new))
                return None
            try:
                return await self._assess(organization, loaded, new, lost)
            except Stale:
                # Somebody else has written the summary meanwhile; what we put into lists may be out of date.
                lost += places_of(loaded.message)
        raise Stale(f"message {message} changed under every one of {_MOST_TRIES} tries")

    async def _assess(self, organization: str, loaded: Loaded, new: Sequence[Fact], lost: Sequence[Place]) -> Loaded:
        known = await self._known(organization, loaded.message.id)
        facts = {**{fact.key: fact for fact in new}, **{key: fact for key, (fact, _) in known.items()}}
        verdicts = judge(facts.values())
        await self._write_verdicts(organization, facts, known, verdicts)
        kpis = count(facts.values(), verdicts)
        follow_state = loaded.message.follow_state or NOT_YET
        listed = Listed(message=loaded.message, etag=loaded.etag, follow_state=follow_state, kpis=kpis)
        places = await self._lists.put(organization, listed, [*loaded.summary.places, *lost])
        cards, again_at = await self._alerts.follow(organization, loaded, facts.values(), verdicts, kpis)
        summary = Summary(kpis=kpis, places=places, cards=cards, again_at=again_at)
        # Written even when it is the same: its etag is what tells two assessors of one message apart.
        await self._store.put_summary(organization, loaded.message.id, summary, loaded.summary_etag)
        return Loaded(loaded.message, loaded.etag, summary, loaded.summary_etag, loaded.copies)

    async def _known(self, organization: str, message: str) -> dict[str, tuple[Fact, Verdict]]:
        rows = self._tables.query(tables.table(organization, "facts"), message)
        return {(fact := _fact(row)).key: (fact, _verdict(row)) async for row in rows}

    async def _write_verdicts(
        self,
        organization: str,
        facts: Mapping[str, Fact],
        known: Mapping[str, tuple[Fact, Verdict]],
        verdicts: Mapping[str, Verdict],
    ) -> None:
        """A row holds fact and verdict; a fact never changes, so the whole row can be put again."""
        changes = [
            Upsert(_row(fact, verdicts[key]))
            for key, fact in facts.items()
            if key not in known or known[key][1] != verdicts[key]
        ]
        for start in range(0, len(changes), _TRANSACTION):
            part = changes[start : start + _TRANSACTION]
            try:
                await self._tables.write(tables.table(organization, "facts"), part)
            except Missing:
                log.info("organization %s is gone: %d facts dropped", organization, len(part))
                return

    async def timeline(
        self, organization: str, message: str, after: str | None, limit: int
    ) -> list[tuple[str, Fact, Verdict]]:
        """(cursor, fact, verdict), newest first."""
        keys = Range(after=after) if after else EVERYTHING
        rows = self._tables.query(tables.table(organization, "facts"), message, keys, limit)
        return [(row.key, _fact(row), _verdict(row)) async for row in rows]


def _row(fact: Fact, verdict: Verdict) -> Row:
    """Keys count down, so that a message's newest fact comes first."""
    at, _, chance = fact.key.partition("-")
    return Row(
        fact.message,
        f"{_LARGEST - int(at):013d}-{chance}",
        {
            "v": 1,
            "fact": fact.to_json(),
            "kind": verdict.kind,
            "confidence": verdict.confidence,
            "reasons": json.dumps([[reason.code, reason.text] for reason in verdict.reasons]),
            "rules": verdict.rules,
        },
    )


def _fact(row: Row) -> Fact:
    return Fact.from_json(row.text("fact"))


def _verdict(row: Row) -> Verdict:
    reasons = tuple(Reason(code, text) for code, text in json.loads(row.text("reasons")))
    kind = row.text("kind")
    assert kind in ("human", "machine", "uncertain")
    return Verdict(kind, float(row.values["confidence"]), reasons, row.text("rules"))  # type: ignore[arg-type]
