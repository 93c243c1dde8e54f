"""Numbers and times as parts of row keys, which Table storage sorts as text."""

from __future__ import annotations

LARGEST = 10**13 - 1
"""The largest number of 13 digits; as milliseconds since 1970, a time in the year 2286."""


def ascending_number(number: int, largest: int = LARGEST) -> str:
    """The number, from 0 to `largest`, in as many digits as `largest` has: sorts upwards."""
    return f"{number:0{len(str(largest))}d}"


def descending_number(number: int, largest: int = LARGEST) -> str:
    """The distance of the number, from 0 to `largest`, from `largest`, in as many digits: sorts downwards."""
    return ascending_number(largest - number, largest)


def newest_first(at: int) -> str:
    """A time in milliseconds since 1970 as a key of 13 digits by which later times come first."""
    return descending_number(at)


def time_of(key: str) -> int:
    """The milliseconds since 1970 of a key that `newest_first` made."""
    return LARGEST - int(key)
