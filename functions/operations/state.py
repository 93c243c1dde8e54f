"""The state of the deployment: queues, sweeps and catalogues."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from lib.assessment.journal_sweep import GRACE, OVERLAP
from lib.catalogues.ages import newest_dates
from lib.fields import Moment
from lib.operations.dead_letters import count_dead_letters
from lib.storage import Backlog
from lib.storage.at_once import some_at_once
from lib.storage.layout import QUEUES
from lib.verdicts import RULES_VERSION

endpoints = Endpoints("Operations", may=("administrator",), prefix="api/ops")

_MOST_SWEPT = 200


class QueueRead(BaseModel):
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


class SweepRead(BaseModel):
    """How far the sweep of an organization's journal has come."""

    organization: str = Field(description="the organization's id")
    swept_to: Moment | None = Field(description="null: the sweep has not run yet")
    lag_seconds: int | None = Field(
        description="seconds by which the sweep is behind; up to 300 while its timer works, as it runs every 5 minutes"
    )


class CatalogueRead(BaseModel):
    """A catalogue that verdicts look things up in."""

    name: str
    as_of: str | None = Field(description="the newest date in it, year and month, with or without day")


class StateRead(BaseModel):
    """The state of the deployment."""

    rules: str = Field(description="the version of the rules that verdicts are made by")
    queues: list[QueueRead] = Field(description="all queues")
    sweeps: list[SweepRead] = Field(description=f"the first {_MOST_SWEPT} organizations by id, furthest behind first")
    catalogues: list[CatalogueRead] = Field(description="all catalogues")


@endpoints("GET", "/state", answers={200: StateRead})
async def get_state(call: Call) -> Answer:
    """Tell what waits in queues and since when, how far sweeps have come, and how old catalogues are."""
    services = call.services
    backlogs, dead, sweeps, dates = await asyncio.gather(
        asyncio.gather(*map(services.storage.queues.backlog, QUEUES)),
        count_dead_letters(services.storage.queues.dead_letters),
        _sweeps(call),
        asyncio.to_thread(newest_dates, services.settings.catalogues),
    )
    queues = [_queue(call, name, each, dead[name]) for name, each in zip(QUEUES, backlogs, strict=True)]
    catalogues = [CatalogueRead(name=name, as_of=date or None) for name, date in dates.items()]
    catalogues.append(CatalogueRead(name="announced networks", as_of=services.catalogues.systems.as_of))
    return Answer(200, StateRead(rules=RULES_VERSION, queues=queues, sweeps=sweeps, catalogues=catalogues))


def _queue(call: Call, name: str, backlog: Backlog, dead: int) -> QueueRead:
    age = None if backlog.oldest is None else max(0, int((call.now - backlog.oldest).total_seconds()))
    return QueueRead(queue=name, waiting=backlog.count, oldest_seconds=age, dead=dead)


async def _sweeps(call: Call) -> list[SweepRead]:
    found = await call.services.organizations.page_of_organizations(None, _MOST_SWEPT)
    sweeps = await some_at_once(_sweep(call, organization.id) for organization, _ in found)
    return sorted(sweeps, key=lambda sweep: -(sweep.lag_seconds or 0))


async def _sweep(call: Call, organization: str) -> SweepRead:
    swept_to = await call.services.sweep.swept_to(organization)
    if swept_to is None:
        return SweepRead(organization=organization, swept_to=None, lag_seconds=None)
    behind = max(timedelta(0), call.now - swept_to - GRACE - OVERLAP)
    return SweepRead(organization=organization, swept_to=swept_to, lag_seconds=int(behind.total_seconds()))
