"""Models in a table: load, save, change on condition, list. Users, records and the like are stored in this one way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Generic, TypeVar

from pydantic import BaseModel

from lib.errors import Stale
from lib.storage import Conflict, Delete, Missing, Range, Replace, Row, Tables, put_if_unchanged
from lib.storage.documents import UnreadableRow, pack, unpack
from lib.storage.layout import table
from lib.storage.protocols import EVERYTHING
from lib.storage.versions import IfMatch, check_version

StoredModel = TypeVar("StoredModel", bound=BaseModel)


class Repository(Generic[StoredModel]):
    """The models of one kind, in one kind of table. Partitions and keys are made of ids."""

    def __init__(self, tables: Tables, kind: str, model: type[StoredModel]) -> None:
        self._tables = tables
        self._kind = kind
        self._model = model

    async def load(self, organization: str, partition: str, key: str) -> tuple[StoredModel, str] | None:
        """The model and its etag; None where there is none. Raises StorageError."""
        row = await self._tables.read_row(table(organization, self._kind), partition, key)
        return None if row is None else (unpack(self._model, row), row.etag or "")

    async def save(
        self, organization: str, partition: str, key: str, model: StoredModel, if_match: IfMatch | None
    ) -> tuple[str, bool]:
        """Put the whole model; the etag, and whether the model is new.

        Raises Stale where the model is no version that `if_match` names (None: it need not exist), and Conflict where
        another writer was first.
        """
        found = await self._tables.read_row(table(organization, self._kind), partition, key)
        check_version(if_match, found.etag if found else None)
        row = Row(partition, key, pack(model), found.etag if found else None)
        [etag] = await self._tables.write_rows(table(organization, self._kind), [put_if_unchanged(row)])
        return etag or "", found is None

    async def change(self, organization: str, partition: str, key: str, model: StoredModel, etag: str) -> str:
        """Put the model in place of the version `etag`; the new etag. Raises Stale."""
        [new] = await self.change_some(organization, partition, {key: (model, etag)})
        return new

    async def change_some(
        self, organization: str, partition: str, models: Mapping[str, tuple[StoredModel, str]]
    ) -> list[str]:
        """Put up to a hundred models in place of their versions, (model, etag) by key; the new etags.

        All of them are put, or none. Raises Stale.
        """
        changes = [Replace(Row(partition, key, pack(model), etag)) for key, (model, etag) in models.items()]
        try:
            etags = await self._tables.write_rows(table(organization, self._kind), changes)
        except (Conflict, Missing) as error:
            raise Stale from error
        return [etag or "" for etag in etags]

    async def remove(self, organization: str, partition: str, key: str, etag: str | None = None) -> None:
        """Remove the model. Raises Missing where there is none, Stale where it is not the version `etag`."""
        try:
            await self._tables.write_rows(table(organization, self._kind), [Delete(partition, key, etag)])
        except Conflict as error:
            raise Stale from error

    async def list(
        self,
        organization: str,
        partition: str | Range,
        keys: Range = EVERYTHING,
        limit: int | None = None,
        unreadable: Callable[[], None] | None = None,
    ) -> AsyncIterator[tuple[str, StoredModel, str]]:
        """The models in order of their keys: (key, model, etag).

        A row that cannot be read is passed over where `unreadable` is given, which is told; else UnreadableRow.
        """
        async for row in self._tables.query(table(organization, self._kind), partition, keys, limit):
            try:
                model = unpack(self._model, row)
            except UnreadableRow:
                if unreadable is None:
                    raise
                unreadable()
                continue
            yield row.key, model, row.etag or ""
