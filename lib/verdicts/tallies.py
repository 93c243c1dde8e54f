"""Tallies of what people did with one message, counted so that counts can be added up.

A tally is derived from judged facts; the tally of all facts is the sum of the tallies of any parts of them, in any
order, to the bit. So the facts of a busy message can be counted once and put away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, model_validator

from lib.tracking.facts import Fact, FactKind
from lib.tracking.requests import asks_for_privacy
from lib.verdicts.certainty import Case, CaseSlot, find_case
from lib.verdicts.decay import EVENT_KINDS, EventKind, worth
from lib.verdicts.evidence import Verdict
from lib.verdicts.thresholds import MINUTE
from lib.verdicts.weights import UNKNOWABLE

EVENT_OF: Mapping[FactKind, EventKind] = {
    "open": "open",
    "read_receipt": "open",
    "click": "click",
    "attachment_view": "attachment_view",
    "reply": "reply",
    "calendar_answer": "reply",
}

KEPT_MINUTES = 8 * 24 * 60
"""Minutes for which opens are counted by the minute: a week, and a day for clocks that differ."""

MANY_OPENS = 20
"""Number of opens a week from which on the exact number does not matter: mail that goes round is opened often."""


class Events(BaseModel):
    """Human events of one kind. `worth` is their sum by `lib.verdicts.decay`, `last` in milliseconds since 1970."""

    count: int
    worth: int
    last: int

    def __add__(self, other: Events) -> Events:
        return Events(count=self.count + other.count, worth=self.worth + other.worth, last=max(self.last, other.last))


class Sums(BaseModel):
    """Human events by kind, and the latest opens by the minute (minutes since 1970).

    Opens by the minute are kept for 8 days before the newest, and only until there are 20: any count of the opens from
    some minute on is exact, or is 20 or more.
    """

    events: dict[EventKind, Events] = {}
    open_minutes: dict[int, int] = {}

    @model_validator(mode="before")
    @staticmethod
    def _read_hours(value: Any) -> Any:
        return read_open_hours(value)

    def __add__(self, other: Sums) -> Sums:
        kinds = [kind for kind in EVENT_KINDS if kind in self.events or kind in other.events]
        minutes: dict[int, int] = defaultdict(int, self.open_minutes)
        for minute, opens in other.open_minutes.items():
            minutes[minute] += opens
        return Sums(
            events={kind: _sum(self.events.get(kind), other.events.get(kind)) for kind in kinds},
            open_minutes=_latest(minutes),
        )


def _sum(one: Events | None, other: Events | None) -> Events:
    found = one + other if one and other else one or other
    assert found
    return found


def read_open_hours(value: Any) -> Any:
    """Turn opens by the hour, as earlier releases stored them, into opens of each hour's last minute."""
    if isinstance(value, dict) and "open_hours" in value:
        hours = value["open_hours"]
        minutes = {int(hour) * 60 + 59: opens for hour, opens in hours.items()}
        rest = {name: each for name, each in value.items() if name != "open_hours"}
        return {"open_minutes": minutes, **rest}
    return value


def _latest(minutes: Mapping[int, int]) -> dict[int, int]:
    """The minutes that are kept, newest first. What is cut off of two parts is what would be cut off of their sum."""
    kept: dict[int, int] = {}
    newest = max(minutes, default=0)
    opens = 0
    for minute in sorted(minutes, reverse=True):
        if opens >= MANY_OPENS or newest - minute >= KEPT_MINUTES:
            break
        kept[minute] = minutes[minute]
        opens += minutes[minute]
    return kept


Cases = dict[int, dict[CaseSlot, Case]]
"""By recipient number: the first certain case of each side and outcome. A scanner that hits a mail a thousand times is
one case, and so is a person."""


