"""The result of an assessment, as those that follow it get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from lib.messages.copy_rows import Copy
from lib.messages.models import StoredMessage
from lib.tracking.facts import Fact
from lib.verdicts.evidence import Verdict
from lib.verdicts.kpis import Kpis
from lib.verdicts.tallies import Tallies

SummaryPart = TypeVar("SummaryPart")


@dataclass(frozen=True, slots=True)
class AssessedMessage:
    """A message, and what the judge has found of it."""

    organization: str
    message: StoredMessage
    etag: str
    """Version of the message's row."""

    copies: Sequence[Copy]
    facts: Sequence[Fact]
    """Facts whose verdict may still change, and the first hits among the older ones."""

    verdicts: Mapping[str, Verdict]
    """By the fact's key."""

    kpis: Kpis
    tallies: Tallies
    wishes_changed: bool = False
    """Whether a recipient, the sender or the organization may have said something else about following since."""

    names_recipients: bool = True
    """Whether the organization wants to know whose the facts are: not where it counts without who."""

    folded: frozenset[str] = frozenset()
    """Keys of those of the facts that are counted for good; of their verdicts, the class alone is known."""

    planned: Mapping[str, Any] = field(default_factory=dict)
    """Parts of the summary that the followers before this one have planned, by name."""

    planned_before: Sequence[StoredMessage] = ()
    """Versions of the message for which this assessor has planned in vain: another assessor's summary came first."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[SummaryPart]):
    """Answer of a follower to an assessment."""

    part: SummaryPart
    """The follower's part of the message's summary from now on."""

    again_at: datetime | None = None
    """When the follower may want something else without any new fact."""
