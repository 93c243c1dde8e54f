"""Places of messages in lists: the partitions and keys of its rows in the table `index`.

A scope is all messages, a user's or a record's; each is a partition. A key is
`<shelf>|<column>|<value>|<message id>`; a view reads one shelf, or two that share no message. Table storage reads
upwards alone, so what can be sorted both ways has a row for each way. Counts stand in three classes, side by side:

    opens|0|<count inverted>|…    opened, most opens first
    opens|1|…                     never opened
    opens|2|<count>|…             opened, fewest opens first

`-opens` reads the classes 0 and 1, `opens` reads 1 and 2: one range either way, and what is nought has one row, not
two. Ties are newest first, whichever way a list runs.

What filters read has rows of its own in the partitions of all messages and of each user, newest first, and so has the
order by change (`-updated_at` for the other way round):

    status|<status>|<time inverted>|…      but for `scheduled` and `received`, which are shelves
    template|<template>|<time inverted>|…
    updated_at|<time>|…
    -last_read_at|<time inverted>|…        of those that a person has read

Three more kinds of partitions hold one row of a message each: the mailboxes that a message went to or came from, named
by the keyed hash of the address, `-sent_at|<time inverted>|<message id>`; the scanner noise of a month; and a user's
reminders that have not fired, `at|<time>|<message id>`.

Release 0.1.0 divided a scope's rows, but for a record's, between the partitions `<scope>|plain`, `<scope>|opens` and
`<scope>|others`. Such rows are read and moved until there are none (decision 30).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel

from lib.clock import milliseconds, moment, month_of
from lib.fields import RecordRef
from lib.messages.follow_state import FollowState
from lib.messages.models import MessageStatus, State, StoredMessage, records_of
from lib.storage import Range
from lib.storage.collation import ascending, collation_key, descending
from lib.storage.sort_keys import LARGEST, ascending_number, descending_number, newest_first
from lib.verdicts.kpis import Kpis

View = Literal["followed", "all", "scheduled", "received"]
Shelf = Literal["followed", "others", "scheduled", "received"]
Sort = Literal[
    "sent_at", "-sent_at", "subject", "-subject", "opens", "-opens", "last_opened_at", "-last_opened_at",
    "attachment_views", "-attachment_views", "clicks", "-clicks", "replies", "-replies",
]  # fmt: skip
ChangeSort = Literal["updated_at", "-updated_at", "-last_read_at"]
"""Orders by the time of the last change, and by that at which a person last opened, clicked or viewed. Messages that no
person has read are not in the last one."""

ListColumn = Literal["sent_at", "subject", "opens", "last_opened_at", "attachment_views", "clicks", "replies"]

SHELVES: dict[View, tuple[Shelf, ...]] = {
    # A message moves from the first to the second when it is sent, hardly ever back: in this order it is not missed.
    "all": ("others", "followed"),
    "followed": ("followed",),
    "scheduled": ("scheduled",),
    "received": ("received",),
}
_COUNTED: tuple[ListColumn, ...] = ("opens", "last_opened_at", "attachment_views", "clicks", "replies")
_COLUMNS: tuple[ListColumn, ...] = ("sent_at", "subject", *_COUNTED)

NOISY = 20
"""More raw opens than these, and a message is listed as scanner noise."""

MAIN = "all"
"""The partition in which every message stands."""

_OLD_COLUMNS: dict[str, tuple[ListColumn, ...]] = {
    "plain": ("sent_at", "subject"),
    "opens": ("opens", "last_opened_at"),
    "others": ("attachment_views", "clicks", "replies"),
}
"""Columns of the partitions of release 0.1.0, by the ends of their names."""

OLD_MAIN = f"{MAIN}|plain"
"""The partition in which every message stands that release 0.1.0 has listed last."""

_USER = "user:"
_RECORD = "record:"
_MAILBOX = "mailbox:"
_NEWEST_FIRST = "-sent_at|"
_NOISE = "noise:"
_REMINDERS = "reminders:"
_REMINDS_AT = "at|"
_RAW_OPENS = "raw_opens|"


class Standing(BaseModel):
    """Values by which a message is sorted. Times are milliseconds since 1970; 0 in `last_opened_at`, `last_read_at` and
    `reminds_at` is never.

    `large`: its rows do not hold all that a list shows of it.
    """

    state: State
    shelves: list[Shelf]
    at: int
    subject: str
    opens: int = 0
    last_opened_at: int = 0
    last_read_at: int = 0
    attachment_views: int = 0
    clicks: int = 0
    replies: int = 0
    raw_opens: int = 0
    reminds_at: int = 0
    large: bool = False
    updated_at: int = 0
    """The time of the last change of what lists show; 0 where it has no rows for filters yet (decision 48)."""

    template: str | None = None


class ExpectedState(BaseModel):
    """The follow state that a list shows of a message whose copies are not decided on."""

    state: FollowState
    asked: str
    """Hash of the fields that it was decided for: sender, recipients, whether to follow, and who had it sent."""
    names: list[str] = []
    """Names of those whose word counts; each has a row that leads to the message (`lib.lists.undecided`)."""


class ListPlace(BaseModel):
    """Place of a message in lists."""

    message: str
    standing: Standing | None = None
    """None: the message may stand there, and it is not known how."""

    shows: str = ""
    """Hash of what its rows show."""

    whole: str | None = None
    """Etag of the row that holds all of a large message."""

    expected: ExpectedState | None = None

    marks: dict[str, str | None]
    """Partitions, each with the etag of the message's mark there; None where that is not known."""


