"""Changes of a message since it was told of last: from one state of what is known to the next. Pure functions.

The changes of a state add up: the sum of their counts is the difference of the message's KPIs, whatever became of its
facts. Each hit and each answer is told by itself, with its verdict, and so is each verdict that becomes another one.
What these do not explain is told of the message as a whole: facts that were removed or are older than the feed, and
all hits of a mail that has very many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from lib.clock import milliseconds
from lib.feed.models import KEPT_MILLISECONDS, EventType, VerdictMove
from lib.messages.models import StoredMessage
from lib.tracking.facts import Fact, FactKind
from lib.verdicts import Reason, Verdict
from lib.verdicts.assessed import AssessedMessage
from lib.verdicts.evidence import Class
from lib.verdicts.kpis import Counts, Kpis, change_of, count, times_of
from lib.verdicts.rules.own_side import OWN

MOST_SINGLE = 100
"""Hits of a message that are told one by one. A message with more of them is told of as a whole from then on."""

MOST_SINGLE_ANSWERS = 100

_MOST_AT_ONCE, _MOST_CARDS_AT_ONCE = 40, 48
"""Changes of single facts, and of cards, in one batch. Further facts are told as a whole, further cards later."""

_TYPES: Mapping[FactKind, EventType] = {
    "open": "message.opened",
    "read_receipt": "message.opened",
    "click": "message.clicked",
    "attachment_view": "message.attachment_viewed",
    "reply": "message.replied",
    "calendar_answer": "message.replied",
    "bounce": "message.bounced",
}
"""Types of events by the kind of the fact; facts of other kinds are not told."""

_COLUMNS: Mapping[str, EventType] = {
    "opens": "message.opened",
    "clicks": "message.clicked",
    "attachment_views": "message.attachment_viewed",
}

ToldMark = Literal["h", "m", "u", "o", "a"]
"""What was told of a fact: `h`uman, `m`achine, `u`ncertain, the `o`wn side; `a` for an answer, which never changes."""

_CLASSES: Mapping[ToldMark, Class] = {"h": "human", "m": "machine", "u": "uncertain", "o": "machine"}
_OWN_REASON = Reason(min(OWN), "")


class FeedChange(BaseModel):
    """A change that is to be told. It names no address: recipients stand by their number."""

    type: EventType
    at: int
    """Milliseconds since 1970."""

    event: str | None = None
    """Key of the fact; None where the change is about several, or none."""

    count: int = 1
    recipient: int | None = None
    verdict: VerdictMove | None = None
    kpis: Kpis | None = None
    card: str | None = None
    card_kind: str | None = None


class Told(BaseModel):
    """All that was told of a message."""

    kpis: Kpis = Kpis()
    marks: dict[str, ToldMark] = {}
    """By the shortened key of a fact. None of the hits of a message that is told of as a whole."""

    as_a_whole: bool = False
    is_sent: bool = False
    failed: list[int] = []
    """The times (milliseconds since 1970) at which the message was told to go before a failure that was told."""

    cards: dict[str, str] = {}
    """Kinds of the cards that stand, by id."""


def find_changes(assessed: AssessedMessage, told: Told, cards: Mapping[str, str], now: datetime) -> list[FeedChange]:
    """Find what has changed since, in order of time, and note in `told` that it is told.

    `cards`: kinds of the cards that stand now, by id.
    """
    at = milliseconds(now)
    found = [*_sending_changes(assessed.message, told, at), *_fact_changes(assessed, told, at)]
    rest = change_of(told.kpis, assessed.kpis)
    for change in found:
        if change.kpis is not None:
            rest = change_of(change.kpis, rest)
    found += _changes_of_the_whole(rest, at)
    times = times_of(assessed.kpis)
    are_told = any(change.kpis is not None for change in found)
    # A first time comes with a count, unless Heed did not keep such times when the message was told of last.
    if not are_told and any(at is not None and at != times[name] for name, at in times_of(told.kpis).items()):
        found.append(FeedChange(type="verdict.changed", at=at, count=0, kpis=Kpis()))
    found.sort(key=lambda change: change.at)
    found += _card_changes(told, cards, at)
    told.kpis = assessed.kpis
    return [
        change if change.kpis is None else change.model_copy(update={"kpis": change.kpis.model_copy(update=times)})
        for change in found
    ]


def _sending_changes(message: StoredMessage, told: Told, now: int) -> Iterable[FeedChange]:
    recipient = 0 if len(message.recipients()) == 1 else None
    if message.sent_at is not None and message.state in ("sent", "uncertain") and not told.is_sent:
        told.is_sent = True
        sent_at = milliseconds(message.sent_at)
        if sent_at > now - KEPT_MILLISECONDS:
            yield FeedChange(type="message.sent", at=sent_at, recipient=recipient)
    asked_at = milliseconds(message.told_at) if message.told_at else 0
    if message.state == "failed" and asked_at not in told.failed:
        told.failed.append(asked_at)
        yield FeedChange(type="message.failed", at=now, recipient=recipient)


def _fact_changes(assessed: AssessedMessage, told: Told, now: int) -> list[FeedChange]:
    facts = [fact for fact in assessed.facts if fact.kind in _TYPES]
    hits = [fact for fact in facts if fact.is_hit and fact.key not in assessed.folded]
    single = {*(key for key, mark in told.marks.items() if mark != "a"), *map(_short, hits)}
    if told.as_a_whole or len(single) > MOST_SINGLE:
        told.as_a_whole = True
        told.marks = {key: mark for key, mark in told.marks.items() if mark == "a"}
        hits = []
    answers = [fact for fact in facts if not fact.is_hit]
    in_order = sorted([*hits, *answers], key=lambda each: each.key)
    changes = [_fact_change(fact, assessed.verdicts[fact.key], told, now) for fact in in_order]
    return [change for change in changes if change is not None][:_MOST_AT_ONCE]


def _fact_change(fact: Fact, verdict: Verdict, told: Told, now: int) -> FeedChange | None:
    """Return what is to be told of a fact, and note it in `told`; None where nothing is."""
    key, mark = _short(fact), _mark_of(fact, verdict)
    before = told.marks.get(key)
    if before == mark or (before is None and fact.at <= now - KEPT_MILLISECONDS):
        return None
    if before is None and not fact.is_hit and sum(each == "a" for each in told.marks.values()) >= MOST_SINGLE_ANSWERS:
        return None
    told.marks[key] = mark
    kpis = _kpis_of(fact, verdict)
    change = FeedChange(
        type=_TYPES[fact.kind],
        at=fact.at,
        event=fact.key,
        count=fact.count,
        recipient=fact.recipient,
        verdict=VerdictMove(from_=None, to=verdict.kind, confidence=round(verdict.confidence, 3)),
        kpis=kpis,
    )
    if before is None:
        return change
    was = _CLASSES[before]
    counted = _kpis_of(fact, Verdict(was, 1.0, (_OWN_REASON,) if before == "o" else (), "", 0.0))
    move = VerdictMove(from_=was, to=verdict.kind, confidence=round(verdict.confidence, 3))
    update = {"type": "verdict.changed", "at": now, "count": 0, "verdict": move, "kpis": change_of(counted, kpis)}
    return change.model_copy(update=update)


def _changes_of_the_whole(rest: Kpis, now: int) -> Iterable[FeedChange]:
    """Tell of counts that no single fact explains."""
    for column, event_type in _COLUMNS.items():
        if (more := getattr(rest.raw, column)) > 0:
            part = _column(rest, column)
            yield FeedChange(type=event_type, at=now, count=more, kpis=part, verdict=_common_verdict(part, column))
            rest = change_of(part, rest)
    if rest.replies > 0:
        yield FeedChange(type="message.replied", at=now, count=rest.replies, kpis=Kpis(replies=rest.replies))
        rest = rest.model_copy(update={"replies": 0})
    if _has_counts(rest):
        yield FeedChange(type="verdict.changed", at=now, count=0, kpis=rest)


def _card_changes(told: Told, cards: Mapping[str, str], now: int) -> Iterable[FeedChange]:
    for card in [card for card in told.cards if card not in cards][: _MOST_CARDS_AT_ONCE // 2]:
        yield FeedChange(type="card.withdrawn", at=now, card=card, card_kind=told.cards.pop(card))
    for card in [card for card in cards if card not in told.cards][: _MOST_CARDS_AT_ONCE // 2]:
        told.cards[card] = cards[card]
        yield FeedChange(type="card.created", at=now, card=card, card_kind=cards[card])


def _kpis_of(fact: Fact, verdict: Verdict) -> Kpis:
    """Return the fact's part of the KPIs."""
    return count([fact], {fact.key: verdict})


