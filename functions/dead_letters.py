"""Messages that failed every time: an operator looks at them, and puts them back when the cause is mended."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal

import azure.functions as func
from pydantic import BaseModel, Field, StringConstraints

from functions.endpoint import Answer, Call, Endpoints
from functions.problems import invalid
from lib.fields import Model, Moment
from lib.operations.dead_letters import DeadLetterKind, count_dead_letters, dead_letter_kind, raise_alarm
from lib.services import Services
from lib.storage import DeadLetter
from lib.storage.layout import QUEUES

operations = Endpoints("Operations", who="admin", prefix="api/ops")

_MOST_IDS = 1000

DeadLetterId = Annotated[str, StringConstraints(max_length=200)]


class DeadLetterRead(BaseModel):
    """`size` is in bytes; `tries` is null where nobody counts them; `since` is when it was given up, or else sent."""

    queue: str
    id: str
    kind: DeadLetterKind
    size: int
    tries: int | None
    since: Moment
    age_seconds: int
    reason: str


class DeadLettersRead(BaseModel):
    """`counts` by queue. Service Bus counts to 100; storage shows the first 32 of a queue, Service Bus 100."""

    counts: dict[str, int]
    items: list[DeadLetterRead]


class ReplaySpec(Model):
    """Messages of one queue that are to be tried again."""

    queue: Annotated[str, StringConstraints(max_length=63)]
    ids: (
        Annotated[list[Annotated[str, StringConstraints(max_length=128)]], Field(max_length=_MOST_IDS)] | Literal["all"]
    )


class DeadLettersReplayed(BaseModel):
    """How many were put into their queue again."""

    replayed: int


@operations("GET", "/dead-letters", answers={200: DeadLettersRead})
async def list_dead_letters(call: Call) -> Answer:
    """List the messages that failed every time, without what they say."""
    dead_letters = call.services.storage.queues.dead_letters
    by_queue, found = await asyncio.gather(
        count_dead_letters(dead_letters), asyncio.gather(*map(dead_letters.peek, QUEUES))
    )
    items = [_read(queue, letter, call.now) for queue, letters in zip(QUEUES, found, strict=True) for letter in letters]
    return Answer(200, DeadLettersRead(counts=by_queue, items=items))


def _read(queue: str, letter: DeadLetter, now: datetime) -> DeadLetterRead:
    return DeadLetterRead(
        queue=queue,
        id=letter.id,
        kind=dead_letter_kind(queue, letter.body),
        size=len(letter.body),
        tries=letter.tries,
        since=letter.since,
        age_seconds=max(0, int((now - letter.since).total_seconds())),
        reason=letter.reason,
    )


@operations("POST", "/dead-letters/replay", body=ReplaySpec, answers={200: DeadLettersReplayed})
async def replay_dead_letters(call: Call) -> Answer:
    """Put messages that failed every time back on their queue."""
    spec: ReplaySpec = call.body
    if spec.queue not in QUEUES:
        raise invalid(["queue"], f"there is no such queue; there are {', '.join(QUEUES)}")
    ids = None if spec.ids == "all" else spec.ids
    replayed = await call.services.storage.queues.dead_letters.replay(spec.queue, ids)
    return Answer(200, DeadLettersReplayed(replayed=replayed))


def blueprint(services: Services) -> func.Blueprint:
    """The timer that raises the alarm."""
    triggers = func.Blueprint()

    @triggers.function_name("watch_dead_letters")
    @triggers.timer_trigger("timer", "15 */5 * * * *")
    async def watch_dead_letters(timer: func.TimerRequest) -> None:  # noqa: ARG001
        await raise_alarm(services.storage.queues.dead_letters)

    return triggers
