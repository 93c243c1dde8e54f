"""The assessor: from facts to verdicts, and to everything that follows them.

It recomputes and never increments: whatever comes, it reads all that can still change of the message, judges it, and
writes what has changed. So a message that comes twice, late or in another order ends in the same state.

A mail that draws very many hits is not judged at every one: its facts are kept as they come, and judged together after
a pause that grows with their number (`_pause`); those too old to change are folded (`lib.assessment.compaction`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib.assessment.compaction import CONTEXT, Folded, fold
from lib.assessment.context import Circumstances
from lib.assessment.sources_seen import WITHIN
from lib.cards.rules import SETTLING, Alerts
from lib.catalogues.registry import Catalogues
from lib.clock import Clock, milliseconds, moment
from lib.errors import Stale
from lib.lists.store import Listed, Lists, Place, is_told, places_of
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage, records_of
from lib.messages.store import Loaded, MessageStore, Summary
from lib.records import Engagements
from lib.storage import Queues
from lib.storage.coalescing import PerKeyWorker
from lib.storage.layout import INTERACTIONS
from lib.storage.retry import pause_before
from lib.templates import TemplateCounts
from lib.tracking.facts import Fact, refresh_body
from lib.verdicts import Verdict, judge
from lib.verdicts.fact_store import FactRows, Stored
from lib.verdicts.forwards import OtherReader, other_readers, readers
from lib.verdicts.kpis import Kpis, added, count, together, views
from lib.verdicts.repeats import is_repeat
from lib.verdicts.tallies import Tallies, tally

log = logging.getLogger("heed.assessor")

_MOST_TRIES = 8
_MOST_AT_ONCE = 2_000
"""Facts of one message that are taken together."""

BUSY = 300
"""Facts of a message that are looked at with every new one; with more of them, new ones wait for others to come."""

_LONG = 200
"""Facts that are judged in a thread: it takes some 50 us for each, and hits are answered meanwhile."""

_MANY = 2_000
"""Facts that are folded already and must be looked at again for a late one, which waits for others if there are more;
and facts that are judged beside the event loop, which has hits to answer."""

_LONGEST_PAUSE = 60.0
_FACTS_A_SECOND = 250.0
"""Of the pause: so many facts are worth one second of waiting."""

_NOT_BEGUN = timedelta(seconds=3)
"""A recount that is due later than this has not begun, whatever the clocks say."""

NOT_YET = FollowState(state="off", reason="Not known before the message is prepared.")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is to be said of a message's facts, before any of it is written."""

    facts: Mapping[str, Fact]
    known: Mapping[str, tuple[Fact, Verdict]]
    stored: Stored
    verdicts: Mapping[str, Verdict]
    kpis: Kpis
    folded: Folded | None
    live: Sequence[Fact]
    """Facts that are not folded; without those that belong to others."""

    looked_at: int
    """How many facts are not folded, with those."""

    tallies: Tallies
    other_readers: list[OtherReader]
    attachment_views: dict[int, int]
    elsewhere: Mapping[str, int]
    """What is known for good of other messages, for the summary."""

    @property
    def changes(self) -> list[tuple[Fact, Verdict, Verdict]]:
        """(fact, verdict as stored, verdict now)."""
        return [
            (fact, verdict, self.verdicts[key])
            for key, (fact, verdict) in self.known.items()
            if verdict != self.verdicts[key]
        ]


