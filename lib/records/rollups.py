"""A record's roll-up: the sum of what all messages give to it, kept up to date by differences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, Field, model_validator

from lib.clock import milliseconds, moment
from lib.fields import Moment
from lib.organizations.settings import Score
from lib.people.records import StoredRecord, name_of
from lib.records.score import rank, score
from lib.records.shares import LastOf, RecordShare
from lib.verdicts.decay import EventKind
from lib.verdicts.tallies import KEPT_MINUTES, MANY_OPENS, read_open_hours
from lib.verdicts.thresholds import MINUTE

_Key = TypeVar("_Key")

WEEK = timedelta(days=7)


class ScoreParts(BaseModel):
    """Parts of a score, one for each kind of event."""

    opens: float = 0
    clicks: float = 0
    attachment_views: float = 0
    replies: float = 0


class Engagement(BaseModel):
    """Engagement with the mail to a record, or about it: opens, clicks and so on of humans alone."""

    messages: int = Field(0, description="that were sent to the record, to one below it, or regarding it")
    opens: int = 0
    clicks: int = 0
    attachment_views: int = 0
    replies: int = 0
    last_sent_at: Moment | None = None
    last_opened_at: Moment | None = None
    last_clicked_at: Moment | None = None
    last_attachment_view_at: Moment | None = None
    last_replied_at: Moment | None = None
    score: float = Field(0, description="events by the organization's weights, each counting half every 30 days")
    score_parts: ScoreParts = Field(
        default_factory=ScoreParts, description="what each kind of event gives to the score, which is their sum"
    )


class Rollup(BaseModel):
    """A row. Counts, worths and opens by the minute are sums over the shares, `last` the latest of their times.

    `record` is a copy of the record, and `etag` its version, for lists to show; None where the CRM has put none.
    `told` is the parent (`<type>|<id>`) that the record's messages know of. `place` is the record's key in the list of
    those that were engaged lately.
    """

    messages: int = 0
    counts: dict[EventKind, int] = {}
    worths: dict[EventKind, int] = {}
    last: dict[LastOf, int] = {}
    open_minutes: dict[int, int] = {}
    record: StoredRecord | None = None
    etag: str | None = None
    told: str | None = None
    place: str | None = None

    @model_validator(mode="before")
    @staticmethod
    def _read_hours(value: Any) -> Any:
        return read_open_hours(value)

    def engagement(self, weights: Score, now: datetime) -> Engagement:
        """Return what the API shows at that time: counts, last times, and the score with its parts.

        Each part is rounded by itself, so the parts need not add up to the score.
        """
        last = {kind: moment(at) for kind, at in self.last.items()}
        at = milliseconds(now)
        parts = {kind: score({kind: worth}, weights, at) for kind, worth in self.worths.items()}
        return Engagement(
            messages=self.messages,
            opens=self.counts.get("open", 0),
            clicks=self.counts.get("click", 0),
            attachment_views=self.counts.get("attachment_view", 0),
            replies=self.counts.get("reply", 0),
            last_sent_at=last.get("sent"),
            last_opened_at=last.get("open"),
            last_clicked_at=last.get("click"),
            last_attachment_view_at=last.get("attachment_view"),
            last_replied_at=last.get("reply"),
            score=score(self.worths, weights, at),
            score_parts=ScoreParts(
                opens=parts.get("open", 0),
                clicks=parts.get("click", 0),
                attachment_views=parts.get("attachment_view", 0),
                replies=parts.get("reply", 0),
            ),
        )

    @property
    def parent(self) -> str | None:
        """The parent's name, `<type>|<id>`; None where the record has none."""
        return name_of(self.record.parent) if self.record and self.record.parent else None

    def was_engaged(self, now: datetime) -> bool:
        """More than 1 and fewer than 20 opens in the last 7 days, or any click, view or reply; to the minute."""
        return self._did_more_than_open(now) or 1 < self._opens(now) < MANY_OPENS

    def placed(self, weights: Score, now: datetime) -> Rollup:
        """Copy of the roll-up with its place in the list of engaged records.

        It has a place if it `was_engaged`, or will be without another event: where 20 were too many opens, time brings
        them down.
        """
        shown = self.record is not None and self.record.merged_into is None
        listed = shown and (self._did_more_than_open(now) or self._opens(now) > 1)
        place = f"{rank(self.worths, weights)}|{self.record.type}|{self.record.id}" if listed and self.record else None
        return self.model_copy(update={"place": place})

    def _did_more_than_open(self, now: datetime) -> bool:
        since = milliseconds(now - WEEK)
        kinds: tuple[LastOf, ...] = ("click", "attachment_view", "reply")
        return any(self.last.get(kind, 0) >= since for kind in kinds)

    def _opens(self, now: datetime) -> int:
        since = milliseconds(now - WEEK) // MINUTE
        return sum(opens for minute, opens in self.open_minutes.items() if minute >= since)


def exchanged(rollup: Rollup, old: RecordShare, new: RecordShare, last: Mapping[LastOf, int], now: datetime) -> Rollup:
    """The roll-up with one share in place of another; an empty one stands for none. `last` is as it will be then."""
    oldest = milliseconds(now) // MINUTE - KEPT_MINUTES
    minutes = _changed(rollup.open_minutes, old.sums.open_minutes, new.sums.open_minutes)
    before, after = old.sums.events, new.sums.events
    return rollup.model_copy(
        update={
            "messages": rollup.messages + (new.sent_at is not None) - (old.sent_at is not None),
            "counts": _changed(
                rollup.counts,
                {kind: events.count for kind, events in before.items()},
                {kind: events.count for kind, events in after.items()},
            ),
            "worths": _changed(
                rollup.worths,
                {kind: events.worth for kind, events in before.items()},
                {kind: events.worth for kind, events in after.items()},
            ),
            "last": dict(last),
            # What is too old to be asked for has been dropped, and cannot be taken back.
            "open_minutes": {minute: opens for minute, opens in minutes.items() if minute > oldest},
        }
    )


def _changed(there: Mapping[_Key, int], minus: Mapping[_Key, int], plus: Mapping[_Key, int]) -> dict[_Key, int]:
    sums: dict[_Key, int] = defaultdict(int, there)
    for key, value in minus.items():
        sums[key] -= value
    for key, value in plus.items():
        sums[key] += value
    return {key: value for key, value in sums.items() if value > 0}


def total(shares: Iterable[RecordShare], now: datetime) -> Rollup:
    """The roll-up of these shares, counted anew."""
    rollup = Rollup()
    for share in shares:
        last = dict(rollup.last)
        for kind, at in share.last_times().items():
            last[kind] = max(at, last.get(kind, 0))
        rollup = exchanged(rollup, RecordShare(), share, last, now)
    return rollup
