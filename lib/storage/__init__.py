"""Tables, blobs and queues behind small protocols; in Azure, and in memory for tests."""

from lib.storage.protocols import (
    Blobs,
    Change,
    Conflict,
    Delete,
    Insert,
    Missing,
    Queues,
    Range,
    Replace,
    Row,
    Storage,
    StorageError,
    Tables,
    Unavailable,
    Upsert,
    Value,
)

__all__ = [
    "Blobs",
    "Change",
    "Conflict",
    "Delete",
    "Insert",
    "Missing",
    "Queues",
    "Range",
    "Replace",
    "Row",
    "Storage",
    "StorageError",
    "Tables",
    "Unavailable",
    "Upsert",
    "Value",
]
