"""The service itself: its health, its description, and what an operator does by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Literal

import azure.functions as func
from pydantic import BaseModel, Field

from functions.endpoint import Answer, Call, Endpoints
from lib.operations.overdue import LIMIT
from lib.storage import StorageError
from lib.storage.batches import batches_of
from lib.storage.layout import INTERACTIONS, ORGANIZATIONS
from lib.tracking.facts import Fact, NotAFact, read_interactions
from lib.tracking.journal import LOG_MARK, queue_body

endpoints = Endpoints("Service", who="nobody", prefix="api")
operations = Endpoints("Operations", who="admin", prefix="api/ops")

_CHECK_SECONDS = 5
_FACTS_OF_A_MESSAGE = 50
_LARGEST_LOG = 25 * 1024 * 1024


class Health(BaseModel):
    """`failing` when one of the checks is not `ok`."""

    status: Literal["ok", "failing"]
    checks: dict[str, str]
    oldest_overdue_seconds: dict[str, int] | None = Field(
        description="ages of the oldest mail, and of the oldest reminder or snoozed card, whose time has come and that "
        "are still not done; above 300 the check fails. Null while storage does not answer"
    )


class Replayed(BaseModel):
    """`skipped` are lines that hold no readable fact."""

    replayed: int
    skipped: int


@endpoints("GET", "/health", answers={200: Health, 503: Health})
async def health(call: Call) -> Answer:
    """Whether Heed and what it depends on are well, and whether mail and reminders leave in time."""
    checks, overdue = {"storage": "ok"}, None
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await call.services.storage.tables.read_row(ORGANIZATIONS, "health", "check")
            overdue = dict(await call.services.overdue.seconds())
    except (StorageError, TimeoutError):
        checks["storage"] = "does not answer"
    for what, age in (overdue or {}).items():
        checks[what] = "ok" if age <= LIMIT.total_seconds() else f"the oldest should have gone {age} s ago"
    well = all(result == "ok" for result in checks.values())
    body = Health(status="ok" if well else "failing", checks=checks, oldest_overdue_seconds=overdue)
    return Answer(200 if well else 503, body)


@operations("POST", "/replay", text_body=True, answers={200: Replayed}, largest_body=_LARGEST_LOG)
async def replay_log(call: Call) -> Answer:
    """Take back the facts that the log holds, from days without storage. The body is the log; again is the same."""
    found, skipped = _facts_in(call.body.decode("utf-8", "replace").splitlines())
    for organization, facts in found.items():
        for some in batches_of(facts, _FACTS_OF_A_MESSAGE):
            texts = [fact.to_json() for fact in some]
            await call.services.storage.queues.send(INTERACTIONS, queue_body(organization, texts))
    return Answer(200, Replayed(replayed=sum(map(len, found.values())), skipped=skipped))


def _facts_in(lines: Iterable[str]) -> tuple[dict[str, list[Fact]], int]:
    """Facts by organization, each once, wherever in a line the mark stands; and how many could not be read."""
    found: dict[str, dict[str, Fact]] = {}
    skipped = 0
    for line in lines:
        _, mark, rest = line.partition(LOG_MARK)
        if not mark:
            continue
        try:
            raw, _ = json.JSONDecoder().raw_decode(rest)
            read = read_interactions({"v": 1, "org": raw["org"], "facts": [raw["fact"]]})
        except (ValueError, TypeError, KeyError, NotAFact):
            skipped += 1
        else:
            found.setdefault(read.organization, {}).update({fact.key: fact for fact in read.facts})
    return {organization: list(facts.values()) for organization, facts in found.items()}, skipped


def pages(document: bytes) -> func.Blueprint:
    """The OpenAPI document, and a page that shows it."""
    triggers = func.Blueprint()

    @triggers.function_name("openapi")
    @triggers.route("api/openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    async def openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        return func.HttpResponse(document, mimetype="application/json")

    @triggers.function_name("docs")
    @triggers.route("api/docs", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    async def docs(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
        from functions.docs_page import docs_page

        return func.HttpResponse(docs_page(document), mimetype="text/html", headers=_PAGE_HEADERS)

    return triggers


_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