def _column(kpis: Kpis, column: str) -> Kpis:
    """Pick the counts of this column."""
    counts = {
        name: Counts.model_validate({column: getattr(getattr(kpis, name), column)})
        for name in ("raw", "machine", "uncertain", "own")
    }
    return Kpis.model_validate({column: getattr(kpis, column), **counts})


def _common_verdict(kpis: Kpis, column: str) -> VerdictMove | None:
    """The class that all of the new hits are of; None where they are of several, or others changed theirs."""
    classes: dict[Class, int] = {
        "human": getattr(kpis, column),
        "machine": getattr(kpis.machine, column),
        "uncertain": getattr(kpis.uncertain, column),
    }
    changed = [name for name, number in classes.items() if number]
    return VerdictMove(from_=None, to=changed[0]) if len(changed) == 1 else None


def _has_counts(kpis: Kpis) -> bool:
    return kpis != Kpis().model_copy(update=times_of(kpis))


def _mark_of(fact: Fact, verdict: Verdict) -> ToldMark:
    if not fact.is_hit:
        return "a"
    if verdict.kind == "machine" and any(reason.code in OWN for reason in verdict.reasons):
        return "o"
    marks: Mapping[Class, ToldMark] = {"human": "h", "machine": "m", "uncertain": "u"}
    return marks[verdict.kind]


def _short(fact: Fact) -> str:
    """Return what tells the fact from the others of its message: its time, and chance."""
    return fact.key[:22]
