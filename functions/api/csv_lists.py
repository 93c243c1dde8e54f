"""Lists as CSV, for spreadsheets (RFC 4180): one row for each item, one column for each field of the answer.

The columns come from the item's model, so that every page of a list has the same ones. A nested field stands in a
column of its own, as `kpis.opens`; a list, or a map whose names vary, is JSON in one cell. A spreadsheet takes a text
that begins like a formula for one (OWASP, CSV injection): an apostrophe before such a text makes it plain text again.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

CSV = "text/csv"

BYTE_ORDER_MARK = "\ufeff"
"""The sign by which Excel knows that a file is UTF-8."""

_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
_RANGE = re.compile(r"\s*(?P<type>[^\s;]+)\s*(?:;(?P<parameters>.*))?")
_QUALITY = re.compile(r"\bq\s*=\s*(0(?:\.[0-9]*)?|1(?:\.0*)?)\s*(?:;|$)", re.IGNORECASE)


def asks_for_csv(accept: str | None) -> bool:
    """Whether a header Accept names CSV, and does not rather have JSON. A wildcard stands for JSON."""
    qualities: dict[str, float] = {}
    for each in (accept or "").split(","):
        if found := _RANGE.fullmatch(each):
            quality = _QUALITY.search(found["parameters"] or "")
            qualities[found["type"].lower()] = float(quality[1]) if quality else 1.0
    wanted = qualities.get(CSV, 0.0)
    return wanted > 0 and wanted >= qualities.get("application/json", 0.0)


def item_model(answer: object, query: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model of a list's items; None where the answer is no list that is read by pages."""
    if not (isinstance(answer, type) and issubclass(answer, BaseModel)) or "cursor" not in query.model_fields:
        return None
    items = answer.model_fields.get("items")
    inner = get_args(items.annotation) if items else ()
    return inner[0] if len(inner) == 1 and _is_model(inner[0]) else None


@cache
def columns_of(model: type[BaseModel], above: tuple[type[BaseModel], ...] = ()) -> tuple[str, ...]:
    """Name the columns of a model, in the order of its fields: `id`, `kpis.opens`."""
    columns = list[str]()
    for name, field in model.model_fields.items():
        shown = field.serialization_alias or field.alias or name
        inner = _nested(field.annotation)
        if inner is None or inner in above:
            columns.append(shown)
        else:
            columns += [f"{shown}.{each}" for each in columns_of(inner, (*above, model))]
    return tuple(columns)


def write_csv(page: bytes, columns: Sequence[str]) -> bytes:
    """Write the items of a page, which is JSON, below a line of column names."""
    return b"".join((BYTE_ORDER_MARK.encode(), write_rows([columns]), write_items(page, columns)))


def write_items(page: bytes, columns: Sequence[str]) -> bytes:
    """Write the items of a page, which is JSON, a line for each."""
    paths = [column.split(".") for column in columns]
    return write_rows([_cell(_value(item, path)) for path in paths] for item in json.loads(page)["items"])


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Write lines of cells, which are quoted. Lines end in CRLF."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _value(item: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = item
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _cell(value: Any) -> str:
    """Write a value. Numbers are no texts: those below zero stay as they are."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return json.dumps(value, ensure_ascii=False)


def _nested(annotation: Any) -> type[BaseModel] | None:
    """Return the only model that a field may hold, beside null; None where it may hold anything else."""
    kinds = [each for each in _kinds(annotation) if each is not NoneType]
    return kinds[0] if len(kinds) == 1 and _is_model(kinds[0]) else None


def _kinds(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for each in get_args(annotation):
            yield from _kinds(each)
    else:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
