"""Names of tables, containers and queues."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

TableKind = Literal[
    "messages",
    "journal",
    "facts",
    "index",
    "people",
    "cards",
    "templates",
    "threads",
    "requests",
    "privacy",
    "evidence",
    "feed",
]
"""Kind of an organization's table. `requests` holds what was answered to an Idempotency-Key; `privacy` holds stops and
the like."""

StorageKind = TableKind | Literal["blobs"]
"""What of an organization may be in an account of its own: the tables of a kind, or the container."""

BLOBS: StorageKind = "blobs"
"""Stands for an organization's container where kinds are named."""

ORGANIZATIONS = "heedorgs"
DUE = "heeddue"

ORGANIZATION_ROW = "org"
"""Key of an organization's own row in the table of organizations."""

ADDRESS_SECRET_ROW = "address-secret"  # noqa: S105 - no password
"""Key of the row with the secret by which an organization's addresses are hashed."""

DELETED_ROW = "deleted"
"""Key of the row that says when an organization of that id was deleted."""

PRIVACY: TableKind = "privacy"
"""Kind of the table of stops, tombstones, jobs and the audit log. It is newer than some organizations."""

EVIDENCE: TableKind = "evidence"
"""Kind of the table of what sources did with earlier mails. It is newer than some organizations."""

FEED: TableKind = "feed"
"""Kind of the table of the feed of events, and of webhooks. It is newer than some organizations."""

KINDS: tuple[TableKind, ...] = get_args(TableKind)
"""Every organization has a table of each kind.

An organization that is older than a kind lacks its table, which reads as an empty one. Rows of
`privacy`, `evidence` and `feed` are therefore written through `lib.storage.late_tables`.
"""

OUTBOX = "outbox"
INTERACTIONS = "interactions"
INBOUND = "inbound"
JOBS = "jobs"
WEBHOOKS = "webhooks"
QUEUES = (INTERACTIONS, OUTBOX, INBOUND, JOBS, WEBHOOKS)


MAILS = "inbound/"
"""The beginning of the names of blobs that are raw mails."""


def table(organization: str, kind: str) -> str:
    """The name of an organization's table, such as `heedacmemessages`.

    No kind ends with another kind, so no two organizations share a table.
    """
    assert kind in KINDS, kind
    return f"heed{organization}{kind}"


class StoragePlace(NamedTuple):
    """Organization and kind of a table or container."""

    organization: str
    kind: StorageKind


@lru_cache(4096)
def place_of_table(name: str) -> StoragePlace | None:
    """The organization and the kind of the table with this name; None for a shared table."""
    kind = next((kind for kind in KINDS if name.endswith(kind)), None)
    return StoragePlace(name.removeprefix("heed").removesuffix(kind), kind) if kind else None


def place_of_container(name: str) -> StoragePlace:
    """The organization of the container with this name, and `blobs`."""
    return StoragePlace(name.removeprefix("heed-"), BLOBS)


def container(organization: str) -> str:
    """The name of an organization's container of blobs."""
    return f"heed-{organization}"
