"""Rows of the table `requests`: what came under an Idempotency-Key, and what was answered.

Keys, where `<request>` is a digest of path and key:

- `<request>`, `request`: the request, with its answer once there is one;
- `hour|<YYYYMMDDHH>`, `<request>`: the hour in which the request came, by which it is found when its day is over;
- `message|<message>`, `<request>`: a message that the answer shows, by which it is found when the message goes.

A row of the last two kinds is written before what it leads to, so that nothing is kept that cannot be found.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import BaseModel

from lib.fields import Moment
from lib.storage import Delete, Missing, Row, Storage, Upsert
from lib.storage.layout import container, table

REMEMBERED = timedelta(hours=24)
"""Time for which an answer is repeated."""

REQUEST_ROW = "request"
HOURS = "hour|"
MESSAGES = "message|"


class StoredRequest(BaseModel):
    """The row of a request."""

    body_sha256: str
    """SHA-256 of query string and body, in hexadecimal."""

    sent_as: str | None = None
    """Digest of content type and acting user; None in rows of earlier releases, which are not compared by it."""

    made_id: str
    begun_at: Moment
    status: int | None = None
    answer: str | None = None
    """The sealed answer, if it is short."""

    blob: str | None = None
    """The name of the blob with the sealed answer, if it is long."""

    etag: str | None = None
    """The version, as storage names it, of what the answer shows."""

    message: str | None = None
    """The message that the answer shows."""

    forgotten: bool = False
    """Whether the answer was deleted with its message."""


def hour_partition(moment: datetime) -> str:
    """Return the partition of the requests that came in that hour of UTC."""
    return f"{HOURS}{moment:%Y%m%d%H}"


def message_partition(message: str) -> str:
    """Return the partition of requests whose answers show a message."""
    return f"{MESSAGES}{message}"


async def delete_beside(storage: Storage, organization: str, request: str, stored: StoredRequest) -> None:
    """Delete what stands beside the row of a request whose day is over: a long answer, and a message's pointer."""
    if stored.blob:
        await storage.blobs.delete_blob(container(organization), stored.blob)
    if stored.message:
        await delete_pointer(storage, organization, message_partition(stored.message), request)


async def delete_pointer(storage: Storage, organization: str, partition: str, request: str) -> None:
    """Delete the row that leads to a kept answer. Again is the same. Raises StorageError."""
    with suppress(Missing):  # another run was faster
        await storage.tables.write_rows(table(organization, "requests"), [Delete(partition, request)])


def pointer(partition: str, request: str) -> Upsert:
    """Make the change that lets a request be found in a partition of hours or of messages."""
    return Upsert(Row(partition, request, {"v": 1}))
