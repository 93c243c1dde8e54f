"""Messages of the queue `interactions`: the journal's new facts, and messages to look at again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lib.ids import MADE, ORGANIZATION
from lib.tracking.facts import Fact, NotAFact

_COMMIT = re.compile(r"[0-9]{10}-[0-9]{13}[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Interactions:
    """A message of the queue `interactions`: new facts, or messages to look at again."""

    organization: str
    facts: list[Fact]

    messages: list[str]
    """Ids of messages to look at again."""

    commits: list[str]
    """The journal's commits that hold the facts; without facts they are to be read."""

    last: bool = False
    """Whether a look that comes too early is not to be followed by another one."""


def refresh_body(organization: str, *messages: str, last: bool = False) -> str:
    """The body of a queue message that asks the assessor to look at messages again."""
    return json.dumps({"v": 1, "org": organization, "facts": [], "messages": messages, "last": last})


def read_interactions(payload: Any) -> Interactions:
    """Read a message of the queue from JSON that was parsed. Raises NotAFact."""
    if not isinstance(payload, dict) or payload.get("v") != 1 or not isinstance(payload.get("facts"), list):
        raise NotAFact("it is no message of version 1 with a list of facts")
    organization, messages, commits = payload.get("org"), payload.get("messages", []), payload.get("commits", [])
    if not isinstance(organization, str) or not ORGANIZATION.fullmatch(organization):
        raise NotAFact("it names no organization")
    if not isinstance(messages, list) or not all(isinstance(each, str) and MADE.fullmatch(each) for each in messages):
        raise NotAFact("its messages are no list of ids")
    if not isinstance(commits, list) or not all(isinstance(each, str) and _COMMIT.fullmatch(each) for each in commits):
        raise NotAFact("its commits are no list of the journal's")
    facts = [Fact.from_object(raw) for raw in payload["facts"]]
    return Interactions(organization, facts, messages, commits, payload.get("last") is True)
