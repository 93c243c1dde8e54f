"""Read a catalogue's file, then a deployment's file of the same name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

_OURS = Path(__file__).parent
_DATE = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?")


class BrokenCatalogue(ValueError):
    """A row cannot be used; the text names the file and the line, and says what is wrong."""


class Entry:
    """A row of a catalogue. A cold start makes thousands of them."""

    __slots__ = ("_file", "_line", "ours", "values")

    def __init__(self, file: str, line: int, values: dict[str, str], *, ours: bool) -> None:
        self._file = file
        self._line = line
        self.values = values
        """Values by column."""
        self.ours = ours
        """False in a deployment's file."""

    @property
    def place(self) -> str:
        """File and line, such as `agents.csv, line 12`."""
        return f"{self._file}, line {self._line}"

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def broken(self, what: str) -> BrokenCatalogue:
        return BrokenCatalogue(f"{self.place}: {what}")

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        """The column's value. Raises BrokenCatalogue if it is not allowed."""
        if self.values[column] not in allowed:
            raise self.broken(f"{column} is {self.values[column]!r}, and must be one of {', '.join(allowed)}")
        return self.values[column]


def read_rows(name: str, columns: Sequence[str], folder: Path | None = None) -> Iterator[Entry]:
    """Read our rows, then those of the deployment's `folder` if it has such a file; later rows override earlier ones.

    Every file has a header with exactly `columns`, then `source` and `as_of` (year and month, with or without day).
    Raises BrokenCatalogue.
    """
    for where in (_OURS, folder):
        if where is not None and (where is _OURS or (where / name).exists()):
            yield from _read(where / name, (*columns, "source", "as_of"), ours=where is _OURS)


def _read(path: Path, columns: Sequence[str], *, ours: bool) -> Iterator[Entry]:
    file_name = path.name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, strict=True)
            if next(lines, None) != list(columns):
                raise BrokenCatalogue(f"{file_name}, line 1: the header must be {','.join(columns)}")
            for values in lines:
                if not values:
                    continue
                if len(values) != len(columns):
                    place = f"{file_name}, line {lines.line_num}"
                    raise BrokenCatalogue(f"{place}: it has {len(values)} columns, and must have {len(columns)}")
                named = dict(zip(columns, map(str.strip, values), strict=True))
                entry = Entry(file_name, lines.line_num, named, ours=ours)
                if not named["source"] or not _is_date(named["as_of"]):
                    raise entry.broken("it needs a source, and as_of as year-month or year-month-day")
                yield entry
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BrokenCatalogue(f"{file_name}: it cannot be read: {error}") from error


@lru_cache(maxsize=64)
def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None
