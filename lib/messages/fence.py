"""Changes of a message's copies by others than the outbox, fenced by the lease: no worker writes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from lib.errors import NotAllowed, Stale
from lib.messages.copy_rows import Copy
from lib.messages.deliveries import is_waiting
from lib.messages.models import StoredMessage
from lib.messages.store import Lease, Loaded, MessageStore

_COPIES_AT_ONCE = 90


def is_being_sent(loaded: Loaded, now: datetime) -> bool:
    """Tell whether a worker has the message.

    A lease that is over by our clock still counts: only the outbox can tell that a worker has died.
    """
    if not loaded.is_held or loaded.lease is None:
        return False
    return is_waiting(loaded.message) or loaded.lease.until > now


async def fenced(store: MessageStore, organization: str, loaded: Loaded, now: datetime) -> tuple[Loaded, str]:
    """Return the message with the new version of its lease; it has not changed since the lease got that version.

    A worker may have written rows of it while they were read. Raises NotAllowed, Stale.
    """
    message = loaded.message
    if loaded.lease is None or loaded.lease_etag is None:
        raise Stale(f"message {message.id} has no plan")
    if is_being_sent(loaded, now):
        raise NotAllowed("The message is being sent just now: try again in a minute.")
    lease_etag = await store.put_copies(organization, message.id, {}, Lease(until=now), loaded.lease_etag)
    again = await store.load(organization, message.id)
    if again is None or (again.etag, again.lease_etag) != (loaded.etag, lease_etag):
        raise Stale(f"message {message.id} has changed")
    return replace(again, message=message), lease_etag


async def write_fenced(
    store: MessageStore,
    organization: str,
    message: StoredMessage,
    etag: str,
    changed: Mapping[int, Copy],
    lease_etag: str,
    now: datetime,
) -> None:
    """Write the message and the changed copies, by number, in place of the fenced versions. Raises Stale."""
    lease, numbers = Lease(until=now), list(changed)
    while len(numbers) > _COPIES_AT_ONCE:
        some = {number: changed[number] for number in numbers[:_COPIES_AT_ONCE]}
        lease_etag = await store.put_copies(organization, message.id, some, lease, lease_etag)
        numbers = numbers[_COPIES_AT_ONCE:]
    rest = {number: changed[number] for number in numbers}
    await store.change_with_lease(organization, message, etag, rest, lease, lease_etag)
