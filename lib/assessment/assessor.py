"""Assessor: has a message's facts judged, and everything that follows the verdicts brought up to date.

The assessor recomputes and never increments. It has all that can still change of the message judged anew
(`lib.assessment.message_judge`), and writes what has changed. So a queue message that comes twice, late or in another
order ends in the same state.

A mail that draws very many hits is not judged at every one. Its facts are kept as they come, and judged together after
a pause that grows with their number (`lib.assessment.looks`). Facts too old to change are folded
(`lib.assessment.compaction`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from lib.assessment.compaction import CONTEXT
from lib.assessment.context import ContextLoader
from lib.assessment.findings import Assessment, are_late, assessed_message, new_summary
from lib.assessment.followers import Follower, plan_all, read_part, unsettled
from lib.assessment.journal_cleaning import JournalCleaning
from lib.assessment.looks import BUSY, Looks, late_look_time, pause_for, settling_time, undecided_opens
from lib.assessment.message_judge import MessageJudge
from lib.assessment.refusals import RefusalLookup, Refusals, Revisions
from lib.assessment.summary import Summary, summary_of
from lib.clock import Clock, moment
from lib.errors import Stale
from lib.lists.follower import ListsFollower
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.storage import Queues
from lib.storage.coalescing import PerKeyWorker
from lib.storage.documents import pack
from lib.storage.retry import retry_on_conflict
from lib.tracing import note_event
from lib.tracking.facts import Fact
from lib.verdicts.fact_store import FactStore, StoredFacts

log = logging.getLogger("heed.assessor")

_MOST_AT_ONCE = 2_000
"""Facts of one message that are taken together."""

_MANY = 2_000
"""Number of folded facts above which a late fact, for which all of them are judged again, waits for others to come."""

_NOT_BEGUN = timedelta(seconds=3)
"""A recount that is due later than this has not begun, whatever the clocks say."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A fact that has come, and the notes of its caller on facts that are not to be kept as they came."""

    fact: Fact
    revisions: dict[str, Fact | None]

    def refuse(self) -> None:
        """Note that the fact is not to be kept."""
        self.revisions[self.fact.key] = None

    def revised(self, refusals: Refusals) -> Fact | None:
        """Return the fact as it is to be kept; None where it is not."""
        revised = refusals.revise_new(self.fact)
        if revised is not self.fact:
            self.revisions[self.fact.key] = revised
        return revised