def scope_of(owner: str | None = None, record: RecordRef | None = None) -> str:
    """Name a scope, which is a partition: all messages, one user's, or those of a record."""
    if record:
        return f"{_RECORD}{record.type}:{record.id}"
    return f"{_USER}{owner}" if owner else MAIN


def record_of_scope(scope: str) -> RecordRef | None:
    """Return the record whose list a scope is; None for other scopes."""
    if not scope.startswith(_RECORD):
        return None
    record_type, _, record_id = scope.removeprefix(_RECORD).partition(":")
    return RecordRef(type=record_type, id=record_id)


def noise_of(month: str) -> str:
    """The partition of the messages sent in a month (YYYY-MM) that have drawn very many hits."""
    return _NOISE + month


def reminders_of(user: str) -> str:
    """The partition of a user's messages with a reminder that has not fired."""
    return _REMINDERS + user


def mailbox_partition(address_hash: str) -> str:
    """The partition of the messages to a mailbox and from it, by the keyed hash of its address."""
    return _MAILBOX + address_hash


def only_points(partition: str, standing: Standing) -> bool:
    """Whether the message's row in a partition shows nothing of it, and points to the whole: one to 500 mailboxes has
    500 such partitions, and no count may change them all."""
    return standing.large and partition.startswith(_MAILBOX)


def stays_in(partition: str, before: Standing, after: Standing) -> bool:
    """Whether the message's row in a partition can stay as it is."""
    return only_points(partition, before) and only_points(partition, after) and before.at == after.at


def standing_of(message: StoredMessage, kpis: Kpis, large: bool = False, updated_at: int = 0) -> Standing:
    """Make what lists sort and show the message by. `updated_at` is in milliseconds since 1970."""
    return Standing(
        state=message.state,
        shelves=_shelves(message),
        at=min(max(milliseconds(message.sort_time()), 0), LARGEST),
        subject=collation_key(message.subject),
        opens=kpis.opens,
        last_opened_at=milliseconds(kpis.last_opened_at) if kpis.last_opened_at else 0,
        last_read_at=milliseconds(kpis.last_read_at) if kpis.last_read_at else 0,
        attachment_views=kpis.attachment_views,
        clicks=kpis.clicks,
        replies=kpis.replies,
        raw_opens=kpis.raw.opens,
        reminds_at=_reminds_at(message, kpis),
        large=large,
        updated_at=updated_at,
        template=message.template,
    )


