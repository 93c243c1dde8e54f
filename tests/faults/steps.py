"""The steps of Heed's work at which something may happen to it, known by what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from lib.messages.copy_rows import Copy
from lib.messages.models import StoredMessage
from lib.storage import Change, Delete, Replace
from lib.storage.documents import unpack
from lib.storage.layout import DUE, KINDS

Step = Literal[
    "the row says scheduled",
    "the row says submitting",
    "the row says sent",
    "the row says reminded",
    "a copy is begun",
    "a copy is sent",
    "the summary",
    "a place in a list",
    "a card",
    "the facts",
    "a due entry",
    "a due entry is handed over",
    "a due entry is gone",
    "the journal has the facts",
    "the commit is marked as seen",
    "the mail server has answered",
    "the outbox is woken",
    "the assessor is told",
    "the intake is told",
    "a blob",
    "a blob is gone",
    "any write",
]

_STEPS: Mapping[str, Step] = {
    "cards": "a card",
    "facts": "the facts",
    "index": "a place in a list",
    "journal": "the commit is marked as seen",
}

_COPY_STEPS: Mapping[str, Step] = {"submitting": "a copy is begun", "sent": "a copy is sent"}


def steps_of(table: str, changes: Sequence[Change]) -> set[Step]:
    """Those that a write takes."""
    return {step for change in changes if (step := _step_of(table, change))}


def _step_of_the_due_index(change: Change) -> Step | None:
    if isinstance(change, Delete):
        return "a due entry is gone"
    if change.row.partition == "state":
        return None
    return "a due entry is handed over" if isinstance(change, Replace) else "a due entry"


def _step_of(table: str, change: Change) -> Step | None:
    if table == DUE:
        return _step_of_the_due_index(change)
    kind = next((kind for kind in KINDS if table.endswith(kind)), "")
    if isinstance(change, Delete) or kind != "messages":
        return _STEPS.get(kind)
    if change.row.key == "s":
        return "the summary"
    if change.row.key.startswith("c"):
        return _COPY_STEPS.get(unpack(Copy, change.row).state or "")
    if change.row.key != "m":
        return None
    message = unpack(StoredMessage, change.row)
    if message.reminded_at:
        return "the row says reminded"
    match message.state:
        case "scheduled":
            return "the row says scheduled"
        case "submitting":
            return "the row says submitting"
        case "sent":
            return "the row says sent"
    return None
