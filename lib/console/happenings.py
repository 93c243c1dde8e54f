"""Events of a message, as its page shows them: a row for each, and one row for a burst of machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.console.times import counted, duration
from lib.tracking.facts import HIT_KINDS, FactKind
from lib.verdicts.evidence import Class

_GAP = timedelta(seconds=30)
"""The longest time between two hits of a burst."""

WORDS: dict[Class, str] = {"human": "a person", "machine": "a machine", "uncertain": "unsure"}
"""Verdicts in words."""

_DID: dict[FactKind, str] = {
    "open": "opened",
    "read_receipt": "sent a read receipt",
    "click": "clicked",
    "attachment_view": "viewed",
    "reply": "answered",
    "calendar_answer": "answered the invitation",
    "auto_reply": "sent an automatic reply",
    "bounce": "could not be delivered",
    "complaint": "reported it as unwanted",
    "forward": "was forwarded",
}


@dataclass(frozen=True, slots=True)
class Because:
    """A reason for a verdict."""

    text: str
    code: str
    weight: float
    """In log-odds: above 0 it speaks for a person."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a message."""

    id: str
    kind: FactKind
    at: datetime
    verdict: Class
    confidence: float
    """0 to 1."""

    count: int = 1
    """Hits that it stands for."""

    who: str | None = None
    """The recipient, by name or address; None where that is not known."""

    thing: str | None = None
    """What was clicked or viewed."""

    device: str = ""
    place: str = ""
    is_own: bool = False
    """Whether the sender's own side made it."""

    mail: str | None = None
    """The id of the mail that came back."""

    said: str | None = None
    """The reader's own word on it: `person`, `machine` or `me`."""

    was: Class | None = None
    """The verdict before, where it has changed since it may have been told."""

    reasons: tuple[Because, ...] = ()
    rules: str = ""
    """The version of the rules that judged it."""

    @property
    def is_hit(self) -> bool:
        """Whether it is an open, a click or a view, which are judged; mail says by itself who wrote it."""
        return self.kind in HIT_KINDS

    @property
    def did(self) -> str:
        """Return the act as a verb."""
        return _DID.get(self.kind, self.kind.replace("_", " "))

    @property
    def verdict_text(self) -> str:
        """The verdict in words: `a person`."""
        return "your own side" if self.is_own else WORDS[self.verdict]

    @property
    def was_text(self) -> str:
        """The verdict before in words; empty where it is the same."""
        return WORDS[self.was] if self.was and self.was != self.verdict else ""

    @property
    def percent(self) -> int:
        """Return how sure the verdict is, in per cent; none is quite sure."""
        return min(99, round(self.confidence * 100))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the timeline: one event, or a burst of hits of machines, newest first."""

    happenings: tuple[Happening, ...]

    @property
    def first(self) -> Happening:
        """The newest event of the row."""
        return self.happenings[0]

    @property
    def is_burst(self) -> bool:
        """Whether the row holds several events."""
        return len(self.happenings) > 1

    @property
    def summary(self) -> str:
        """A burst in words: `3 looks within 6 seconds`."""
        hits = sum(each.count for each in self.happenings)
        length = self.happenings[0].at - self.happenings[-1].at
        return f"{counted(hits, 'look')} within {duration(max(length, timedelta(seconds=1)))}"

    @property
    def kinds(self) -> str:
        """Count the hits of a burst in words: `2 opens, 5 clicks`."""
        nouns = {"open": "open", "click": "click", "attachment_view": "view"}
        counts: dict[str, int] = {}
        for each in self.happenings:
            noun = nouns.get(each.kind, "look")
            counts[noun] = counts.get(noun, 0) + each.count
        return ", ".join(counted(number, noun) for noun, number in counts.items())

    @property
    def reasons(self) -> list[Because]:
        """The reasons of the burst's events, each once, the weightiest first."""
        found = {because.code: because for each in self.happenings for because in each.reasons}
        return sorted(found.values(), key=lambda each: -abs(each.weight))


def rows_of(happenings: Sequence[Happening]) -> list[Row]:
    """Make rows of events, newest first: hits of machines that follow on each other within 30 seconds are one row.

    One of which something else was said before has a row of its own.
    """
    rows: list[list[Happening]] = []
    for each in happenings:
        last = rows[-1][-1] if rows else None
        if last is not None and _is_machine(last) and _is_machine(each) and last.at - each.at <= _GAP:
            rows[-1].append(each)
        else:
            rows.append([each])
    return [Row(tuple(row)) for row in rows]


def _is_machine(happening: Happening) -> bool:
    return happening.is_hit and happening.verdict == "machine" and not happening.is_own and not happening.was_text