def _reminds_at(message: StoredMessage, kpis: Kpis) -> int:
    reminder = message.reminder
    if reminder is None or message.reminded_at or message.reminder_met:
        return 0
    is_answered = reminder.condition == "no_reply" and kpis.replies > 0
    return 0 if is_answered else min(max(milliseconds(reminder.at), 1), LARGEST)


def _shelves(message: StoredMessage) -> list[Shelf]:
    if message.state == "sent" and message.follow_state and message.follow_state.state == "on":
        return ["followed"]
    if message.state == "scheduled" or message.state == "received":
        return ["others", message.state]
    return ["others"]


def is_in_view(message: StoredMessage, view: View) -> bool:
    """Whether a view shows the message."""
    return not set(SHELVES[view]).isdisjoint(_shelves(message))


def partitions_of(message: StoredMessage, standing: Standing) -> list[str]:
    """Every partition in which the message stands, the main one first."""
    noise = [noise_of(month_of(moment(standing.at)))] if standing.raw_opens > NOISY else []
    reminders = [reminders_of(message.sender)] if standing.reminds_at else []
    return [*_partitions_of_scopes(message), *noise, *reminders]


def _partitions_of_scopes(message: StoredMessage) -> list[str]:
    users = [scope_of(message.sender)] if message.sender else []
    return [MAIN, *users, *(scope_of(record=ref) for ref in records_of(message))]


def places_of(message: StoredMessage) -> list[ListPlace]:
    """All places where the message may stand, whatever has been counted of it."""
    anything = {"raw_opens": NOISY + 1, "reminds_at": 1}
    partitions = partitions_of(message, standing_of(message, Kpis()).model_copy(update=anything))
    return [ListPlace(message=message.id, marks=dict.fromkeys(partitions))]


def is_told(places: Sequence[ListPlace], message: StoredMessage) -> bool:
    """Whether lists, which are at `places`, have been told of the message as it is now, whatever was counted since."""
    now = standing_of(message, Kpis())
    told = {name: getattr(now, name) for name in ("state", "shelves", "at", "subject", "template")}
    return any(
        place.standing is not None
        and told.items() <= dict(place.standing).items()
        and set(_partitions_of_scopes(message)) <= place.marks.keys()
        for place in places
    )


def keys_of(partition: str, message: str, standing: Standing) -> list[str]:
    """The keys of the message's rows in one of its partitions."""
    tie = f"{newest_first(standing.at)}|{message}"
    if partition.startswith(_NOISE):
        return [f"{_RAW_OPENS}{descending_number(standing.raw_opens)}|{tie}"]
    if partition.startswith(_REMINDERS):
        return [f"{_REMINDS_AT}{ascending_number(standing.reminds_at)}|{message}"]
    if partition.startswith(_MAILBOX):
        return [f"{_NEWEST_FIRST}{tie}"]
    columns = _OLD_COLUMNS[_old_end(partition)] if is_old(partition) else _COLUMNS
    orders = [key for column in columns for key in _orders(column, message, standing, tie)]
    keys = [f"{shelf}|{key}" for shelf in standing.shelves for key in orders]
    has_filters = standing.updated_at and not partition.startswith(_RECORD) and not is_old(partition)
    return [*keys, *_keys_for_filters(message, standing, tie)] if has_filters else keys


def _keys_for_filters(message: str, standing: Standing, tie: str) -> Iterator[str]:
    yield f"updated_at|{ascending_number(standing.updated_at)}|{message}"
    yield f"-updated_at|{newest_first(standing.updated_at)}|{message}"
    if standing.last_read_at:
        yield f"-last_read_at|{newest_first(standing.last_read_at)}|{message}"
    if standing.state not in ("scheduled", "received"):
        yield f"{_status_start('sending' if standing.state == 'submitting' else standing.state)}{tie}"
    if standing.template:
        yield f"{_template_start(standing.template)}{tie}"


