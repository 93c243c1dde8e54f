"""Mail that was waiting to go out when a backup was made: held, as it may have gone out since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from lib.messages.copy_rows import Copy, Delivery
from lib.messages.deliveries import goes_on, is_waiting, together
from lib.messages.models import Failure, StoredMessage
from lib.storage import Row
from lib.storage.documents import UnreadableRow, pack, unpack

_CODE = "restored"
_MESSAGE_ROW = "m"
_COPY_ROWS = "c"
_LEASE_ROW = "d"


def hold_waiting_mail(rows: Iterable[Row], backed_up_at: datetime, now: datetime) -> Iterator[Row]:
    """Yield the rows of the table `messages` with no mail in them that would go out by itself.

    Rows that cannot be read stay as they are: no worker can read them either, so their mail does not go out.
    """
    for _, of_message in groupby(rows, lambda row: row.partition):
        its = list(of_message)
        try:
            yield from _hold(its, backed_up_at, now)
        except UnreadableRow:
            yield from its


def _hold(rows: list[Row], backed_up_at: datetime, now: datetime) -> list[Row]:
    row = next((row for row in rows if row.key == _MESSAGE_ROW), None)
    if row is None:
        return rows
    message = unpack(StoredMessage, row)
    if not is_waiting(message):
        return rows
    text = (
        f"Heed was restored from a backup of {backed_up_at:%Y-%m-%d %H:%M} UTC, when this mail was still to go out. "
        "Whether it has gone out since is not known."
    )
    keys = [row.key for row in rows if row.key.startswith(_COPY_ROWS)][: message.copy_count or 0]
    copies = {row.key: unpack(Copy, row) for row in rows if row.key in keys}
    if not copies:
        held = message.model_copy(update={"state": "failed", "failure": Failure(code=_CODE, text=text)})
    else:
        copies = {key: _doubtful(copy, text, now) for key, copy in copies.items()}
        held = together(message, list(copies.values()), now)
    changed = {_MESSAGE_ROW: pack(held), **{key: pack(copy) for key, copy in copies.items()}}
    kept = (row for row in rows if row.key != _LEASE_ROW)  # no worker holds it
    return [Row(row.partition, row.key, changed.get(row.key, row.values)) for row in kept]


def _doubtful(copy: Copy, text: str, now: datetime) -> Copy:
    """The copy with all in doubt that was still to be done."""
    if not goes_on(copy):
        return copy
    left = [each for each in copy.recipients if copy.delivery_of(each).state in ("waiting", "pending", "uncertain")]
    outcomes = {number: Delivery(state="uncertain", code=_CODE, text=text, at=now) for number in left}
    update = {"state": "uncertain", "due_at": None, "asked": left, "deliveries": {**copy.deliveries, **outcomes}}
    return copy.model_copy(update=update)
