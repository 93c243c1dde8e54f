"""Retention: sweeps that remove what the organization's time is over for. Counts stay.

A run goes through some of an organization's rows, from where the last one has stopped, and begins anew behind the last
row. Runs reckon with a time of their own. It begins with the day on which the organization was made, is never later
than the clock, and moves on by a day a run at most. So a clock that jumps to the year 9999 has one more day's data
deleted too early in each run, and not all of it at once; and retention catches up a day an hour where it is behind.

A message to or from someone who was erased, which a restored backup has brought back, is erased again on the way.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from lib.assessment import session_places
from lib.assessment.assessor import Assessor
from lib.assessment.evidence_rows import LASTS
from lib.assessment.journal_cleaning import JournalCleaning
from lib.assessment.session_places import SessionPlaces
from lib.assessment.summary import Summary
from lib.assessment.visit_rows import PARTITIONS
from lib.assessment.visits import Visits
from lib.cards.store import CARD_ROWS, Card, Cards
from lib.clock import Clock, milliseconds, moment
from lib.errors import NotAllowed, Stale
from lib.feed.models import KEPT_MILLISECONDS
from lib.feed.store import Feed
from lib.messages.models import StoredMessage
from lib.messages.store import MessageStore
from lib.messages.thinning import MessageThinning
from lib.organizations.audit import Audit
from lib.organizations.registry import Organizations
from lib.organizations.settings import KeepDays, OrganizationSettings
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.calls import ACTIVITIES, Activity
from lib.people.erased_addresses import erased_hash
from lib.people.mail_limit import MailLimit
from lib.people.tasks import TASK_ROWS, TASKS, Task, Tasks
from lib.privacy.message_erasure import MessageErasure
from lib.privacy.scanning import ScanPlace, scan_rows
from lib.privacy.subjects import Subject
from lib.stops.organization_stops import AddressTimes
from lib.stops.stops import Stops
from lib.storage import Delete, Missing, Range, Row, StorageError, Tables, Upsert
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.late_tables import write_late_rows
from lib.storage.layout import PRIVACY, table
from lib.webhooks.delivering import WebhookDelivery

log = logging.getLogger("heed.retention")

MOST_ROWS = 20_000
"""Rows that a run looks at in one organization."""

LONGEST = timedelta(seconds=60)
"""Time of a run in one organization."""

_MOST_FAILURES = 20
"""Rows of an organization that fail until its run ends."""

_STATE = "retention"
_KINDS = ("messages", "cards", "people")
_ROWS = {"messages": Range(low="m", high="t"), "cards": Range.prefix(CARD_ROWS), "people": Range()}
_DAY = 86_400_000
"""Milliseconds; a run moves on by so much at most."""

_VISITS_LAST = (LASTS - timedelta(hours=2 * len(PARTITIONS))) // timedelta(milliseconds=1)
"""Milliseconds after which visits are deleted. Runs come to a partition every 32 hours, or later where they are busy:
by the time at which a visit is too old to be read, its rows are gone."""

_CONTEXT = 3_600_000
"""Milliseconds behind its turn in which a retired fact still waits for the facts beside it."""


class RetentionState(BaseModel):
    """The row of an organization's sweep."""

    now: int
    """The time that the last run has reckoned with, in milliseconds since 1970."""

    place: ScanPlace = ScanPlace()

    visits_turn: int = 0
    """Index of the partition of visits that is next. Runs that are late, or leave hours out, come to all of them."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Times up to which something is removed, in milliseconds since 1970; 0 for what is kept."""

    raw: int
    events: int
    bodies: int
    files: int
    inbound: int
    cards: int
    activities: int

    @staticmethod
    def at(now: int, settings: OrganizationSettings) -> Cutoffs:
        """Reckon the times from one moment."""
        keep: KeepDays = settings.keep_days

        def before(days: int | None) -> int:
            return 0 if days is None else max(0, now - days * _DAY)

        return Cutoffs(
            before(min(settings.raw_days, settings.retention_days)),
            before(settings.retention_days),
            before(keep.bodies),
            before(keep.files),
            before(keep.inbound),
            before(keep.cards),
            before(keep.activities),
        )


