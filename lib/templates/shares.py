"""Shares of messages and closed sales in the counts of a template: pure functions.

A message counts once, however many people it went to and however often each of them did something: it was opened,
clicked or answered by a person, or it was not. Opens of a mail whose images a mail program has loaded by itself cannot
be known, whatever else came of it: had only those been left out that nothing else came of, the rest would look better
than they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TypeVar

from pydantic import BaseModel, Field

from lib.clock import milliseconds, month_of
from lib.storage.ledger import LedgerShare, PlannedShare
from lib.templates.people import Sketch, add_sketches, sketched
from lib.templates.tallies import (
    LATE_OPENS_HOURS,
    LATE_REPLIES_HOURS,
    NO_TYPE,
    Cell,
    Contact,
    Numbers,
    Stratum,
    Tally,
    added_numbers,
)
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.kpis import REPLIES
from lib.verdicts.tallies import EVENT_OF

_HOUR = 60 * 60 * 1000

BUCKET = 3 * _HOUR
"""Milliseconds. Mails of the same three hours ripen together."""

KEPT_BUCKETS = 9 * 8
"""Nine days: mails have ripened after seven (`lib.templates.learned`), and two are for clocks that differ."""


class TemplateShare(LedgerShare):
    """A row: what one message or one sale gives. An empty tally is that of one that was taken away."""

    series: int = 1
    regarding: str = NO_TYPE
    sender: str = ""
    contact: Contact = ""
    platform: str = ""
    month: str = ""
    bucket: int | None = None
    """The three hours in which it was sent, counted from 1970; None for a sale, which is ripe when it is closed."""
    person: int = 0
    """The place of the first recipient in the sketch (`lib.templates.people`); 0 for a sale."""
    numbers: list[int] = Field(default_factory=list)
    """The numbers of its tally."""

    @property
    def tally(self) -> Tally:
        return Tally.from_numbers(self.numbers)

    @property
    def cell(self) -> Cell:
        return Cell(self.series, self.regarding, Stratum(self.sender, self.contact, self.platform, self.month))


class TemplateCounts(BaseModel):
    """A row: the sums of a template's shares, for the mails of one month or for all sales.

    Sums of several rows are of the same form.
    """

    cells: dict[str, Numbers] = {}
    """All mails, by cell."""
    fresh: dict[int, dict[str, Numbers]] = {}
    """Mails of the newest nine days again, by the three hours of their sending: those too fresh to count are known at
    any time, without anything that happens."""
    newest: int = 0
    """The newest three hours that were ever counted here."""
    people: dict[int, dict[int, Numbers]] = {}
    """Sketches by series."""

    def exchanged(self, old: TemplateShare, new: TemplateShare) -> TemplateCounts:
        """Return a copy with one share in place of another; an empty one stands for none."""
        copy = TemplateCounts(
            cells=dict(self.cells),
            fresh={at: dict(some) for at, some in self.fresh.items()},
            newest=max(self.newest, new.bucket or 0),
            people={series: dict(sketch) for series, sketch in self.people.items()},
        )
        copy._enter(old, -1)
        copy._enter(new, 1)
        return copy._tidied()

    def _enter(self, share: TemplateShare, times: int) -> None:
        if not share.numbers:
            return
        key = share.cell.key()
        _change(self.cells, key, share.numbers, times)
        # What is too old to be fresh has been dropped, and cannot be taken back.
        if share.bucket is not None and share.bucket > self.newest - KEPT_BUCKETS:
            _change(self.fresh.setdefault(share.bucket, {}), key, share.numbers, times)
        if share.person:
            place, numbers = sketched(share.numbers, share.person)
            _change(self.people.setdefault(share.series, {}), place, numbers, times)

    def _tidied(self) -> TemplateCounts:
        """Return itself without what is empty, or too old to be fresh."""
        oldest = self.newest - KEPT_BUCKETS
        self.fresh = {at: some for at, some in self.fresh.items() if some and at > oldest}
        self.people = {series: sketch for series, sketch in self.people.items() if sketch}
        return self

    @staticmethod
    def total(shares: Iterable[TemplateShare]) -> TemplateCounts:
        """Count these shares anew."""
        shares = list(shares)
        counts = TemplateCounts(newest=max((share.bucket or 0 for share in shares), default=0))
        for share in shares:
            counts._enter(share, 1)
        return counts._tidied()

    def sketch(self, series: int) -> Sketch:
        return self.people.get(series, {})


_Key = TypeVar("_Key")


def _change(sums: dict[_Key, Numbers], key: _Key, numbers: Numbers, times: int) -> None:
    now = added_numbers(sums.get(key, ()), numbers, times)
    if now:
        sums[key] = now
    else:
        sums.pop(key, None)


def joined(rows: Iterable[TemplateCounts]) -> TemplateCounts:
    """Return the sums of several rows."""
    cells: dict[str, Numbers] = {}
    fresh: dict[int, dict[str, Numbers]] = {}
    sketches: dict[int, list[Sketch]] = defaultdict(list)
    newest = 0
    for row in rows:
        newest = max(newest, row.newest)
        for key, numbers in row.cells.items():
            _change(cells, key, numbers, 1)
        for at, some in row.fresh.items():
            for key, numbers in some.items():
                _change(fresh.setdefault(at, {}), key, numbers, 1)
        for series, sketch in row.people.items():
            sketches[series].append(sketch)
    people = {series: add_sketches(some) for series, some in sketches.items()}
    return TemplateCounts(cells=cells, fresh=fresh, newest=newest, people=people)


class TemplateUse(PlannedShare):
    """Use of a template by a message; kept with the message. What was found out once stays as it was found."""

    template: str
    month: str = ""
    """The account: the month of sending, `2026-05`. Empty in the rows of earlier releases, whose counts are others."""
    series: int = 1
    contact: Contact = ""
    person: int = 0


def share_of(assessed: AssessedMessage, use: TemplateUse) -> TemplateShare | None:
    """Find the message's share in its template; None while it was not sent, or where it has none.

    A click, a viewed attachment or a reply counts as an open, too, even where the pixel was not loaded.
    """
    message = assessed.message
    if message.state != "sent" or message.template is None:
        return None
    sent_at = message.sort_time()
    return TemplateShare(
        series=use.series,
        regarding=message.regarding.type if message.regarding else NO_TYPE,
        sender=sender_code(message.sender),
        contact=use.contact,
        platform=(message.gateways[0] or "") if message.gateways else "",
        month=month_of(sent_at),
        bucket=milliseconds(sent_at) // BUCKET,
        person=use.person,
        numbers=_tally(assessed, sent_at).numbers(),
    )


def sender_code(sender: str) -> str:
    """Return four hexadecimal digits that stand for a sender: counts do not show who does better."""
    return blake2b(sender.encode(), digest_size=2).hexdigest()


def _tally(assessed: AssessedMessage, sent_at: datetime) -> Tally:
    message, kpis = assessed.message, assessed.kpis
    if message.follow_state is None or message.follow_state.state != "on":
        return Tally(sent=1)
    found = Tally(sent=1, followed=1, clicked=bool(kpis.clicks), replied=bool(kpis.replies))
    if kpis.replies:
        late = _hours_to_first(assessed, sent_at, only_replies=True)
        found += Tally(**{f"replied_after_{hours}h": int(late > hours) for hours in LATE_REPLIES_HOURS})
    if assessed.tallies.self_loaded:
        return found + Tally(unknown=1)
    if kpis.opens or kpis.clicks or kpis.attachment_views or kpis.replies:
        late = _hours_to_first(assessed, sent_at, only_replies=False)
        found += Tally(opened=1, **{f"opened_after_{hours}h": int(late > hours) for hours in LATE_OPENS_HOURS})
    return found


def _hours_to_first(assessed: AssessedMessage, sent_at: datetime, *, only_replies: bool) -> float:
    """Return the hours from sending to the first act of a person; 0 where its time is not known any more."""
    times = [
        fact.at
        for fact in assessed.facts
        if fact.kind in (REPLIES if only_replies else EVENT_OF) and assessed.verdicts[fact.key].kind == "human"
    ]
    return (min(times) - milliseconds(sent_at)) / _HOUR if times else 0.0


def has_replies(counts: TemplateCounts) -> bool:
    """Whether a mail was answered."""
    return any(Tally.from_numbers(numbers).replied for numbers in counts.cells.values())


CountsByTemplate = Mapping[str, TemplateCounts]
