"""Whether Heed and what it depends on are well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from lib.operations.deployment import MOST_SWEPT, PROMPT_QUEUES, CatalogueState, QueueState, SweepState
from lib.operations.instances import COUNTED, Instance, find_split
from lib.operations.overdue import LIMIT, OverdueKind
from lib.services import Services
from lib.storage import StorageError
from lib.storage.layout import ORGANIZATIONS
from lib.verdicts import RULES_VERSION

endpoints = Endpoints("Service", may=("anyone",), prefix="api")

_CHECK_SECONDS = 5
_LONGEST_LAG = 600
"""Seconds by which a sweep may be behind: one that has failed once makes up for it."""

_MOST_INSTANCES = 200
_DOES_NOT_ANSWER = "does not answer"

_Read = TypeVar("_Read")


class Health(BaseModel):
    """The state of the service: `failing` when one of the checks is not `ok`."""

    status: Literal["ok", "failing"]
    checks: dict[str, str]
    oldest_overdue_seconds: dict[str, int] | None = Field(
        description="ages of the oldest mail, and of the oldest reminder or snoozed card, whose time has come and that "
        "are still not done; above 300 the check fails. Null while storage does not answer"
    )


class DeepHealth(Health):
    """The state of the service and of all that works behind it. What is null was not told in time."""

    rules: str = Field(description="the version of the rules that verdicts are made by")
    queues: list[QueueState] | None = Field(
        description="all queues. A check fails where something was given up, and where the oldest message of "
        "`interactions`, `outbox` or `inbound` has waited for over 300 seconds"
    )
    sweeps: list[SweepState] | None = Field(
        description=f"the first {MOST_SWEPT} organizations by id, furthest behind first; above {_LONGEST_LAG} seconds "
        "the check fails"
    )
    instances: list[Instance] | None = Field(
        description=f"instances of the app that were seen in the last {COUNTED.seconds // 60} minutes, the first "
        f"{_MOST_INSTANCES} by token keys. A check fails where one of them cannot open what another one seals"
    )
    catalogues: list[CatalogueState] = Field(description="all catalogues; their age fails no check")


@endpoints("GET", "/health", answers={200: Health, 503: Health})
async def health(call: Call) -> Answer:
    """Tell whether Heed and what it depends on are well, and whether mail and reminders leave in time.

    Reading is tried each time, writing at most once a minute; both together within the time of one answer.
    """
    checks, overdue = await _look(call.services)
    status, code = _verdict(checks)
    return Answer(code, Health(status=status, checks=checks, oldest_overdue_seconds=overdue))


@endpoints("GET", "/health/deep", may=("administrator",), answers={200: DeepHealth, 503: DeepHealth})
async def deep_health(call: Call) -> Answer:
    """Tell what an operator looks at first: health, queues, dead letters, sweeps, instances, catalogues.

    Health is what `GET /api/health` tells. Storage has five seconds for all of it.
    """
    deployment = call.services.deployment
    (checks, overdue), queues, sweeps, instances, catalogues = await asyncio.gather(
        _look(call.services),
        _in_time(deployment.queues()),
        _in_time(deployment.sweeps()),
        _in_time(call.services.instances.list_seen()),
        deployment.catalogues(),
    )
    checks = {**checks, **_queue_checks(queues), **_sweep_check(sweeps), **_instances_check(instances)}
    status, code = _verdict(checks)
    body = DeepHealth(
        status=status,
        checks=checks,
        oldest_overdue_seconds=overdue,
        rules=RULES_VERSION,
        queues=queues,
        sweeps=sweeps,
        instances=None if instances is None else instances[:_MOST_INSTANCES],
        catalogues=catalogues,
    )
    return Answer(code, body)


async def _look(services: Services) -> tuple[dict[str, str], dict[str, int] | None]:
    """Check storage, and what is overdue; the checks, and the ages of the oldest things by kind."""
    checks, overdue, reads = {"storage": "ok"}, dict[OverdueKind, int](), False
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await services.storage.tables.read_row(ORGANIZATIONS, "health", "check")
            overdue = await services.overdue.seconds()
            reads = True
            await services.write_check.check()
    except (StorageError, TimeoutError):
        checks["storage"] = "answers, but takes no writes" if reads else _DOES_NOT_ANSWER
    for what, age in overdue.items():
        checks[what] = "ok" if age <= LIMIT.total_seconds() else f"the oldest should have gone {age} s ago"
    return checks, {str(what): age for what, age in overdue.items()} if reads else None


async def _in_time(reading: Awaitable[_Read]) -> _Read | None:
    """None where storage does not answer, or takes too long."""
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await reading
    except (StorageError, TimeoutError):
        return None


def _queue_checks(queues: Sequence[QueueState] | None) -> Mapping[str, str]:
    if queues is None:
        return {"queues": _DOES_NOT_ANSWER}
    late = [
        f"the oldest message of {each.queue} has waited for {each.oldest_seconds} s"
        for each in queues
        if each.queue in PROMPT_QUEUES and (each.oldest_seconds or 0) > LIMIT.total_seconds()
    ]
    dead = [f"{each.dead} of {each.queue}" for each in queues if each.dead]
    return {"queues": ", ".join(late) or "ok", "dead letters": ", ".join(dead) or "ok"}


def _sweep_check(sweeps: Sequence[SweepState] | None) -> Mapping[str, str]:
    """Check the sweep that is furthest behind, which is the first one."""
    if sweeps is None:
        return {"sweeps": _DOES_NOT_ANSWER}
    behind = [each for each in sweeps if (each.lag_seconds or 0) > _LONGEST_LAG]
    return {"sweeps": f"that of {behind[0].organization} is {behind[0].lag_seconds} s behind" if behind else "ok"}


def _instances_check(instances: Sequence[Instance] | None) -> Mapping[str, str]:
    return {"token keys": _DOES_NOT_ANSWER if instances is None else find_split(instances) or "ok"}


def _verdict(checks: Mapping[str, str]) -> tuple[Literal["ok", "failing"], int]:
    return ("ok", 200) if all(result == "ok" for result in checks.values()) else ("failing", 503)
