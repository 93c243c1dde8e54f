"""Rows of visits: how a visit is written, by place and by company, and read again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import cast, get_args

from lib.storage import Row
from lib.storage.protocols import Value
from lib.verdicts.memory import SourceKey, Sure, Visit

PARTITIONS = tuple(f"{index}{digit}" for index in "ck" for digit in "0123456789abcdef")
"""Partitions of the table: rows by company begin with `c`, rows by place with `k`."""

_KEY = re.compile(r"(?:[0-9a-f]{8,16}\|){6}[0-9a-f]{1,64}")
"""Six hashes and the id of a message."""

_VERSION = 1


def values_of(visit: Visit) -> dict[str, Value]:
    """Return the columns of a visit, the same in both rows."""
    return {
        "v": _VERSION,
        "at": visit.first,
        "since": -1 if visit.since is None else max(visit.since, 0),
        "opens": visit.opens,
        "targets": visit.targets,
        "links": visit.links,
        "odds": float(visit.odds),
        "sure": visit.sure,
        "sender": visit.sender,
        "shared": visit.key.is_shared,
    }


def row_by_company(visit: Visit) -> Row:
    """Return the row that mails to the same company and person find."""
    key = visit.key
    source = f"{key.area}|{key.agent}|{key.place}|{key.program}"
    return Row(f"c{key.company[0]}", f"{key.company}|{key.person}|{source}|{visit.message}", values_of(visit))


def rows_by_place(visit: Visit) -> list[Row]:
    """Return the row that the same source's hits find; none for a place that many people share."""
    places = () if visit.key.is_shared else places_of_twins(row_by_company(visit).key)
    return [Row(partition, key, values_of(visit)) for partition, key in places]


def places_of_twins(key: str) -> Sequence[tuple[str, str]]:
    """Find partition and key of the row by place that belongs to a row by company; none for a key of no visit."""
    if not _KEY.fullmatch(key):
        return ()
    company, person, *source, message = key.split("|")
    return [(f"k{source[0][0]}", "|".join((*source, company, person, message)))]


def read_visit(row: Row) -> Visit | None:
    """Read the visit of a row; None where it cannot be read."""
    if not _KEY.fullmatch(row.key):
        return None
    try:
        if row.partition.startswith("c"):
            company, person, area, agent, place, program, message = row.key.split("|")
        else:
            area, agent, place, program, company, person, message = row.key.split("|")
        values = row.values
        since, odds, sure = int(values["since"]), float(values["odds"]), row.text("sure")
        if values["v"] != _VERSION or sure not in get_args(Sure) or not math.isfinite(odds):
            return None
        return Visit(
            SourceKey(place, area, agent, program, company, person, values["shared"] is True),
            message,
            row.text("sender"),
            int(values["at"]),
            None if since < 0 else since,
            int(values["opens"]),
            int(values["targets"]),
            int(values["links"]),
            odds,
            cast(Sure, sure),
        )
    except (KeyError, ValueError, TypeError, OverflowError, AssertionError):
        return None
