"""Families of records: records with their parents, the parents' parents and so on, read level by level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lib.people.records import StoredRecord, name_of, record_of
from lib.people.store import People
from lib.storage.at_once import some_at_once

MOST_PARENTS = 8
"""Parents of a record that are looked at, one above the other."""


class Families:
    """Records that were read together with all of their parents, by name (`<type>|<id>`)."""

    def __init__(self, records: Mapping[str, StoredRecord | None]) -> None:
        self._records = records

    def all_records(self) -> dict[str, StoredRecord | None]:
        """Return what was read, by name; None for what is not in storage."""
        return dict(self._records)

    def record(self, name: str) -> StoredRecord | None:
        """Find a record that was read; None if there is none in storage."""
        return self._records.get(name)

    def standing(self, name: str) -> str:
        """Name the record that stands for this one: another one where it was merged."""
        for _ in range(MOST_PARENTS):
            record = self._records.get(name)
            if record is None or record.merged_into is None:
                break
            name = name_of(record.merged_into)
        return name

    def parents_above(self, name: str) -> list[str]:
        """List the parents of a record upwards, whether or not they exist. In a circle, they come round and round."""
        path: list[str] = []
        above = self._parent(name)
        while above and len(path) < MOST_PARENTS:
            path.append(above)
            above = self._parent(above)
        return path

    def _parent(self, name: str) -> str | None:
        record = self._records.get(name)
        return name_of(record.parent) if record and record.parent else None


async def read_families(
    people: People, organization: str, names: Iterable[str], known: Families | None = None
) -> Families:
    """Read the records of these names with their parents: one request for each record on the way, each read once.

    Those that are `known` are not read again. Raises StorageError.
    """
    records = known.all_records() if known else {}
    level = [name for name in dict.fromkeys(names) if name not in records]
    for _ in range(MOST_PARENTS + 1):
        found = await some_at_once(people.record(organization, record_of(name)) for name in level)
        records.update(zip(level, found, strict=True))
        parents = {name_of(record.parent) for record in found if record and record.parent}
        level = sorted(parents - records.keys())
        if not level:
            break
    return Families(records)