@dataclass(slots=True)
class _Run:
    organization: str
    cutoffs: Cutoffs
    erased: AddressTimes
    ends_at: datetime
    left: int = MOST_ROWS
    failures: int = 0
    message: StoredMessage | None = None
    """The message of the row that was read last."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The sweeps of all organizations."""

    tables: Tables
    organizations: Organizations
    store: MessageStore
    assessor: Assessor
    cleaning: JournalCleaning
    thinning: MessageThinning
    erasure: MessageErasure
    cards: Cards
    tasks: Tasks
    stops: Stops
    hashes: AddressHashes
    audit: Audit
    mail_limit: MailLimit
    visits: Visits
    session_places: SessionPlaces
    feed: Feed
    webhooks: WebhookDelivery
    clock: Clock

    async def run(self) -> int:
        """Sweep every organization, for a timer; return how many rows were looked at.

        An organization that fails is left for the next time.
        """
        looked_at = 0
        async for organization in self.organizations.list_organizations():
            try:
                looked_at += await self._sweep(organization)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("what is old of organization %s could not be removed: %s", organization, error)
        return looked_at

    async def _sweep(self, organization: str) -> int:
        state, now = await self._load_state(organization), self.clock.now()
        found = await self.organizations.load_organization(organization)
        if found is None:
            return 0
        state = state or RetentionState(now=milliseconds(found[0].created_at))
        reckoned = min(milliseconds(now), state.now + _DAY)
        stops = await self.stops.load_stops(organization)
        run = _Run(organization, Cutoffs.at(reckoned, found[0].settings), stops.erased, now + LONGEST)
        place = await self._sweep_rows(run, state.place)
        await self.cleaning.delete_old(organization, run.cutoffs.raw)
        await self.audit.delete_old(organization, moment(reckoned))
        turn = state.visits_turn % len(PARTITIONS)
        remembers = found[0].settings.tracking not in ("aggregate", "off")
        until = max(run.cutoffs.events, reckoned - _VISITS_LAST) if remembers else milliseconds(now)
        await self.visits.delete_old(organization, PARTITIONS[turn], until, stops)
        places = session_places.PARTITIONS[turn % len(session_places.PARTITIONS)]
        await self.session_places.delete_old(organization, places, until, stops)
        await self.mail_limit.delete_old(organization)
        await self.feed.delete_old(organization, reckoned - KEPT_MILLISECONDS)
        await self.webhooks.delete_old(organization)
        await self._save_state(organization, RetentionState(now=reckoned, place=place, visits_turn=turn + 1))
        return MOST_ROWS - run.left

    async def _sweep_rows(self, run: _Run, place: ScanPlace) -> ScanPlace:
        """Go through the rows from the place on; return where the next run begins."""
        begun = _KINDS.index(place.kind) if place.kind in _KINDS else 0
        for kind in _KINDS[begun:]:
            start = place if kind == place.kind else ScanPlace()
            async for _, row in scan_rows(self.tables, run.organization, start, (kind,), _ROWS[kind]):
                if run.left <= 0 or self.clock.now() >= run.ends_at:
                    return place
                await self._sweep_row(run, kind, row)
                run.left -= 1
                place = ScanPlace(kind=kind, partition=row.partition, key=row.key)
        return ScanPlace()

    async def _sweep_row(self, run: _Run, kind: str, row: Row) -> None:
        """Remove what is old of one row. What changes at the same moment is left for the next time."""
        try:
            if kind == "messages" and row.key == "m":
                run.message = unpack(StoredMessage, row)
                await self._erase_again(run, run.message)
                await self._thin(run, run.message)
            elif kind == "messages" and row.key == "s":
                await self._retire(run, row.partition, unpack(Summary, row))
            elif kind == "cards":
                await self._sweep_card(run, unpack(Card, row))
            elif kind == "people":
                await self._sweep_activity(run, row)
        except (Stale, NotAllowed):
            log.info("a row of organization %s changes just now: it is left for the next time", run.organization)
        except StorageError as error:
            # One row that cannot be worked on must not keep all others; where storage is out, the run ends.
            run.failures += 1
            if run.failures >= _MOST_FAILURES:
                raise
            log.error("a row of organization %s is left for the next time: %s", run.organization, error)
        except UnreadableRow as error:
            log.error("a row of organization %s is left as it is: %s", run.organization, error)

    async def _retire(self, run: _Run, message: str, summary: Summary) -> None:
        """Retire the facts of a message, and delete those that are too old, if it has any."""
        if _has_old_facts(summary, run.cutoffs):
            await self.assessor.retire_facts(run.organization, message, run.cutoffs.raw, run.cutoffs.events)

    async def _thin(self, run: _Run, message: StoredMessage) -> None:
        """Remove texts and files whose time is over."""
        cutoffs, at = run.cutoffs, milliseconds(message.sort_time())
        is_received = message.state == "received"
        if not is_received and message.state not in ("sent", "cancelled"):
            return
        is_done = False
        if "body" not in message.removed and at <= (cutoffs.inbound if is_received else cutoffs.bodies):
            loaded = await self.store.load(run.organization, message.id)
            if loaded is not None:
                await self.thinning.remove_body(run.organization, loaded)
                is_done = True
        if message.files_made and "files" not in message.removed and not is_received and at <= cutoffs.files:
            loaded = await self.store.load(run.organization, message.id)
            if loaded is not None:
                await self.thinning.remove_files(run.organization, loaded)
                is_done = True
        if is_done:
            await self.assessor.refresh(run.organization, message.id)

    async def _erase_again(self, run: _Run, message: StoredMessage) -> None:
        """Erase a subject whose message has come back from before the erasure."""
        if not len(run.erased):
            return
        emails = [each.email for each in message.recipients()]
        emails += [message.from_address.email] if message.from_address else []
        for email in emails:
            if erased_hash(email):
                continue
            hashed = await self.hashes.hash_address(run.organization, email)
            until = run.erased.time_of(short_hash(hashed))
            if until is not None and milliseconds(message.created_at) <= until:
                subject = Subject(email, hashed)
                await self.erasure.erase_message(run.organization, message.id, subject, also_sent_mail=False)

    async def _sweep_card(self, run: _Run, card: Card) -> None:
        if card.status != "snoozed" and milliseconds(card.created_at) <= run.cutoffs.cards:
            await self.cards.delete_card(run.organization, card)

    async def _sweep_activity(self, run: _Run, row: Row) -> None:
        """Delete a call, or a task or case that is closed, whose time is over."""
        if row.partition == TASKS and row.key.startswith(TASK_ROWS):
            task = unpack(Task, row)
            if task.status == "closed" and milliseconds(task.at) <= run.cutoffs.activities:
                await self.tasks.remove_task(run.organization, task.id)
        elif row.partition.startswith(ACTIVITIES):
            activity = unpack(Activity, row)
            if activity.status == "closed" and milliseconds(activity.at) <= run.cutoffs.activities:
                try:
                    await self.tables.write_rows(
                        table(run.organization, "people"), [Delete(row.partition, row.key, row.etag)]
                    )
                except Missing:
                    return

    async def _load_state(self, organization: str) -> RetentionState | None:
        row = await self.tables.read_row(table(organization, PRIVACY), _STATE, _STATE)
        return None if row is None else unpack(RetentionState, row)

    async def _save_state(self, organization: str, state: RetentionState) -> None:
        await write_late_rows(self.tables, organization, PRIVACY, [Upsert(Row(_STATE, _STATE, pack(state)))])


def _has_old_facts(summary: Summary, cutoffs: Cutoffs) -> bool:
    """Whether facts of a message are to be retired, made bare, or deleted.

    Summaries of earlier releases do not say how old the facts are: where there are any, they are looked at.
    """
    if summary.oldest is not None and summary.oldest <= cutoffs.raw:
        return True
    if summary.oldest_retired is not None and summary.oldest_retired <= cutoffs.events:
        return True
    base = summary.base
    if base is None:
        raw = summary.kpis.raw
        return summary.oldest is None and bool(raw.opens or raw.clicks or raw.attachment_views or summary.kpis.replies)
    return summary.oldest_retired is not None and (summary.bare_until or 0) < base.until <= cutoffs.raw - _CONTEXT
