"""The replay of facts that only the log holds, from a time when storage did not answer."""

from __future__ import annotations

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from lib.operations.lost_facts import find_lost_facts, replay_lost_facts

endpoints = Endpoints("Operations", may=("administrator",), prefix="api/ops")

_LARGEST_LOG = 25 * 1024 * 1024
"""Bytes."""


class Replayed(BaseModel):
    """The outcome of a replay."""

    replayed: int = Field(description="facts that were handed to the assessor")
    skipped: int = Field(description="lines that hold no readable fact")


@endpoints("POST", "/replay", text_body=True, answers={200: Replayed}, largest_body=_LARGEST_LOG)
async def replay_log(call: Call) -> Answer:
    """Take back the facts that the log holds, from days without storage. The body is the log; again is the same."""
    lost = find_lost_facts(call.body.decode("utf-8", "replace").split("\n"))
    await replay_lost_facts(call.services.storage.queues, lost)
    for organization, facts in lost.by_organization.items():
        call.note("facts.replayed", organization=organization, facts=len(facts))
    return Answer(200, Replayed(replayed=lost.number, skipped=lost.unreadable))
