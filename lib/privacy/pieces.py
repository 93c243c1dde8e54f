"""Pieces of a job: how much one invocation does, and the works that jobs of each kind are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from lib.clock import Clock
from lib.privacy.jobs import Job
from lib.privacy.subjects import Subject

LONGEST = timedelta(seconds=60)
"""Time of a piece, and at the worst of one more row."""

MOST_ROWS = 20_000
"""Rows and blobs that a piece looks at."""

ENDED = "ended"
"""The phase of a job whose work is done."""


@dataclass(slots=True)
class PieceBudget:
    """The rows and the time that are left to a piece."""

    clock: Clock
    left: int
    ends_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.ends_at = self.clock.now() + LONGEST

    def spend(self, job: Job, rows: int = 1) -> None:
        """Count rows that were looked at."""
        self.left -= rows
        job.looked_at += rows

    @property
    def is_over(self) -> bool:
        return self.left <= 0 or self.clock.now() >= self.ends_at


class Work(Protocol):
    """The work of jobs of one kind."""

    async def do_piece(self, organization: str, job: Job, subject: Subject, budget: PieceBudget) -> None:
        """Go on with the job from its phase and place until the work or the budget ends, and note in it how far.

        The phase is `ENDED` when all is done. A piece can be done again from the place that was saved last. Raises
        StorageError, Stale, NotAllowed; what the job says then holds.
        """
        ...


def count(job: Job, table: str, number: int = 1) -> None:
    """Add to a count of the job's report."""
    if number:
        job.counts[table] = job.counts.get(table, 0) + number
