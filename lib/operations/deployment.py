"""The state of the deployment: queues, sweeps, catalogues.

One reading serves deep health, the operator's page of the console, and the metrics behind alerts and workbook.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from pydantic import BaseModel, Field

from lib.assessment.journal_sweep import JournalSweep, lag_at
from lib.clock import Clock
from lib.fields import Moment
from lib.metrics import CATALOGUE_AGE, MESSAGES_WAITING, OLDEST_WAITING, emit_metric
from lib.operations.dead_letters import count_dead_letters, raise_alarm
from lib.organizations.registry import Organizations
from lib.storage import Backlog, Queues, StorageError
from lib.storage.at_once import some_at_once
from lib.storage.layout import INBOUND, INTERACTIONS, OUTBOX, QUEUES

log = logging.getLogger("heed.deployment")

PROMPT_QUEUES = frozenset({OUTBOX, INTERACTIONS, INBOUND})
"""Queues whose messages are done at once. In the others, messages may wait for hours, such as for a webhook."""

MOST_SWEPT = 200
"""Organizations whose sweeps are read."""

_SECONDS_FOR_ONE = 2
"""Time that one organization's storage has to tell of its sweep."""

_CATALOGUES_TOLD = timedelta(minutes=5)
"""Part of each hour in which catalogues are told of: that between two looks."""


class QueueState(BaseModel):
    """A queue of the deployment."""

    queue: str
    waiting: int = Field(
        description="messages that no function has done yet, those for later included; storage counts roughly, Service "
        "Bus to 100"
    )
    oldest_seconds: int | None = Field(
        description="seconds since the first message that waits was sent; null where none waits, or that is not known"
    )
    dead: int = Field(description="messages that failed every time; Service Bus counts to 100")


class SweepState(BaseModel):
    """Progress of the sweep of an organization's journal."""

    organization: str = Field(description="the organization's id")
    swept_to: Moment | None = Field(
        description="null: the sweep has not run yet, or the organization's storage does not tell"
    )
    lag_seconds: int | None = Field(
        description="seconds by which the sweep is behind; up to 300 while its timer works, as it runs every 5 minutes"
    )


class CatalogueState(BaseModel):
    """A catalogue that verdicts look things up in."""

    name: str
    as_of: str | None = Field(description="the newest date in it, year and month, with or without day")
    age_days: int | None = Field(description="days since that date, or since the first of that month")


class Deployment:
    """Queues, sweeps and catalogues, as they are now."""

    def __init__(
        self,
        queues: Queues,
        organizations: Organizations,
        sweep: JournalSweep,
        catalogue_dates: Callable[[], Mapping[str, str | None]],
        clock: Clock,
    ) -> None:
        self._queues = queues
        self._organizations = organizations
        self._sweep = sweep
        self._catalogue_dates = catalogue_dates
        self._clock = clock

    async def queues(self) -> list[QueueState]:
        """Read what waits in each queue, since when, and what was given up. Raises StorageError."""
        backlogs, dead = await asyncio.gather(
            asyncio.gather(*map(self._queues.backlog, QUEUES)), count_dead_letters(self._queues.dead_letters)
        )
        return [self._queue(name, each, dead[name]) for name, each in zip(QUEUES, backlogs, strict=True)]

    async def sweeps(self) -> list[SweepState]:
        """Read how far sweeps of the first organizations have come, furthest behind first. Raises StorageError."""
        found = await self._organizations.page_of_organizations(None, MOST_SWEPT)
        sweeps = await some_at_once(self._swept(organization.id) for organization, _ in found)
        return sorted(sweeps, key=lambda sweep: -(sweep.lag_seconds or 0))

    async def catalogues(self) -> list[CatalogueState]:
        """Read the date of each catalogue: once in a process, from files."""
        dates, today = await asyncio.to_thread(self._catalogue_dates), self._clock.now().date()
        return [_catalogue(name, as_of, today) for name, as_of in dates.items()]

    async def watch(self) -> None:
        """Write metrics of queues, once an hour of catalogues, and raise the alarm where there are dead letters.

        Raises StorageError.
        """
        if _is_first_look(self._clock.now()):
            for catalogue in await self.catalogues():
                if catalogue.age_days is not None:
                    emit_metric(CATALOGUE_AGE, catalogue.age_days, catalogue=catalogue.name)
        for each in await self.queues():
            emit_metric(MESSAGES_WAITING, each.waiting, queue=each.queue)
            if each.oldest_seconds is not None or not each.waiting:
                emit_metric(OLDEST_WAITING, each.oldest_seconds or 0, queue=each.queue)
            raise_alarm(each.queue, each.dead)

    def _queue(self, name: str, backlog: Backlog, dead: int) -> QueueState:
        age = None if backlog.oldest is None else max(0, int((self._clock.now() - backlog.oldest).total_seconds()))
        return QueueState(queue=name, waiting=backlog.count, oldest_seconds=age, dead=dead)

    async def _swept(self, organization: str) -> SweepState:
        state = SweepState(organization=organization, swept_to=None, lag_seconds=None)
        try:
            async with asyncio.timeout(_SECONDS_FOR_ONE):
                state.swept_to = await self._sweep.swept_to(organization)
        except (StorageError, TimeoutError) as error:
            log.warning("the sweep of organization %s is not known: %s", organization, type(error).__name__)
        if state.swept_to is not None:
            state.lag_seconds = int(lag_at(self._clock.now(), state.swept_to).total_seconds())
        return state


def _catalogue(name: str, as_of: str | None, today: date) -> CatalogueState:
    """Tell of a catalogue whose newest date is `2026-11` or `2026-11-21`; empty or None where there is none."""
    if not as_of:
        return CatalogueState(name=name, as_of=None, age_days=None)
    year, month, *day = (int(part) for part in as_of.split("-"))
    return CatalogueState(name=name, as_of=as_of, age_days=max(0, (today - date(year, month, *(day or (1,)))).days))


def _is_first_look(now: datetime) -> bool:
    """Whether this is the hour's first look."""
    return timedelta(minutes=now.minute) < _CATALOGUES_TOLD
