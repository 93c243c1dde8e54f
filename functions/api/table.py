"""The table of endpoints, `endpoints.csv`: the name, method and route of each, in the order of the OpenAPI document.

`make docs` writes the table from the endpoints' declarations, and `make check` compares. An app registers its functions
from the table, so that a cold start imports no endpoint.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

Method = Literal["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]

TABLE = Path(__file__).with_name("endpoints.csv")


class TableRow(NamedTuple):
    """A function of the API."""

    name: str
    method: Method
    route: str


def read_table() -> Sequence[TableRow]:
    """Read the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return [TableRow(name, cast(Method, method), route) for name, method, route in lines]


def table_text(rows: Iterable[TableRow]) -> str:
    """Write rows as the text of the table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([TableRow._fields, *rows])
    return text.getvalue()


def methods_of(method: Method) -> list[str]:
    """List the methods that an endpoint answers: HEAD like GET."""
    return [method, "HEAD"] if method == "GET" else [method]