class Assessor:
    def __init__(
        self,
        rows: FactRows,
        store: MessageStore,
        lists: Lists,
        alerts: Alerts,
        engagements: Engagements,
        template_counts: TemplateCounts,
        circumstances: Circumstances,
        catalogues: Catalogues,
        queues: Queues,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._store = store
        self._lists = lists
        self._alerts = alerts
        self._engagements = engagements
        self._template_counts = template_counts
        self._circumstances = circumstances
        self._catalogues = catalogues
        self._queues = queues
        self._clock = clock
        self._lanes: PerKeyWorker[tuple[str, str], Fact] = PerKeyWorker(self._take_of_one, _MOST_AT_ONCE)
        self._looks: PerKeyWorker[tuple[str, str], bool] = PerKeyWorker(self._look, _MOST_AT_ONCE)

    async def assess_facts(self, organization: str, facts: Iterable[Fact]) -> None:
        """Facts from the queue or the journal; new or seen before. Those of unknown messages are dropped.

        So are all where the organization has switched engagement off; what was recorded before stays as it is.
        """
        if not await self._circumstances.is_recording(organization):
            log.info("organization %s has switched engagement off: new facts are dropped", organization)
            return
        by_message: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_message[fact.message].append(fact)
        adding = (self._lanes.do_items((organization, message), its_facts) for message, its_facts in by_message.items())
        for result in await asyncio.gather(*adding, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _take_of_one(self, key: tuple[str, str], facts: list[Fact]) -> None:
        organization, message = key
        loaded = await self._store.load(organization, message)
        if loaded is not None and _is_busy(loaded.summary, facts):
            await self._keep(organization, loaded, facts)
        else:
            await self.refresh(organization, message, facts, loaded)

    async def look_again(self, organization: str, message: str, last: bool) -> None:
        """What a message of the queue asks for. One that comes too early is followed by a last one."""
        await self._looks.do_items((organization, message), [last])

    async def _look(self, key: tuple[str, str], asked: list[bool]) -> None:
        organization, message = key
        before = await self._store.load(organization, message)
        after = await self.refresh(organization, message, loaded=before)
        if before is None or after is None or all(asked):
            return
        again_at = after.summary.again_at
        # Where it is another time now, the look at that time was asked for just now.
        if again_at and again_at == before.summary.again_at:
            await self._alerts.ask_once_more(organization, message, again_at)

    async def has_told(self, organization: str, message: StoredMessage) -> bool:
        """Whether lists show the message as it is now."""
        loaded = await self._store.load(organization, message.id)
        return loaded is not None and is_told(loaded.summary.places, message)

    async def refresh(
        self, organization: str, message: str, new: Sequence[Fact] = (), loaded: Loaded | None = None
    ) -> Loaded | None:
        """Judge the message anew, with `new` facts added, and bring all that follows up to date. Raises Stale."""
        lost: list[Place] = []
        for number in range(_MOST_TRIES):
            await pause_before(number)
            loaded = loaded or await self._store.load(organization, message)
            if loaded is None:
                log.info("message %s is not there: %d facts dropped", message, len(new))
                if lost:
                    # It was deleted while we wrote: what we put into lists meanwhile must not outlive it.
                    await self._lists.remove(organization, lost)
                return None
            try:
                return await self._refresh(organization, loaded, new, lost)
            except Stale:
                # Somebody else has written the summary meanwhile; what we put into lists may be out of date.
                lost += places_of(loaded.message)
                loaded = None
        raise Stale(f"message {message} changed under every one of {_MOST_TRIES} tries")

    async def assess(
        self, organization: str, loaded: Loaded, new: Sequence[Fact] = (), *, from_all: bool = False
    ) -> Assessment:
        """Judge the message; writes nothing. `from_all`: from every fact that there ever was, folded or not."""
        message, folded = loaded.message.id, loaded.summary.folded
        if from_all or _are_late(new, folded):
            folded = None
        stored = await self._rows.read(organization, message, folded.until - CONTEXT if folded else None)
        if _are_late(stored.waiting(), folded):
            folded, stored = None, await self._rows.read(organization, message)
        known = stored.judged()
        facts = {fact.key: fact for fact in (*new, *stored.waiting())}
        facts.update((key, fact) for key, (fact, _) in known.items())
        before = replace(loaded, summary=loaded.summary.model_copy(update={"folded": folded}))
        sending = await self._circumstances.load_context(organization, before, facts.values())
        thresholds = await self._circumstances.thresholds(organization)
        elsewhere = self._circumstances.settled(sending.elsewhere, (fact for fact, _ in known.values()))

        def found() -> Assessment:
            verdicts = judge(facts.values(), sending, self._catalogues, thresholds)
            open_ended = [fact for fact in facts.values() if folded is None or fact.at > folded.until]
            counted = [fact for fact in open_ended if not is_repeat(verdicts[fact.key])]
            kpis = count(counted, verdicts)
            folded_now, live = fold(counted, verdicts, folded, milliseconds(self._clock.now()))
            tallies = tally(live, verdicts)
            return Assessment(
                facts={fact.key: fact for fact in open_ended},
                known=known,
                stored=stored,
                verdicts=verdicts,
                kpis=together(folded.kpis, kpis) if folded else kpis,
                folded=folded_now,
                live=live,
                looked_at=sum(folded_now is None or fact.at > folded_now.until for fact in open_ended),
                tallies=folded_now.tallies + tallies if folded_now else tallies,
                other_readers=other_readers(readers(live, verdicts, folded_now.readers if folded_now else ())),
                attachment_views=added(views(live, verdicts), folded_now.attachment_views if folded_now else {}),
                elsewhere=elsewhere,
            )

        return await asyncio.to_thread(found) if len(facts) > _LONG else found()

    async def _refresh(self, organization: str, loaded: Loaded, new: Sequence[Fact], lost: Sequence[Place]) -> Loaded:
        await self._circumstances.note(organization, loaded, new)
        return await self.settle(organization, loaded, await self.assess(organization, loaded, new), lost)

    async def settle(self, organization: str, loaded: Loaded, found: Assessment, lost: Sequence[Place] = ()) -> Loaded:
        """Write an assessment, and bring all that follows from it up to date: lists, cards, counts, the summary.

        Raises Stale.
        """
        message, before = loaded.message, loaded.summary
        await self._rows.write_facts(organization, message.id, found.facts.values(), found.verdicts, found.stored.rows)
        listed = Listed(
            message=message, etag=loaded.etag, follow_state=message.follow_state or NOT_YET, kpis=found.kpis
        )
        places = await self._lists.enter_message(organization, listed, [*before.places, *lost])
        records = before.records
        if records or any(records_of(message)):
            records = await self._engagements.follow(organization, message, found.tallies, records)
        template = await self._template_counts.follow(organization, message, found.kpis, before.template)
        facts, verdicts = _with_first_opens(found)
        settles_at = self._settles_at(loaded, found)
        cards, again_at = await self._alerts.follow(organization, loaded, facts, verdicts, found.kpis, settles_at)
        summary = Summary(
            kpis=found.kpis,
            places=places,
            cards=cards,
            again_at=again_at,
            records=records,
            template=template,
            folded=found.folded,
            live=found.looked_at,
            other_readers=found.other_readers,
            attachment_views=found.attachment_views,
            elsewhere=dict(found.elsewhere),
        )
        # Written even when it is the same: its etag is what tells two assessors of one message apart.
        await self._store.put_summary(organization, message.id, summary, loaded.summary_etag)
        # Of two assessors only the one that the summary took gets here. If it dies now, the next one does this.
        await self._rows.forget_kept(organization, message.id, found.stored.kept)
        await self._engagements.write(organization, message, found.tallies, records)
        await self._template_counts.write(organization, message, found.kpis, template)
        return Loaded(message, loaded.etag, summary, loaded.summary_etag, loaded.copies)

    def _settles_at(self, loaded: Loaded, found: Assessment) -> datetime | None:
        """When rules about other mails of the same moment will have seen all: for hits soon after dispatch.

        Where a look before that is asked for already, it is that one, which then asks for the next: so a burst of hits
        brings one look in ten seconds, not one a hit.
        """
        sent_at = max((copy.tried_at for copy in loaded.copies if copy.tried_at), default=loaded.message.sent_at)
        now = self._clock.now()
        if sent_at is None:
            return None
        end = milliseconds(sent_at) + WITHIN
        early = [fact.at for fact in found.live if fact.at <= end and found.verdicts[fact.key].kind != "machine"]
        settles_at = moment(max(early)) + SETTLING if early else None
        if settles_at is None or settles_at <= now:
            return None
        if found.looked_at >= BUSY:
            settles_at = max(settles_at, now + _pause(found.looked_at))
        asked = loaded.summary.again_at
        return asked if asked and now < asked < settles_at else settles_at

    async def _keep(self, organization: str, loaded: Loaded, facts: list[Fact]) -> None:
        """Keep facts of a busy message for a recount that is sure to come."""
        message = loaded.message.id
        await self._rows.keep(organization, message, facts)
        await self._circumstances.note(organization, loaded, facts)
        # Read after the facts are there: a recount that was due until now may have read without them.
        again, now = await self._store.load(organization, message), self._clock.now()
        if again is None or (again.recount_at and again.recount_at > now + _NOT_BEGUN):
            return
        summary = again.summary
        late = summary.folded.facts if summary.folded and _are_late(facts, summary.folded) else 0
        pause = _pause(summary.live + late)
        await self._queues.send(INTERACTIONS, refresh_body(organization, message, last=True), pause)
        await self._store.put_recount(organization, message, now + pause)


def _is_busy(summary: Summary, facts: Sequence[Fact]) -> bool:
    """Whether so much would have to be looked at for these facts that they wait for others to come."""
    folded = summary.folded
    return summary.live >= BUSY or bool(folded and folded.facts > _MANY and _are_late(facts, folded))


def _are_late(facts: Sequence[Fact], folded: Folded | None) -> bool:
    """Whether one of them belongs to those that were folded, perhaps without it. That its row is there says nothing:
    whoever put it may have died before it was counted."""
    return folded is not None and any(fact.at <= folded.until for fact in facts)


def _pause(facts: int) -> timedelta:
    """Before a busy message is judged again: its cost grows with its facts, and so does the pause."""
    return timedelta(seconds=min(_LONGEST_PAUSE, 2 * _NOT_BEGUN.total_seconds() + facts / _FACTS_A_SECOND))


def _with_first_opens(found: Assessment) -> tuple[list[Fact], Mapping[str, Verdict]]:
    """The live facts, and of the folded ones those that an alert may tell of."""
    if found.folded is None:
        return list(found.live), found.verdicts
    first = found.folded.first_opens
    verdicts = {opened.fact.key: Verdict(opened.kind, 1.0, (), "", 1.0) for opened in first}
    return [*(opened.fact for opened in first), *found.live], {**verdicts, **found.verdicts}
