"""What is left of an address in storage: every table, blob and queue message, read as it lies there."""

from __future__ import annotations

from lib.storage import Storage
from lib.storage.layout import DUE, KINDS, ORGANIZATIONS, container, table
from lib.storage.memory import MemoryQueues
from lib.storage.protocols import EVERYTHING


async def everything_in(storage: Storage, organization: str = "acme") -> list[str]:
    """Each row and blob of the organization, and what is shared, as text: documents are put together from columns."""
    found = []
    for name in (ORGANIZATIONS, DUE, *(table(organization, kind) for kind in KINDS)):
        async for row in storage.tables.query(name, EVERYTHING):
            text = "".join(str(value) for column, value in sorted(row.values.items()))
            found.append(f"{name} {row.partition} {row.key} {text}")
    async for blob in storage.blobs.list_blobs(container(organization)):
        data = await storage.blobs.read_blob(container(organization), blob)
        found.append(f"blob {blob} {data.decode('utf-8', 'replace')}")
    if isinstance(storage.queues, MemoryQueues):
        found += [f"queue {sent.queue} {sent.body}" for sent in storage.queues.waiting]
    return found


async def remains_of(storage: Storage, *words: str, organization: str = "acme") -> list[str]:
    """Where any of the words stands, in whatever case."""
    wanted = [word.lower() for word in words]
    return [each for each in await everything_in(storage, organization) if any(word in each.lower() for word in wanted)]