class Tallies(BaseModel):
    """The human events of a message, and its certain cases."""

    numbered: dict[int, Sums] = {}
    """Events by the recipient's number."""

    shared: Sums = Sums()
    """Events of copies for several recipients."""

    unnamed: Sums = Sums()
    """Events of browsers that ask not to be tracked: they count, and for no recipient."""

    cases: Cases = {}

    self_loaded: int = 0
    """Opens by programs that load images whether or not the mail is read: where there is one, opens cannot be known."""

    def __add__(self, other: Tallies) -> Tallies:
        numbers = sorted({*self.numbered, *other.numbered})
        return Tallies(
            numbered={
                number: self.numbered.get(number, Sums()) + other.numbered.get(number, Sums()) for number in numbers
            },
            shared=self.shared + other.shared,
            unnamed=self.unnamed + other.unnamed,
            cases=_first_cases(self.cases, other.cases),
            self_loaded=self.self_loaded + other.self_loaded,
        )

    @property
    def recipients(self) -> set[int]:
        """Numbers of the recipients of whom something is counted by number."""
        return {*self.numbered, *self.cases}

    def without_recipients(self, numbers: Collection[int]) -> Tallies:
        """Return the tallies without what is counted for these recipients."""
        numbered = {number: sums for number, sums in self.numbered.items() if number not in numbers}
        cases = {number: found for number, found in self.cases.items() if number not in numbers}
        return self.model_copy(update={"numbered": numbered, "cases": cases})

    def all(self) -> Sums:
        """The whole message's."""
        return sum(self.numbered.values(), self.shared + self.unnamed)


def tally(facts: Iterable[Fact], verdicts: Mapping[str, Verdict]) -> Tallies:
    """Count what people did, and find certain cases; `verdicts` by the facts' keys.

    Kinds that are no engagement (bounces) are passed over.
    """
    facts = list(facts)
    times: dict[int | None, dict[EventKind, list[int]]] = defaultdict(lambda: defaultdict(list))
    unnamed: dict[EventKind, list[int]] = defaultdict(list)
    for fact in facts:
        event = EVENT_OF.get(fact.kind)
        if event is not None and verdicts[fact.key].kind == "human":
            is_unnamed = fact.recipient is None and asks_for_privacy(fact.headers)
            (unnamed if is_unnamed else times[fact.recipient])[event].append(fact.at)
    numbers = sorted(number for number in times if number is not None)
    return Tallies(
        numbered={number: _sums(times[number]) for number in numbers},
        shared=_sums(times[None]) if None in times else Sums(),
        unnamed=_sums(unnamed),
        cases=_cases(facts, verdicts),
        self_loaded=sum(_is_self_loaded(fact, verdicts[fact.key]) for fact in facts),
    )


def _is_self_loaded(fact: Fact, verdict: Verdict) -> bool:
    """Whether a program of the recipient has loaded the image by itself, and no other machine."""
    is_told = any(reason.code == UNKNOWABLE for reason in verdict.reasons)
    return is_told and fact.kind == "open" and verdict.kind != "machine"


def _cases(facts: Iterable[Fact], verdicts: Mapping[str, Verdict]) -> Cases:
    found: Cases = {}
    for fact in facts:
        if fact.recipient is not None and (case := find_case(fact, verdicts[fact.key])):
            _enter_case(found, fact.recipient, *case)
    return _in_order(found)


def _first_cases(one: Cases, other: Cases) -> Cases:
    """Join cases: of each recipient, side and outcome the first one stays."""
    joined = {number: dict(slots) for number, slots in one.items()}
    for number, slots in other.items():
        for slot, case in slots.items():
            _enter_case(joined, number, slot, case)
    return _in_order(joined)


def _enter_case(cases: Cases, number: int, slot: CaseSlot, case: Case) -> None:
    slots = cases.setdefault(number, {})
    if slot not in slots or case.key < slots[slot].key:
        slots[slot] = case


def _in_order(cases: Cases) -> Cases:
    """Return the same cases, in an order that does not depend on that in which they were found."""
    return {number: dict(sorted(cases[number].items())) for number in sorted(cases)}


def _sums(times: Mapping[EventKind, list[int]]) -> Sums:
    minutes: dict[int, int] = defaultdict(int)
    for at in times.get("open", ()):
        minutes[at // MINUTE] += 1
    return Sums(
        events={
            kind: Events(count=len(times[kind]), worth=sum(map(worth, times[kind])), last=max(times[kind]))
            for kind in EVENT_KINDS
            if kind in times
        },
        open_minutes=_latest(minutes),
    )
