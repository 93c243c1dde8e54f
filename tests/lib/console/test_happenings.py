"""Hits of machines that follow each other are one row; people's are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lib.console.happenings import Because, Happening, rows_of

NOW = datetime(2026, 5, 5, 14, 0, tzinfo=UTC)


def hit(seconds: float, verdict: Any = "machine", kind: Any = "open", **fields: Any) -> Happening:
    """A hit so many seconds before now."""
    return Happening(f"{seconds}", kind, NOW - timedelta(seconds=seconds), verdict, 0.99, **fields)


def lengths(happenings: list[Happening]) -> list[int]:
    return [len(row.happenings) for row in rows_of(happenings)]


def test_machines_within_30_seconds_of_each_other_are_one_row() -> None:
    assert lengths([hit(0), hit(30), hit(60), hit(91)]) == [3, 1]


def test_a_person_between_them_divides_them() -> None:
    assert lengths([hit(0), hit(1, "human"), hit(2, "human"), hit(3), hit(4)]) == [1, 1, 1, 2]


def test_ones_own_looks_and_mail_are_rows_of_their_own() -> None:
    assert lengths([hit(0, is_own=True), hit(1, is_own=True), hit(2, kind="bounce"), hit(3)]) == [1, 1, 1, 1]


def test_a_burst_is_told_in_words_with_each_reason_once() -> None:
    many, filtering = Because("many at once", "burst", -2.0), Because("a mail filter", "scanner", -4.0)
    [row] = rows_of([hit(0, reasons=(many,), count=3), hit(6, kind="click", reasons=(many, filtering))])

    assert row.is_burst
    assert (row.summary, row.kinds) == ("4 looks within 6 seconds", "3 opens, 1 click")
    assert [each.code for each in row.reasons] == ["scanner", "burst"]


def test_no_verdict_is_quite_sure() -> None:
    assert Happening("e", "open", NOW, "human", 0.9999).percent == 99
