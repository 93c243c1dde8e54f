"""Errors of the API at the fields of a form. Of a field that holds a list, the entry that is wrong is quoted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from functions.api.problems import Problem

_LONGEST_QUOTE = 100
_OUTER = ("settings",)
"""Beginnings of places that fields of forms leave out."""

Place = Sequence[str | int]


def errors_at_fields(
    problem: Problem | None,
    fields: Collection[str],
    entries: Mapping[str, Sequence[str]] | None = None,
    places: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Say what is wrong by the names of a form's fields, which are paths such as `keep_days.bodies`.

    `entries` are those of fields that hold lists; `places` are fields by the paths that the API has for them, where
    both differ. What belongs to no field stands under the name of its place.
    """
    errors = problem.document.errors or [] if problem else []
    return told_at_fields([(each.loc, each.msg) for each in errors], fields, entries, places)


def told_at_fields(
    errors: Iterable[tuple[Place, str]],
    fields: Collection[str],
    entries: Mapping[str, Sequence[str]] | None = None,
    places: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Say what is wrong by the names of fields, for places that are those of the form already."""
    found = dict[str, str]()
    for loc, message in errors:
        place, rest = _field_of(loc, {*fields, *(places or ())})
        name = (places or {}).get(place, place)
        text = f"{_quoted((entries or {}).get(name, ()), rest)}{message}"
        found[name] = f"{found[name]} {text}" if name in found else text
    return found


def _field_of(loc: Place, fields: Collection[str]) -> tuple[str, Place]:
    """Return the field to which a place leads, and the place within it."""
    parts = list(loc)
    while len(parts) > 1 and parts[0] in _OUTER:
        parts = parts[1:]
    for length in range(len(parts), 0, -1):
        name = ".".join(f"{part}" for part in parts[:length])
        if name in fields:
            return name, parts[length:]
    return ".".join(f"{part}" for part in parts), []


def _quoted(entries: Sequence[str], rest: Place) -> str:
    """Quote the entry of a list or a map that is wrong; say its number where it is not known."""
    if not rest or not entries:
        return ""
    entry = rest[0]
    if isinstance(entry, int):
        entry = entries[entry] if entry < len(entries) else f"entry {entry + 1}"
    return f"“{entry[:_LONGEST_QUOTE]}”: " if entry in entries else f"{entry}: "
