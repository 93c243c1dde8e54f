"""KPIs of a message: counted anew from its judged facts whenever one changes, never incremented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel

from lib.clock import moment
from lib.fields import Moment
from lib.tracking.facts import Fact, FactKind
from lib.verdicts import Verdict
from lib.verdicts.rules.own_side import OWN


class Counts(BaseModel):
    """Counts of events."""

    opens: int = 0
    clicks: int = 0
    attachment_views: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in Counts.model_fields})

    def minus(self, other: Counts) -> Counts:
        return Counts(**{name: getattr(self, name) - getattr(other, name) for name in Counts.model_fields})


class Kpis(Counts):
    """The plain counts are the human ones; `raw` is everything, `machine` and `uncertain` are the rest of it. `own` are
    those among the machine's that the sender's own side made: no engagement, and no scanner either."""

    replies: int = 0
    last_opened_at: Moment | None = None
    last_clicked_at: Moment | None = None
    last_attachment_view_at: Moment | None = None
    last_replied_at: Moment | None = None
    raw: Counts = Counts()
    machine: Counts = Counts()
    uncertain: Counts = Counts()
    own: Counts = Counts()

    @property
    def last_read_at(self) -> datetime | None:
        """The time at which a person last opened it, clicked or viewed; None where no person did."""
        times = (self.last_opened_at, self.last_clicked_at, self.last_attachment_view_at)
        return max((each for each in times if each), default=None)


LAST_TIMES: Mapping[str, str] = {
    "opens": "last_opened_at",
    "clicks": "last_clicked_at",
    "attachment_views": "last_attachment_view_at",
    "replies": "last_replied_at",
}
"""Times of the last event of people, by the count that it belongs to."""


_COLUMN: Mapping[FactKind, str] = {
    "open": "opens",
    "read_receipt": "opens",
    "click": "clicks",
    "attachment_view": "attachment_views",
}

REPLIES: frozenset[FactKind] = frozenset(("reply", "calendar_answer"))


def count(facts: Iterable[Fact], verdicts: Mapping[str, Verdict]) -> Kpis:
    """The KPIs of one message; a fact of a flood counts as often as it stands for hits."""
    tally = {kind: dict.fromkeys(Counts.model_fields, 0) for kind in ("human", "machine", "uncertain", "raw", "own")}
    last: dict[str, int] = {}
    replies = 0
    for fact in facts:
        if fact.kind in REPLIES:
            replies, last["replies"] = replies + 1, max(last.get("replies", 0), fact.at)
        column = _COLUMN.get(fact.kind)
        if column is None:
            continue
        verdict = verdicts[fact.key]
        kind = verdict.kind
        tally[kind][column] += fact.count
        tally["raw"][column] += fact.count
        if kind == "machine" and any(reason.code in OWN for reason in verdict.reasons):
            tally["own"][column] += fact.count
        if kind == "human":
            last[column] = max(last.get(column, 0), fact.at)
    return Kpis(
        **tally["human"],
        replies=replies,
        **{LAST_TIMES[column]: moment(at) for column, at in last.items()},
        raw=Counts(**tally["raw"]),
        machine=Counts(**tally["machine"]),
        uncertain=Counts(**tally["uncertain"]),
        own=Counts(**tally["own"]),
    )


def views(facts: Iterable[Fact], verdicts: Mapping[str, Verdict]) -> dict[int, int]:
    """Count the views of each attachment by people, by its number."""
    seen = Counter(fact.item for fact in facts if fact.kind == "attachment_view" and verdicts[fact.key].kind == "human")
    return dict(sorted(seen.items()))


def added(some: Mapping[int, int], others: Mapping[int, int]) -> dict[int, int]:
    """Both counts together."""
    return dict(sorted((Counter(some) + Counter(others)).items()))


def sum_kpis(one: Kpis, other: Kpis) -> Kpis:
    """Sum of the KPIs of two disjoint sets of facts."""
    found = {name: (getattr(one, name), getattr(other, name)) for name in LAST_TIMES.values()}
    times = {name: max((at for at in both if at), default=None) for name, both in found.items()}
    return _combined(Counts.plus, one, other, one.replies + other.replies).model_copy(update=times)


def change_of(before: Kpis, after: Kpis) -> Kpis:
    """The counts by which two states of a message's KPIs differ, with the times of the later state."""
    return _combined(Counts.minus, after, before, after.replies - before.replies).model_copy(update=times_of(after))


def times_of(kpis: Kpis) -> dict[str, datetime | None]:
    """The times of the last events of people, by field."""
    return {name: getattr(kpis, name) for name in LAST_TIMES.values()}


def _combined(combine: Callable[[Counts, Counts], Counts], one: Kpis, other: Kpis, replies: int) -> Kpis:
    """KPIs without times, each of whose counts but the replies is that of `combine`."""
    return Kpis(
        **combine(one, other).model_dump(),
        replies=replies,
        raw=combine(one.raw, other.raw),
        machine=combine(one.machine, other.machine),
        uncertain=combine(one.uncertain, other.uncertain),
        own=combine(one.own, other.own),
    )
