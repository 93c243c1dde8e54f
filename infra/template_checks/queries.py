"""Runs the few words of Kusto that alerts and the workbook use, on rows in memory, to try queries on log lines.

Operators: where, extend, summarize, project, order by, take. Source: the Kusto Query Language reference (`has` matches
whole terms, a summarize without `by` gives one row even of none, a comparison with null is false).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

LogRow = Mapping[str, Any]
Evaluate = Callable[[LogRow], Any]

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\d+(?:\.\d+)?[smhd]?\b|[A-Za-z_]\w*|[=!]=|[<>]=|[()<>,.|=])')
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class QueryError(Exception):
    """A query holds something that is not understood; the text says what."""


def run_query(query: str, tables: Mapping[str, Sequence[LogRow]]) -> list[LogRow]:
    """Rows that the query gives over the tables; a table that is not there is empty. Raises QueryError."""
    tokens = _tokens(query)
    name = tokens.take_word()
    rows: list[LogRow] = list(tables.get(name, ()))
    while tokens.skip("|"):
        operator = tokens.take_word()
        if operator not in _OPERATORS:
            raise QueryError(f"the operator {operator} is not understood")
        rows = _OPERATORS[operator](tokens, rows)
    if tokens.left:
        raise QueryError(f"{tokens.left[0]} is not understood")
    return rows


class _Tokens:
    def __init__(self, left: list[str]) -> None:
        self.left = left

    def skip(self, token: str) -> bool:
        """Whether the next token is this one; then it is taken."""
        if self.left[:1] != [token]:
            return False
        del self.left[0]
        return True

    def expect(self, token: str) -> None:
        if not self.skip(token):
            raise QueryError(f"{token} is missing before {' '.join(self.left[:3]) or 'the end'}")

    def take_word(self) -> str:
        if not self.left:
            raise QueryError("the query ends too early")
        return self.left.pop(0)


def _tokens(query: str) -> _Tokens:
    found, at = [], 0
    while query[at:].strip():
        match = _TOKEN.match(query, at)
        if match is None:
            raise QueryError(f"{query[at : at + 20]!r} is not understood")
        found.append(match[1])
        at = match.end()
    return _Tokens(found)


def _where(tokens: _Tokens, rows: list[LogRow]) -> list[LogRow]:
    condition = _either(tokens)
    return [row for row in rows if condition(row) is True]


def _extend(tokens: _Tokens, rows: list[LogRow]) -> list[LogRow]:
    columns = _columns(tokens)
    return [{**row, **{name: value(row) for name, value in columns}} for row in rows]


def _project(tokens: _Tokens, rows: list[LogRow]) -> list[LogRow]:
    columns = _columns(tokens)
    return [{name: value(row) for name, value in columns} for row in rows]


def _summarize(tokens: _Tokens, rows: list[LogRow]) -> list[LogRow]:
    totals = [_total(tokens)]
    while tokens.skip(","):
        totals.append(_total(tokens))
    keys = _columns(tokens) if tokens.skip("by") else []
    groups: dict[tuple[Any, ...], list[LogRow]] = {} if keys else {(): []}
    for row in rows:
        groups.setdefault(tuple(value(row) for _, value in keys), []).append(row)
    return [
        {
            **dict(zip((name for name, _ in keys), key, strict=True)),
            **{name: compute(group) for name, compute in totals},
        }
        for key, group in groups.items()
    ]


def _order(tokens: _Tokens, rows: list[LogRow]) -> list[LogRow]:
    tokens.expect("by")
    column = _operand(tokens)
    descending = tokens.skip("desc")
    return sorted(rows, key=column, reverse=descending)


def _first(tokens: _Tokens, rows: list[LogRow]) -> list[LogRow]:
    return rows[: int(tokens.take_word())]


_OPERATORS: Mapping[str, Callable[[_Tokens, list[LogRow]], list[LogRow]]] = {
    "where": _where,
    "extend": _extend,
    "project": _project,
    "summarize": _summarize,
    "order": _order,
    "take": _first,
}


def _columns(tokens: _Tokens) -> list[tuple[str, Evaluate]]:
    """Columns `name = expression`, or an expression alone, named after its first column."""
    columns = []
    while True:
        if tokens.left[1:2] == ["="]:
            name = tokens.take_word()
            tokens.expect("=")
        else:
            name = next((each for each in tokens.left if each != "bin" and re.match(r"[A-Za-z_]", each)), "")
        columns.append((name, _operand(tokens)))
        if not tokens.skip(","):
            return columns


def _total(tokens: _Tokens) -> tuple[str, Callable[[list[LogRow]], Any]]:
    name = tokens.take_word()
    tokens.expect("=")
    function = tokens.take_word()
    tokens.expect("(")
    compute = _aggregate(function, tokens)
    tokens.expect(")")
    return name, compute


def _aggregate(function: str, tokens: _Tokens) -> Callable[[list[LogRow]], Any]:
    if function == "count":
        return len
    if function == "countif":
        condition = _either(tokens)
        return lambda rows: sum(condition(row) is True for row in rows)
    value = _operand(tokens)
    if function == "sum":
        return lambda rows: sum(value(row) for row in rows)
    if function in ("max", "min"):
        choose = max if function == "max" else min
        return lambda rows: choose(map(value, rows), default=None)
    if function == "percentile":
        tokens.expect(",")
        share = float(tokens.take_word()) / 100
        return lambda rows: _percentile(sorted(map(value, rows)), share)
    raise QueryError(f"the function {function} is not understood")


def _percentile(values: list[float], share: float) -> float | None:
    return values[max(0, math.ceil(share * len(values)) - 1)] if values else None


def _either(tokens: _Tokens) -> Evaluate:
    alternatives = [_both(tokens)]
    while tokens.skip("or"):
        alternatives.append(_both(tokens))
    return lambda row: any(each(row) is True for each in alternatives)


def _both(tokens: _Tokens) -> Evaluate:
    conditions = [_comparison(tokens)]
    while tokens.skip("and"):
        conditions.append(_comparison(tokens))
    return lambda row: all(each(row) is True for each in conditions)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "has": lambda left, right: bool(re.search(rf"(?<!\w){re.escape(right)}(?!\w)", left, re.IGNORECASE)),
}


def _comparison(tokens: _Tokens) -> Evaluate:
    if tokens.skip("("):
        inner = _either(tokens)
        tokens.expect(")")
        return inner
    left = _operand(tokens)
    operator = tokens.take_word()
    if operator == "in":
        tokens.expect("(")
        values = _list(tokens, _operand)
        return lambda row: left(row) in [value(row) for value in values]
    if operator not in _COMPARE:
        raise QueryError(f"the comparison {operator} is not understood")
    right = _operand(tokens)

    def compare(row: LogRow) -> bool:
        values = left(row), right(row)
        return None not in values and _COMPARE[operator](*values)

    return compare


def _list(tokens: _Tokens, one: Callable[[_Tokens], Evaluate]) -> list[Evaluate]:
    """Operands between parentheses; the first parenthesis is open already."""
    found: list[Evaluate] = []
    while not tokens.skip(")"):
        found.append(one(tokens))
        tokens.skip(",")
    return found


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "bin": lambda value, size: value // size * size,
    "indexof": lambda text, part: text.find(part),
    "parse_json": _object,
    "substring": lambda text, start: text[int(start) :],
    "todouble": _number,
    "toint": _number,
    "tostring": lambda value: "" if value is None else str(value),
}


def _operand(tokens: _Tokens) -> Evaluate:
    token = tokens.take_word()
    if token.startswith('"'):
        return _constant(json.loads(token))
    if token[0].isdigit():
        return _constant(float(token.rstrip("smhd")) * _SECONDS.get(token[-1], 1))
    if token in ("true", "false"):
        return _constant(token == "true")  # noqa: S105 - a word of the query
    if tokens.skip("("):
        if token not in _FUNCTIONS:
            raise QueryError(f"the function {token} is not understood")
        arguments = _list(tokens, _operand)
        return lambda row: _FUNCTIONS[token](*(each(row) for each in arguments))
    path = [token]
    while tokens.skip("."):
        path.append(tokens.take_word())
    return lambda row: _at(row, path)


def _constant(value: Any) -> Evaluate:
    return lambda _: value


def _at(row: LogRow, path: Iterable[str]) -> Any:
    found: Any = row
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
