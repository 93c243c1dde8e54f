"""Names of tables, containers and queues."""

from __future__ import annotations

ORGANIZATIONS = "heedorgs"
DUE = "heeddue"

KINDS = ("messages", "journal", "facts", "index", "people", "cards", "templates", "threads", "requests")
"""Every organization has a table of each kind. `requests` holds what was answered to an Idempotency-Key."""

OUTBOX = "outbox"
INTERACTIONS = "interactions"
QUEUES = (INTERACTIONS, OUTBOX)


def table(organization: str, kind: str) -> str:
    """`heedacmemessages`: no kind ends with another one, so no two organizations can meet in a table."""
    assert kind in KINDS, kind
    return f"heed{organization}{kind}"


def container(organization: str) -> str:
    return f"heed-{organization}"
