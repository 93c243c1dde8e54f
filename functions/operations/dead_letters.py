"""Dead letters: an operator lists them, and puts them back on their queue when the cause is mended."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import invalid
from lib.fields import Model, Moment
from lib.operations.dead_letters import DeadLetterKind, count_dead_letters, dead_letter_kind
from lib.storage import DeadLetter
from lib.storage.layout import QUEUES

endpoints = Endpoints("Operations", may=("administrator",), prefix="api/ops")

_MOST_IDS = 1000

DeadLetterId = Annotated[str, StringConstraints(max_length=128)]


class DeadLetterRead(BaseModel):
    """A message that failed every time, without its content."""

    queue: str
    id: str
    kind: DeadLetterKind
    size: int = Field(description="in bytes")
    tries: int | None = Field(description="null where the queue does not count them")
    since: Moment = Field(description="when it was given up; where the queue does not say so, when it was sent")
    age_seconds: int
    reason: str


class DeadLettersRead(BaseModel):
    """The dead letters of all queues: storage shows the first 32 of a queue, Service Bus the first 100."""

    counts: dict[str, int] = Field(description="by queue; Service Bus counts to 100")
    items: list[DeadLetterRead]


class ReplaySpec(Model):
    """Messages of one queue that are to be tried again."""

    queue: Annotated[str, StringConstraints(max_length=63)]
    ids: Annotated[list[DeadLetterId], Field(max_length=_MOST_IDS)] | Literal["all"]


class DeadLettersReplayed(BaseModel):
    """The outcome of a replay."""

    replayed: int = Field(description="messages that were put into their queue again")


@endpoints("GET", "/dead-letters", answers={200: DeadLettersRead})
async def list_dead_letters(call: Call) -> Answer:
    """List the messages that failed every time, without what they say."""
    dead_letters = call.services.storage.queues.dead_letters
    by_queue, found = await asyncio.gather(
        count_dead_letters(dead_letters), asyncio.gather(*map(dead_letters.peek, QUEUES))
    )
    items = [_read(queue, letter, call.now) for queue, letters in zip(QUEUES, found, strict=True) for letter in letters]
    return Answer(200, DeadLettersRead(counts=by_queue, items=items))


@endpoints("POST", "/dead-letters/replay", body=ReplaySpec, answers={200: DeadLettersReplayed})
async def replay_dead_letters(call: Call) -> Answer:
    """Put messages that failed every time back on their queue."""
    spec: ReplaySpec = call.body
    if spec.queue not in QUEUES:
        raise invalid(["queue"], f"there is no such queue; there are {', '.join(QUEUES)}")
    ids = None if spec.ids == "all" else spec.ids
    replayed = await call.services.storage.queues.dead_letters.replay(spec.queue, ids)
    call.services.audit.note_of_deployment("dead_letters.replayed", {"queue": spec.queue, "replayed": replayed})
    return Answer(200, DeadLettersReplayed(replayed=replayed))


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