def _status_start(status: MessageStatus) -> str:
    return f"status|{status}|"


def _template_start(template: str) -> str:
    return f"template|{template}|"


def is_old(partition: str) -> bool:
    """Whether only release 0.1.0 writes this partition. It shares those of records and of noise."""
    return _old_end(partition) in _OLD_COLUMNS


def _old_end(partition: str) -> str:
    # No name of a scope holds the sign.
    return partition.partition("|")[2]


def old_partition_of(scope: str, sort: Sort) -> str | None:
    """The partition in which release 0.1.0 keeps an order; None where that is the scope's own."""
    if scope.startswith(_RECORD):
        return None
    return next(f"{scope}|{end}" for end, columns in _OLD_COLUMNS.items() if sort.removeprefix("-") in columns)


def _orders(column: ListColumn, message: str, standing: Standing, tie: str) -> Iterator[str]:
    if column == "sent_at":
        yield f"sent_at|{ascending_number(standing.at)}|{message}"
        yield f"-sent_at|{tie}"
    elif column == "subject":
        yield f"subject|{ascending(standing.subject)}{tie}"
        yield f"-subject|{descending(standing.subject)}{tie}"
    elif count := min(getattr(standing, column), LARGEST):
        yield f"{column}|0|{descending_number(count)}|{tie}"
        yield f"{column}|2|{ascending_number(count)}|{tie}"
    else:
        yield f"{column}|1|{tie}"


def block_of(shelf: Shelf, sort: Sort) -> tuple[str, Range]:
    """(what the keys begin with, their range) of one order on one shelf. What follows the beginning is a cursor."""
    column = sort.removeprefix("-")
    if column not in _COUNTED:
        start = f"{shelf}|{sort}|"
        return start, Range.prefix(start)
    start, first = f"{shelf}|{column}|", 0 if sort != column else 1
    return start, Range(low=f"{start}{first}", high=f"{start}{first + 2}")


class FilterBlock(NamedTuple):
    """The rows that a filter reads, or the order by change: newest first, but for `updated_at`."""

    partition: str
    start: str
    """The beginning of the keys. What follows it is a cursor."""


def mailbox_block(address_hash: str) -> FilterBlock:
    """The messages to a mailbox and from it, by the keyed hash of its address."""
    return FilterBlock(mailbox_partition(address_hash), _NEWEST_FIRST)


def status_block(owner: str | None, status: MessageStatus) -> FilterBlock:
    """The messages of a status, but for those that have a shelf; of one user, or all."""
    return FilterBlock(scope_of(owner), _status_start(status))


def template_block(owner: str | None, template: str) -> FilterBlock:
    """The messages made of a template; of one user, or all."""
    return FilterBlock(scope_of(owner), _template_start(template))


def change_block(owner: str | None, sort: ChangeSort) -> FilterBlock:
    """All messages, or one user's, by the time of their last change, or of their last reading."""
    return FilterBlock(scope_of(owner), f"{sort}|")


def place_of_change(at: int) -> str:
    """The cursor before all messages that were changed at this time (milliseconds since 1970), or later."""
    return ascending_number(min(max(at, 0), LARGEST))


def noise_block() -> tuple[str, Range]:
    """Beginning and range of the keys of scanner noise in a month, most raw opens first."""
    return _RAW_OPENS, Range.prefix(_RAW_OPENS)


def reminders_block() -> tuple[str, Range]:
    """Beginning and range of the keys of a user's reminders, soonest first."""
    return _REMINDS_AT, Range.prefix(_REMINDS_AT)


def message_of(cursor: str) -> str:
    """Return the id of the message at a cursor."""
    return cursor.rpartition("|")[2]
