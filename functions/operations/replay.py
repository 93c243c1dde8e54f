"""The replay of facts that only the log holds, from a time when storage did not answer."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pydantic import BaseModel, Field

from functions.api.endpoint import Answer, Call, Endpoints
from lib.storage.batches import batches_of
from lib.storage.layout import INTERACTIONS
from lib.tracking.facts import Fact, NotAFact, read_interactions
from lib.tracking.journal import LOG_MARK, queue_body

endpoints = Endpoints("Operations", may=("administrator",), prefix="api/ops")

_FACTS_OF_A_MESSAGE = 50
_LARGEST_LOG = 25 * 1024 * 1024
"""Bytes."""


class Replayed(BaseModel):
    """The outcome of a replay."""

    replayed: int = Field(description="facts that were handed to the assessor")
    skipped: int = Field(description="lines that hold no readable fact")


@endpoints("POST", "/replay", text_body=True, answers={200: Replayed}, largest_body=_LARGEST_LOG)
async def replay_log(call: Call) -> Answer:
    """Take back the facts that the log holds, from days without storage. The body is the log; again is the same."""
    found, skipped = _facts_in(call.body.decode("utf-8", "replace").split("\n"))
    for organization, facts in found.items():
        for some in batches_of(facts, _FACTS_OF_A_MESSAGE):
            texts = [fact.to_json() for fact in some]
            await call.services.storage.queues.send(INTERACTIONS, queue_body(organization, texts))
        call.note("facts.replayed", organization=organization, facts=len(facts))
    return Answer(200, Replayed(replayed=sum(map(len, found.values())), skipped=skipped))


def _facts_in(lines: Iterable[str]) -> tuple[dict[str, list[Fact]], int]:
    """Read the facts after the mark, wherever it stands in a line: facts by organization, each once, and the count of
    those that cannot be read."""
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
