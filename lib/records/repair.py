"""A record's roll-up counted anew, from all that messages have given to it: for repair, never for an event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lib.organizations.settings import Score
from lib.people.records import StoredRecord
from lib.records.rollups import total
from lib.records.rows import PARTITION, RecordRows, key_changes, last_keys_of
from lib.storage import Change, Delete
from lib.storage.batches import batches_of
from lib.storage.protocols import MOST_CHANGES


async def recount(
    rows: RecordRows,
    organization: str,
    record: str,
    stored: tuple[StoredRecord, str] | None,
    weights: Score,
    now: datetime,
) -> None:
    """Put roll-up, list and last times as the shares have them. Reads every share: ten requests for 10,000 messages.

    Raises Conflict where something changes meanwhile: every transaction is on condition of the one before.
    """
    there, etag = await rows.rollup(organization, record)
    shares = {message: share async for message, share in rows.shares(organization, record)}
    new = total(shares.values(), now)
    keys: set[str] = set()
    for message, share in shares.items():
        keys |= last_keys_of(record, message, share)
    if stored:
        new.record, new.etag = stored
    new.told = there.told if there else None
    new = new.placed(weights, now)
    changes = key_changes(await rows.last_keys(organization, record), keys)
    changes += [
        Delete(PARTITION, f"v|{place}")
        async for place, _ in rows.listed(organization)
        if place.split("|", 1)[1] == record and place != new.place
    ]
    for some in _transactions(changes):
        # Old places are among the changes already, so the roll-up of before is not told of.
        etag = await rows.write_rows(organization, record, None, etag, new, some)


def _transactions(changes: Sequence[Change]) -> list[Sequence[Change]]:
    """At least one; the roll-up and its place in the list go with each."""
    return list(batches_of(changes, MOST_CHANGES - 2)) or [()]
