"""Judging one message: reading what can still change of it, and finding out what that says. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from lib.assessment.compaction import CONTEXT, FoldedFacts, fold, retired, sum_folded
from lib.assessment.context import ContextLoader
from lib.assessment.findings import Assessment, are_late
from lib.assessment.refusals import RefusalLookup, Refusals
from lib.assessment.summary import Summary, summary_of
from lib.catalogues.registry import Catalogues
from lib.clock import Clock, milliseconds
from lib.messages.store import Loaded
from lib.tracking.facts import Fact
from lib.verdicts import Sending, Verdict, judge_and_remember
from lib.verdicts.earlier import with_earlier_classes
from lib.verdicts.fact_store import FactStore, StoredFacts
from lib.verdicts.forwards import other_readers, readers
from lib.verdicts.kpis import added, count, sum_kpis, views
from lib.verdicts.repeats import is_repeat
from lib.verdicts.tallies import tally
from lib.verdicts.thresholds import Thresholds

_LONG = 200
"""Number of facts above which they are judged in a thread: each takes some 50 us, and hits are answered meanwhile."""


@dataclass(frozen=True, slots=True)
class _StoredPart:
    """The facts that are read for an assessment, and the counts that stand for all others."""

    stored: StoredFacts
    refused: Sequence[Fact]
    """Those of `stored` that are not to be kept."""

    base: FoldedFacts | None
    """Retired facts."""

    folded: FoldedFacts | None
    """Facts that are not judged again; begins with `base`, and is `base` where only retired facts are left out."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """All that an assessment is made from."""

    part: _StoredPart
    summary: Summary
    facts: Mapping[str, Fact]
    """The facts to judge, by key, as they are to be kept."""

    known: Mapping[str, tuple[Fact, Verdict]]
    """Those of them that were judged before, by key, as they are stored."""

    sending: Sending
    thresholds: Thresholds
    elsewhere: Mapping[str, int]
    names_recipients: bool


class MessageJudge:
    """Judges messages by what is stored of them."""

    def __init__(
        self,
        rows: FactStore,
        context_loader: ContextLoader,
        refusals: RefusalLookup,
        catalogues: Catalogues,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._context_loader = context_loader
        self._refusals = refusals
        self._catalogues = catalogues
        self._clock = clock

    async def assess(
        self,
        organization: str,
        loaded: Loaded,
        new: Sequence[Fact] = (),
        *,
        from_all: bool = False,
        retire_until: int | None = None,
    ) -> Assessment:
        """Judge a message; writes nothing. `new` are facts that need not be stored yet.

        `from_all`: from every fact that is not retired, folded or not. Facts up to `retire_until` (milliseconds since
        1970) are retired, after a last judgement. Raises StorageError.
        """
        refusals = await self._refusals.load_refusals(organization, loaded)
        part = await self._read_part(
            organization, loaded, new, refusals, from_all=from_all, retires=retire_until is not None
        )
        reading = await self._complete(organization, loaded, new, refusals, part)
        judge = partial(_judge, reading, self._catalogues, milliseconds(self._clock.now()), retire_until)
        return await asyncio.to_thread(judge) if len(reading.facts) > _LONG else judge()

    async def _read_part(
        self,
        organization: str,
        loaded: Loaded,
        new: Sequence[Fact],
        refusals: Refusals,
        *,
        from_all: bool,
        retires: bool,
    ) -> _StoredPart:
        """Read the stored facts that can still change: those behind the folded ones, if these can stay folded."""
        message, summary = loaded.message.id, summary_of(loaded)
        base, folded = refusals.revise_base(summary.base), summary.folded
        is_all = from_all or retires or base != summary.base
        if is_all or are_late(new, folded) or (folded and refusals.concern_folded(folded)):
            folded = base
        # Retired facts are read, too, where some of them may have to go.
        since = None if folded is None or (from_all and refusals.erased) else folded.until - CONTEXT
        stored = await self._rows.read(organization, message, since)
        refused = refusals.refused_of(stored)
        if folded is not base and are_late([*stored.waiting(), *refused], folded):
            folded, stored = base, await self._rows.read(organization, message, base.until - CONTEXT if base else None)
            refused = refusals.refused_of(stored)
        return _StoredPart(stored, refused, base, folded)

    async def _complete(
        self, organization: str, loaded: Loaded, new: Sequence[Fact], refusals: Refusals, part: _StoredPart
    ) -> _Reading:
        """Add the new facts, and the circumstances under which all of them are judged."""
        known = part.stored.without({fact.key for fact in part.refused}).judged()
        arrived = {fact.key: fact for fact in (*new, *part.stored.waiting())}
        arrived.update((key, fact) for key, (fact, _) in known.items())
        facts = {key: kept for key, fact in arrived.items() if (kept := refusals.revise_stored(fact)) is not None}
        summary = summary_of(loaded)
        before = summary.model_copy(update={"folded": part.folded})
        sending = await self._context_loader.load_context(organization, loaded, before, facts.values(), refusals.stops)
        return _Reading(
            part,
            summary,
            facts,
            known,
            sending,
            await self._context_loader.thresholds(organization),
            self._context_loader.settled(sending.elsewhere, (fact for fact, _ in known.values())),
            refusals.stops.state.names_recipients,
        )


def _judge(reading: _Reading, catalogues: Catalogues, now: int, retire_until: int | None) -> Assessment:
    """Judge the facts, and add them to what is folded. Times are in milliseconds since 1970."""
    part, folded, summary = reading.part, reading.part.folded, reading.summary
    judgement = judge_and_remember(reading.facts.values(), reading.sending, catalogues, reading.thresholds)
    verdicts = with_earlier_classes(judgement.verdicts, reading.known, now)
    unfolded = [fact for fact in reading.facts.values() if folded is None or fact.at > folded.until]
    counted = [fact for fact in unfolded if not is_repeat(verdicts[fact.key])]
    kpis = count(counted, verdicts)
    base, rest = part.base, counted
    if retire_until is not None and (old := [fact for fact in counted if fact.at <= retire_until]):
        base = retired(sum_folded(old, verdicts, base, retire_until))
        rest = [fact for fact in counted if fact.at > retire_until]
    begun = folded if base is part.base else base
    folded_now, live = fold(rest, verdicts, begun, now)
    times = [fact.at for fact in rest]
    if folded is not part.base and summary.oldest is not None:
        times.append(summary.oldest)
    tallies = tally(live, verdicts)
    return Assessment(
        facts={fact.key: fact for fact in unfolded},
        known=reading.known,
        stored=part.stored,
        verdicts=verdicts,
        kpis=sum_kpis(folded.kpis, kpis) if folded else kpis,
        folded=folded_now,
        base=base,
        oldest=min(times, default=None),
        oldest_retired=summary.oldest_retired if part.base else None,
        bare_until=summary.bare_until if part.base else None,
        live=live,
        looked_at=sum(folded_now is None or fact.at > folded_now.until for fact in unfolded),
        tallies=folded_now.tallies + tallies if folded_now else tallies,
        other_readers=other_readers(readers(live, verdicts, folded_now.readers if folded_now else ())),
        attachment_views=added(views(live, verdicts), folded_now.attachment_views if folded_now else {}),
        elsewhere=reading.elsewhere,
        refused=part.refused,
        memory=reading.sending.memory,
        visits=judgement.visits,
        names_recipients=reading.names_recipients,
    )
