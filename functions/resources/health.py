"""Whether Heed and what it depends on are well."""

from __future__ import annotations

import asyncio
from typing import Literal

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from lib.operations.overdue import LIMIT
from lib.storage import StorageError
from lib.storage.layout import ORGANIZATIONS

endpoints = Endpoints("Service", may=("anyone",), prefix="api")

_CHECK_SECONDS = 5


class Health(BaseModel):
    """The state of the service: `failing` when one of the checks is not `ok`."""

    status: Literal["ok", "failing"]
    checks: dict[str, str]
    oldest_overdue_seconds: dict[str, int] | None = Field(
        description="ages of the oldest mail, and of the oldest reminder or snoozed card, whose time has come and that "
        "are still not done; above 300 the check fails. Null while storage does not answer"
    )


@endpoints("GET", "/health", answers={200: Health, 503: Health})
async def health(call: Call) -> Answer:
    """Tell whether Heed and what it depends on are well, and whether mail and reminders leave in time.

    Reading is tried each time, writing at most once a minute; both together within the time of one answer.
    """
    checks, overdue, reads = {"storage": "ok"}, None, False
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await call.services.storage.tables.read_row(ORGANIZATIONS, "health", "check")
            overdue = dict(await call.services.overdue.seconds())
            reads = True
            await call.services.write_check.check()
    except (StorageError, TimeoutError):
        checks["storage"] = "answers, but takes no writes" if reads else "does not answer"
    for what, age in (overdue or {}).items():
        checks[what] = "ok" if age <= LIMIT.total_seconds() else f"the oldest should have gone {age} s ago"
    well = all(result == "ok" for result in checks.values())
    body = Health(status="ok" if well else "failing", checks=checks, oldest_overdue_seconds=overdue)
    return Answer(200 if well else 503, body)
