"""Months in words."""

from __future__ import annotations

from datetime import date


def month_name(month: str) -> str:
    """Write a month such as 2026-05 as `May 2026`."""
    year, number = (int(part) for part in month.split("-"))
    return f"{date(2000, number, 1):%B} {year}"


def months_before(month: str, count: int) -> list[str]:
    """Return a month and those before it, the newest first; none before January of the year 1."""
    year, number = (int(part) for part in month.split("-"))
    last = year * 12 + number - 1
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(last, max(last - count, 11), -1)]
