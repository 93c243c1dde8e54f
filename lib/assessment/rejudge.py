"""Judging again: one message, or all of an organization, by the rules and catalogues of today.

Changes are known before anything is written, as far as they do not come from what other mails will say once these are
judged again, too. Of an organization that is judged to be written, this comes first: what each mail by itself tells of
its sources is renewed, then all are judged with it. So judging twice changes nothing the second time.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from pydantic import BaseModel, Field

from lib.assessment.assessor import Assessor
from lib.assessment.context import ContextLoader
from lib.assessment.findings import Assessment
from lib.assessment.message_judge import MessageJudge
from lib.assessment.summary import summary_of
from lib.clock import moment
from lib.errors import Stale
from lib.fields import Moment
from lib.lists.store import Lists, scope_of
from lib.messages.store import Loaded, MessageStore
from lib.storage.documents import UnreadableRow
from lib.storage.retry import retry_on_conflict
from lib.tracking.facts import FactKind
from lib.verdicts import RULES_VERSION
from lib.verdicts.evidence import Class
from lib.verdicts.kpis import Kpis

log = logging.getLogger("heed.rejudge")

_MOST_SHOWN = 100
_PAGE = 200


class VerdictChange(BaseModel):
    """A verdict that is another class now."""

    id: str
    kind: FactKind
    at: Moment
    before: Class
    now: Class
    because: str


class Reassessment(BaseModel):
    """`changed` counts the verdicts whose class is another now, `changes` shows the first of them; `reworded` counts
    those that say the same with another confidence or other reasons."""

    message: str
    rules: str = RULES_VERSION
    facts: int
    changed: int
    reworded: int
    changes: list[VerdictChange] = Field(description=f"the first {_MOST_SHOWN}, newest first")
    before: Kpis
    after: Kpis


class Rejudge:
    """Judges messages again that were judged before."""

    def __init__(
        self, judge: MessageJudge, assessor: Assessor, store: MessageStore, lists: Lists, context_loader: ContextLoader
    ) -> None:
        self._judge = judge
        self._assessor = assessor
        self._store = store
        self._lists = lists
        self._context_loader = context_loader

    async def message(self, organization: str, message: str, *, write: bool) -> Reassessment | None:
        """Judge it from all its facts; None where there is no such message. Raises Stale, StorageError."""

        async def judge_again() -> Reassessment | None:
            loaded = await self._store.load(organization, message)
            if loaded is None:
                return None
            found = await self._judge.assess(organization, loaded, from_all=True)
            if write:
                await self._assessor.settle(organization, loaded, found)
            return _report(loaded, found)

        return await retry_on_conflict(f"message {message}", judge_again, on=Stale)

    async def organization(self, organization: str, *, write: bool) -> AsyncIterator[Reassessment]:
        """Yield every message that was sent, oldest first: mails before it tell whether a recipient was known.

        One that cannot be read is passed over; the log names it.
        """
        if write:
            async for message in self._sent_messages(organization):
                with suppress(UnreadableRow):
                    await self._renew_visits(organization, message)
        async for message in self._sent_messages(organization):
            try:
                report = await self.message(organization, message, write=write)
            except UnreadableRow as error:
                log.error("message %s of organization %s is not judged: %s", message, organization, error)
                continue
            if report is not None:
                yield report

    async def some(
        self, organization: str, after: str | None, limit: int, *, write: bool
    ) -> tuple[list[Reassessment], str | None]:
        """Judge up to so many messages again, newest first from behind the cursor `after`; the next cursor.

        What each mail tells of its sources is renewed with it, not before: where all are to be judged as if they had
        come today, judge the whole organization. Raises Stale, StorageError.
        """
        rows = self._lists.page(organization, scope_of(), "all", "-sent_at", after, limit)
        page = [(cursor, listed.message) async for cursor, listed in rows]
        found = [
            await self.message(organization, message.id, write=write) for _, message in page if message.state != "draft"
        ]
        return [each for each in found if each], page[-1][0] if len(page) == limit else None

    async def _sent_messages(self, organization: str) -> AsyncIterator[str]:
        after: str | None = None
        while True:
            rows = self._lists.page(organization, scope_of(), "all", "sent_at", after, _PAGE)
            page = [(cursor, listed.message) async for cursor, listed in rows]
            for _, message in page:
                if message.state != "draft":
                    yield message.id
            if len(page) < _PAGE:
                return
            after = page[-1][0]

    async def _renew_visits(self, organization: str, message: str) -> None:
        """Write what the message by itself tells of its sources, and nothing else of it. Raises StorageError.

        Of a message that was changed meanwhile, deleted or erased perhaps, nothing stays.
        """
        loaded = await self._store.load(organization, message)
        if loaded is None:
            return
        found = await self._judge.assess(organization, loaded, from_all=True)
        if found.refused:
            return  # they go when the message is judged
        await self._context_loader.save_visits(organization, found.memory, found.visits, is_whole=found.folded is None)
        again = await self._store.load(organization, message)
        if again is None or (again.etag, again.summary_row) != (loaded.etag, loaded.summary_row):
            everyone = range(len(loaded.message.recipients()))
            await self._context_loader.forget_visits(organization, loaded.message, everyone)


def _report(loaded: Loaded, found: Assessment) -> Reassessment:
    changes = found.changes
    other = [
        VerdictChange(
            id=fact.key,
            kind=fact.kind,
            at=moment(fact.at),
            before=before.kind,
            now=now.kind,
            because=now.reasons[0].text,
        )
        for fact, before, now in changes
        if before.kind != now.kind
    ]
    return Reassessment(
        message=loaded.message.id,
        facts=len(found.known),
        changed=len(other),
        reworded=len(changes) - len(other),
        changes=other[:_MOST_SHOWN],
        before=summary_of(loaded).kpis,
        after=found.kpis,
    )