class Assessor:
    """Assesses messages, each of them one at a time within a process."""

    def __init__(
        self,
        rows: FactStore,
        store: MessageStore,
        followers: Sequence[Follower[Any]],
        context_loader: ContextLoader,
        refusals: RefusalLookup,
        cleaning: JournalCleaning,
        judge: MessageJudge,
        queues: Queues,
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._store = store
        self._followers = followers
        self._context_loader = context_loader
        self._refusals = refusals
        self._cleaning = cleaning
        self._judge = judge
        self._looking = Looks(queues, clock)
        self._clock = clock
        self._arrivals: PerKeyWorker[tuple[str, str], _Arrival] = PerKeyWorker(self._assess_facts_of_one, _MOST_AT_ONCE)
        self._looks: PerKeyWorker[tuple[str, str], bool] = PerKeyWorker(self._look, _MOST_AT_ONCE)

    async def assess_facts(self, organization: str, facts: Iterable[Fact]) -> Revisions:
        """Assess facts from the queue or the journal, new or seen before.

        Facts of unknown messages, of recipients who are stopped, and of organizations that let nothing be recorded are
        dropped; what was recorded before stays. Return the facts that are not to be kept as they came.
        """
        revisions: dict[str, Fact | None] = {}
        by_message: dict[str, list[_Arrival]] = defaultdict(list)
        for fact in facts:
            by_message[fact.message].append(_Arrival(fact, revisions))
        arriving = (self._arrivals.do_items((organization, message), some) for message, some in by_message.items())
        for result in await asyncio.gather(*arriving, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        return revisions

    async def _assess_facts_of_one(self, key: tuple[str, str], arrivals: list[_Arrival]) -> None:
        organization, message = key
        loaded = await self._store.load(organization, message)
        if loaded is None:
            log.info("organization %s: %d facts of no message dropped", organization, len(arrivals))
            for arrival in arrivals:
                arrival.refuse()
            return
        arriving = [arrival.fact for arrival in arrivals]
        refusals = await self._refusals.load_arrivals_refusals(organization, loaded, arriving)
        facts = [fact for arrival in arrivals if (fact := arrival.revised(refusals)) is not None]
        if len(facts) < len(arrivals):
            # Without the message: the line would tell of the recipient what is not to be kept.
            log.info("organization %s: %d facts are not to be kept", organization, len(arrivals) - len(facts))
        if not facts:
            return
        for fact in facts:
            note_event(message, fact.kind, fact.key, moment(fact.at), self._clock.now())
        if _is_busy(summary_of(loaded), facts):
            await self._keep_unjudged(organization, loaded, facts)
        else:
            await self.refresh(organization, message, facts, loaded)

    async def look_again(self, organization: str, message: str, last: bool) -> None:
        """Judge a message again, as the queue asks. A look that comes too early is followed by a `last` one."""
        await self._looks.do_items((organization, message), [last])

    async def _look(self, key: tuple[str, str], asked: list[bool]) -> None:
        organization, message = key
        before = await self._store.load(organization, message)
        after = await self.refresh(organization, message, loaded=before, wishes_changed=True)
        if before is None or after is None or all(asked):
            return
        again_at = summary_of(after).again_at
        # Where it is another time now, the look at that time was asked for just now.
        if again_at and again_at == summary_of(before).again_at:
            await self._looking.ask_last_look(organization, message, again_at)

    async def has_told(self, organization: str, message: StoredMessage, follower: ListsFollower) -> bool:
        """Whether the lists show the message as it is now."""
        loaded = await self._store.load(organization, message.id)
        if loaded is None:
            return False
        return follower.has_been_told(read_part(follower, summary_of(loaded).parts), message)

    async def refresh(
        self,
        organization: str,
        message: str,
        new: Sequence[Fact] = (),
        loaded: Loaded | None = None,
        *,
        wishes_changed: bool = False,
        from_all: bool = False,
        anew: bool = False,
    ) -> Loaded | None:
        """Judge the message anew, with `new` facts added, and bring all that follows up to date; None if it is gone.

        `loaded` is the message where it was read just now. `wishes_changed`: a wish about following may be
        another one. `from_all`: from every fact that is there, folded or not. `anew`: shares are entered again,
        whatever the summary says of them. Raises Stale.
        """
        planned: list[StoredMessage] = []
        there = loaded

        async def refresh_once() -> Loaded | None:
            nonlocal there
            found, there = there or await self._store.load(organization, message), None
            if found is None:
                log.info("organization %s: %d facts of no message dropped", organization, len(new))
                if planned:
                    # It was deleted meanwhile: what followers have written for it must not outlive it.
                    await self._forget(organization, message, {}, planned)
                return None
            try:
                await self._context_loader.note(organization, found, new)
                assessment = await self._judge.assess(organization, found, new, from_all=from_all)
                return await self.settle(
                    organization, found, assessment, planned, wishes_changed=wishes_changed, anew=anew
                )
            except Stale:
                # Another process has written the summary meanwhile: what followers have written may be out of date.
                planned.append(found.message)
                raise

        return await retry_on_conflict(f"message {message}", refresh_once, on=Stale)

    async def settle(
        self,
        organization: str,
        loaded: Loaded,
        found: Assessment,
        planned: Sequence[StoredMessage] = (),
        *,
        wishes_changed: bool = False,
        anew: bool = False,
    ) -> Loaded:
        """Write an assessment, and bring all that follows it up to date; the message with its new summary.

        `planned` are versions of the message for which followers have planned in vain. Raises Stale.
        """
        message, before, stored, memory = loaded.message.id, summary_of(loaded), found.stored, found.memory
        if found.refused:
            stored = await self._remove_refused(organization, loaded.message, found)
            memory = replace(memory, own={})
        await self._rows.write_facts(organization, message, found.facts.values(), found.verdicts, stored.rows)
        assessed = replace(assessed_message(organization, loaded, found, planned), wishes_changed=wishes_changed)
        parts = unsettled(before.parts) if anew else before.parts
        plans = await plan_all(self._followers, assessed, parts)
        again_at = await self._ask_look(organization, loaded, found, before.again_at, plans.again_at)
        columns = pack(new_summary(found, plans, again_at, await self._ask_late_look(organization, loaded, found)))
        # Written even when it is the same: its etag is what tells two assessors of one message apart.
        row = await self._store.put_summary(organization, message, columns, loaded.summary_row)
        # Of two assessors only the one that the summary took gets here. If it dies now, the next one does this.
        await self._rows.delete_kept(organization, message, found.stored.kept)
        # A message that was deleted or erased meanwhile leaves no visit: its summary was another one.
        await self._context_loader.save_visits(organization, memory, found.visits, is_whole=found.folded is None)
        await plans.apply(assessed)
        return replace(loaded, summary_row=row)

    async def _remove_refused(self, organization: str, message: StoredMessage, found: Assessment) -> StoredFacts:
        """Remove facts that are not to be kept from wherever they are, from the facts last; what is left there.

        A process that dies in between leaves them among the facts, where the next assessment finds them again.
        """
        keys = {fact.key for fact in found.refused}
        log.info("organization %s: %d stored facts are not to be kept", organization, len(keys))
        await self._cleaning.remove_facts(organization, found.refused)
        await self._context_loader.forget_sources(organization, found.refused)
        await self._context_loader.forget_visits(organization, message, {fact.recipient for fact in found.refused})
        await self._rows.remove_facts(organization, message.id, found.stored, keys)
        return found.stored.without(keys)

    async def _ask_look(
        self,
        organization: str,
        loaded: Loaded,
        found: Assessment,
        asked: datetime | None,
        wanted: datetime | None,
    ) -> datetime | None:
        """Time of the next look without a new fact: when verdicts settle, or when a follower wants one, if earlier.

        The queue is asked before the summary says so: a process that dies in between leaves a look too many.
        """
        settles_at = settling_time(loaded, found.live, found.verdicts, found.looked_at, asked, self._clock.now())
        again_at = min((at for at in (wanted, settles_at) if at), default=None)
        if again_at and again_at != asked:
            await self._looking.ask_look(organization, loaded.message.id, again_at)
        return again_at

    async def _ask_late_look(self, organization: str, loaded: Loaded, found: Assessment) -> datetime | None:
        """Time of the last look that was asked for because other mails, or clicks that do not come, may tell more."""
        hits = [fact.at for fact in found.facts.values() if fact.key in found.memory.keys]
        is_busy = found.folded is not None or found.looked_at >= BUSY
        asked = summary_of(loaded).late_look_at
        undecided = undecided_opens(found.live, found.verdicts) if hits else ()
        late_look_at = late_look_time(hits, asked, self._clock.now(), is_busy=is_busy, undecided=undecided)
        if late_look_at and late_look_at != asked:
            await self._looking.ask_look(organization, loaded.message.id, late_look_at)
        return late_look_at

    async def retire_facts(
        self, organization: str, message: str, retire_until: int, delete_until: int
    ) -> Loaded | None:
        """Retire facts up to `retire_until`: judge them for the last time, and take from them what they were judged by.

        Those up to `delete_until` are deleted (both in milliseconds since 1970); their counts stay. Facts that later
        ones are still judged beside keep all until the next call. A process that dies in between leaves rows that the
        next call finds, as the summary says. None where the message is gone. Raises Stale.
        """
        loaded = await self._store.load(organization, message)
        if loaded is None:
            return None
        found = await self._judge.assess(organization, loaded, retire_until=retire_until)
        until = found.base.until if found.base else retire_until
        oldest = [fact.at for fact in found.stored.all_facts() if fact.at <= until]
        if found.oldest_retired is not None:
            oldest.append(found.oldest_retired)
        settled = await self.settle(organization, loaded, replace(found, oldest_retired=min(oldest, default=None)))
        bare_until = min(until, retire_until - CONTEXT)
        left = await self._rows.retire_facts(organization, message, until, bare_until, min(delete_until, until))
        summary = summary_of(settled).model_copy(update={"oldest_retired": left, "bare_until": bare_until})
        row = await self._store.put_summary(organization, message, pack(summary), settled.summary_row)
        return replace(settled, summary_row=row)

    async def forget_facts(self, organization: str, message: str, mail: str | None = None) -> int:
        """Remove the facts of a message from wherever they are, or only those that a received `mail` has brought.

        Return their number. The message is not judged anew. Raises StorageError, Stale.
        """
        stored = await self._rows.read(organization, message)
        facts = [fact for fact in stored.all_facts() if mail is None or fact.mail == mail]
        await self._cleaning.remove_facts(organization, facts)
        await self._context_loader.forget_sources(organization, [fact for fact in facts if fact.is_hit])
        keys = {fact.key for fact in facts}
        await self._rows.remove_facts(organization, message, stored, keys)
        if mail is None:
            await self._rows.delete_kept(organization, message, stored.kept)
        return len(keys)

    async def forget_message(self, organization: str, loaded: Loaded) -> None:
        """Undo what followers have written for a message that is about to be deleted. Again is the same."""
        everyone = range(len(loaded.message.recipients()))
        await self._context_loader.forget_visits(organization, loaded.message, everyone)
        await self._forget(organization, loaded.message.id, summary_of(loaded).parts)

    async def _forget(
        self, organization: str, message: str, parts: Mapping[str, Any], planned: Sequence[StoredMessage] = ()
    ) -> None:
        for follower in self._followers:
            await follower.forget(organization, message, read_part(follower, parts), planned)

    async def _keep_unjudged(self, organization: str, loaded: Loaded, facts: list[Fact]) -> None:
        """Store facts of a busy message unjudged, and make sure that a recount is scheduled."""
        message = loaded.message.id
        await self._rows.keep_unjudged(organization, message, facts)
        await self._context_loader.note(organization, loaded, facts)
        # Read after the facts are there: a recount that was due until now may have read without them.
        again, now = await self._store.load(organization, message), self._clock.now()
        if again is None or (again.recount_at and again.recount_at > now + _NOT_BEGUN):
            return
        summary = summary_of(again)
        late = summary.folded.facts if summary.folded and are_late(facts, summary.folded) else 0
        pause = pause_for(summary.live + late)
        await self._looking.ask_recount(organization, message, pause)
        await self._store.put_recount(organization, message, now + pause)


def _is_busy(summary: Summary, facts: Sequence[Fact]) -> bool:
    """Whether so much would have to be looked at for these facts that they wait for others to come."""
    folded = summary.folded
    return summary.live >= BUSY or bool(folded and folded.facts > _MANY and are_late(facts, folded))
