"""Asks a judge about the mails of an organization in the order of time, as the assessor is asked in production.

Whenever facts of a mail come, the judge is asked a moment later about all facts of that mail that are there by then,
and once more a day and a week after the last. Questions about different mails are mixed as they come, so that a judge
with a memory knows at each question what it could know at that time, and nothing later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench.traces.heed import as_decision
from bench.traces.judges import Decision, Judge
from bench.traces.organizations.play import PlayedMail
from bench.traces.organizations.sessions import Session
from bench.traces.score import SETTLING
from bench.traces.timing import DAY
from lib.assessment.session_places import SessionPlaces
from lib.assessment.sources_seen import WITHIN, Sightings
from lib.assessment.visits import Visits
from lib.catalogues.networks import Networks
from lib.catalogues.registry import Catalogues
from lib.clock import SetClock, milliseconds, moment
from lib.people.address_hashes import AddressHashes
from lib.people.store import People
from lib.storage.layout import EVIDENCE, ORGANIZATIONS, table
from lib.storage.memory import memory_storage
from lib.tracking.facts import Fact
from lib.verdicts.context import Sending
from lib.verdicts.judge import Judgement, judge_and_remember
from lib.verdicts.request import request_of

LAST_LOOKS = (DAY, 7 * DAY)
"""Milliseconds from the last fact of a mail to the last questions about it."""

_ORGANIZATION = "played"


@dataclass(frozen=True, slots=True)
class Question:
    """A judge is asked about one mail."""

    mail: PlayedMail

    facts: Sequence[Fact]
    """All facts of the mail by now: hits, and mail that came back."""

    new: Sequence[Fact]
    """Those that came since the question before."""

    now: int
    """Milliseconds since 1970."""


class OrganizationJudge(Protocol):
    """A judge of one organization's mails, which may remember. Questions come in the order of time."""

    async def answer(self, question: Question) -> Mapping[str, Decision]:
        """Give a decision by the key of each fact."""


@dataclass(slots=True)
class Outcome:
    """What was said about one mail."""

    mail: PlayedMail
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    """The last answer."""

    alerting: str | None = None
    """Key of the fact that raised an alert: the first open that was told, at any time."""


class Forgetful:
    """A judge without a memory: each question is answered from its facts alone."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def answer(self, question: Question) -> Mapping[str, Decision]:
        """Judge the mail by itself."""
        hits = [fact for fact in question.facts if fact.is_hit]
        return self._judge(hits, replace(question.mail.trace.sending, elsewhere={}))


class HeedInAnOrganization:
    """Heed's judge with all that production remembers: the sources seen at other mails, in storage in memory.

    Of the `sessions`, in the order of time, it knows those of the day of its first question and later.
    """

    def __init__(self, catalogues: Catalogues, sessions: Iterable[Session] = ()) -> None:
        self._catalogues = catalogues
        self._sessions = deque(sessions)
        self._begins: int | None = None
        storage = memory_storage()
        self._tables = storage.tables
        self._sightings = Sightings(self._tables)
        self._clock = SetClock(moment(0))
        hashes = AddressHashes(storage, self._clock)
        self._visits = Visits(self._tables, hashes, catalogues, self._clock)
        self._session_places = SessionPlaces(self._tables, People(self._tables), hashes, catalogues, self._clock)

    async def answer(self, question: Question) -> Mapping[str, Decision]:
        """Note the new facts' sources, load the context, and judge: the order of `lib.assessment.assessor`."""
        sending = question.mail.trace.sending
        early = self._noted(question.facts, sending)
        for name in (ORGANIZATIONS, table(_ORGANIZATION, "journal"), table(_ORGANIZATION, EVIDENCE)):
            await self._tables.create(name)
        await self._sightings.note(_ORGANIZATION, self._noted(question.new, sending))
        elsewhere = await self._sightings.elsewhere(_ORGANIZATION, early, {})
        mail = question.mail
        self._clock.move(milliseconds=question.now - milliseconds(self._clock.now()))
        await self._note_sessions(question.now)
        memory = await self._visits.recall(
            _ORGANIZATION, mail.trace.message, mail.sender, mail.recipients, question.facts
        )
        worked = await self._session_places.recall(_ORGANIZATION, mail.sender, memory, question.facts)
        memory = replace(memory, worked=worked)
        known = replace(sending, elsewhere=elsewhere, memory=memory, looked_at=question.now)
        judged = self.judge(question.facts, known)
        await self._visits.save_visits(_ORGANIZATION, memory, judged.visits)
        return {key: as_decision(verdict) for key, verdict in judged.verdicts.items()}

    async def _note_sessions(self, now: int) -> None:
        """Note the sessions by now, as pages of the console do."""
        if self._begins is None:
            self._begins = now // DAY * DAY
        while self._sessions and self._sessions[0].at <= now:
            session = self._sessions.popleft()
            if session.at >= self._begins:
                request = session.request(self._catalogues.networks)
                await self._session_places.save_session(_ORGANIZATION, session.sender, session.sender, request)

    def _noted(self, facts: Iterable[Fact], sending: Sending) -> list[Fact]:
        """Pick as `ContextLoader` does: hits soon after the sending, from sources that can be known again."""
        return [
            fact
            for fact in facts
            if fact.is_hit
            and (sent_at := sending.dispatched_to(fact.recipient)) is not None
            and fact.at - sent_at <= WITHIN
            and not request_of(fact, self._catalogues).is_shared
        ]

    def judge(self, facts: Sequence[Fact], sending: Sending) -> Judgement:
        """Judge the facts of one mail with all that is known."""
        return judge_and_remember(facts, sending, self._catalogues)


def replay(mails: Iterable[PlayedMail], judge: OrganizationJudge, networks: Networks) -> list[Outcome]:
    """Ask all questions, in the order of time. A mail without a fact has an outcome without decisions."""
    return asyncio.run(_replay(mails, judge, networks))


async def _replay(mails: Iterable[PlayedMail], judge: OrganizationJudge, networks: Networks) -> list[Outcome]:
    outcomes = {mail.trace.message: Outcome(mail) for mail in mails}
    questions = [each for outcome in outcomes.values() for each in _questions(outcome.mail, networks)]
    for question in sorted(questions, key=lambda each: (each.now, each.mail.trace.message)):
        outcome = outcomes[question.mail.trace.message]
        outcome.decisions = await judge.answer(question)
        if outcome.alerting is None:
            opens = [fact.key for fact in question.facts if fact.kind == "open"]
            outcome.alerting = next((key for key in opens if outcome.decisions[key].alerts), None)
    return list(outcomes.values())


def _questions(mail: PlayedMail, networks: Networks) -> Iterator[Question]:
    hits = [fact for _, fact in mail.hits(networks)]
    facts = sorted([*hits, *mail.answer_facts], key=lambda fact: fact.at)
    place = 0
    while place < len(facts):
        now = facts[place].at + SETTLING
        end = next((later for later in range(place, len(facts)) if facts[later].at > now), len(facts))
        yield Question(mail, facts[:end], facts[place:end], now)
        place = end
    if facts:
        yield from (Question(mail, facts, (), facts[-1].at + later) for later in LAST_LOOKS)
