"""Names of tables, containers and queues."""

from __future__ import annotations

ORGANIZATIONS = "heedorgs"
DUE = "heeddue"

KINDS = ("messages", "journal", "facts", "index", "people", "cards", "templates", "threads", "requests")
"""Every organization has a table of each kind. `requests` holds what was answered to an Idempotency-Key."""

OUTBOX = "outbox"
INTERACTIONS = "interactions"
INBOUND = "inbound"
QUEUES = (INTERACTIONS, OUTBOX, INBOUND)


def table(organization: str, kind: str) -> str:
    """The name of an organization's table, such as `heedacmemessages`.

    No kind ends with another kind, so no two organizations share a table.
    """
    assert kind in KINDS, kind
    return f"heed{organization}{kind}"


def container(organization: str) -> str:
    """The name of an organization's container of blobs."""
    return f"heed-{organization}"
