"""Point reads and queries of tables as raw requests: the address that the service wants, and its answer.

The SDK spends several times the CPU: a client object for each query, a look for proxies and netrc files for each
request, a pipeline of policies, and an object of its own for each row. The formats are those of "Query Entities",
"Payload format for Table service operations" and "Query timeout and pagination".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from lib.storage.azure.errors import storage_error
from lib.storage.azure.requests import RestAnswer, RestSession, error_code
from lib.storage.azure.transactions import WRITE_ID, place_in_url, quoted
from lib.storage.protocols import Missing, Range, Row, Unavailable, Value

Entity = Mapping[str, Any]
"""A row as the service writes it in JSON."""

_HEADERS = {
    "Accept": "application/json;odata=minimalmetadata",
    "DataServiceVersion": "3.0",
    "MaxDataServiceVersion": "3.0;NetFx",
}
_OK = 200

_TYPE = "@odata.type"
_CONVERSIONS: Mapping[str, Callable[[Any], Value]] = {"Edm.Int64": int, "Edm.Double": float}
"""By type, for values that JSON alone does not tell. Other annotated types (dates, ids, bytes) stay texts: Heed stores
none of them as such."""

_NO_COLUMNS = frozenset(("PartitionKey", "RowKey", "Timestamp", WRITE_ID))


class RestQueries:
    """Reads, each with one request: the caller decides about another try."""

    def __init__(self, session: RestSession) -> None:
        self._session = session

    async def read_entity(self, table: str, partition: str, key: str) -> Entity | None:
        """The row, or None where the row or the whole table is missing. Raises StorageError."""
        try:
            answer = await self._read(f"/{table}{place_in_url(partition, key)}")
        except Missing:
            return None
        return _json_of(answer)

    async def read_page(self, table: str, query: str) -> tuple[list[Row], str]:
        """The rows of one answer in their order, and what to append to the query for the next one (empty: none).

        A page without rows may have a next one. A missing table is an empty one. Raises StorageError.
        """
        try:
            answer = await self._read(f"/{table}()", query)
        except Missing:
            return [], ""
        found = _json_of(answer).get("value")
        if not isinstance(found, list):
            raise Unavailable("storage answers with no list of rows")
        return [row_of(entity) for entity in found], _continuation(answer.headers)

    async def _read(self, path: str, query: str = "") -> RestAnswer:
        answer = await self._session.to_table("GET", path, b"", dict(_HEADERS), query)
        if answer.status != _OK:
            raise storage_error(answer.status, error_code(answer.body))
        return answer


def query_of(partition: str | Range, keys: Range, most: int) -> str:
    """The query string for at most so many rows (up to 1,000), with every value quoted: the one maker of filters."""
    ranges = [("PartitionKey", partition), ("RowKey", keys)]
    conditions = [condition for column, limits in ranges for condition in _conditions(column, limits)]
    return f"$top={most}&$filter={'%20and%20'.join(conditions)}" if conditions else f"$top={most}"


def _conditions(column: str, limits: str | Range) -> list[str]:
    """The conditions of OData, quoted for an address."""
    if isinstance(limits, str):
        return [f"{column}%20eq%20'{quoted(limits)}'"]
    bounds = (("ge", limits.low), ("gt", limits.after), ("lt", limits.high))
    return [f"{column}%20{operator}%20'{quoted(value)}'" for operator, value in bounds if value is not None]


def row_of(entity: Entity) -> Row:
    """The row without what the service and the write have added. A column's name holds no dot; annotations do.

    Raises Unavailable for what is no row.
    """
    try:
        return _row_of(entity)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("storage answers with something that is no row") from error


def _row_of(entity: Entity) -> Row:
    values: dict[str, Value] = {
        name: value for name, value in entity.items() if "." not in name and name not in _NO_COLUMNS
    }
    for name, kind in entity.items():
        if name.endswith(_TYPE) and kind in _CONVERSIONS:
            column = name.removesuffix(_TYPE)
            values[column] = _CONVERSIONS[kind](values[column])
    return Row(entity["PartitionKey"], entity["RowKey"], values, entity["odata.etag"])


def _json_of(answer: RestAnswer) -> dict[str, Any]:
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Unavailable("storage answers with broken JSON") from error
    if not isinstance(value, dict):
        raise Unavailable("storage answers with JSON of another shape")
    return value


def _continuation(headers: Mapping[str, str]) -> str:
    names = ("NextPartitionKey", "NextRowKey")
    there = [(name, headers.get(f"x-ms-continuation-{name}")) for name in names]
    return "".join(f"&{name}={quote(value, safe='')}" for name, value in there if value)
