"""Fields of the console's forms for settings: how they are shown, read, and told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lib.ids import short_hash

FieldKind = Literal["text", "choice", "box", "number", "lines", "days", "time"]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

TOP = frozenset({"name"})
"""Fields of the organization itself, beside its settings."""


class Typed(Protocol):
    """A form that was sent."""

    def text(self, name: str) -> str: ...

    def texts(self, name: str) -> list[str]: ...

    def is_checked(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting in a form."""

    path: str
    """The names that lead to the setting, with dots between them: `keep_days.bodies`."""

    label: str
    kind: FieldKind = "text"
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Values of a choice, each with its words."""

    unit: str = ""
    empty: str = ""
    """What an empty field means, where it may be empty."""

    def read(self, form: Typed) -> Any:
        """Return what was typed. Text that is no number stays as it is, so that it is refused by its name."""
        match self.kind:
            case "box":
                return form.is_checked(self.path)
            case "lines":
                return [line.strip() for line in form.text(self.path).splitlines() if line.strip()]
            case "days":
                return [int(day) for day in form.texts(self.path) if day.isdecimal()] or None
            case "number":
                return _number(form.text(self.path))
            case _:
                text = form.text(self.path)
                return None if not text and self.empty else text

    def typed(self, value: Any) -> Any:
        """Return a value as the form shows it: a text, whether a box is checked, or the days that are."""
        if self.kind == "box":
            return bool(value)
        if self.kind == "days":
            return list(value or ())
        if self.kind == "lines":
            return "\n".join(value or ())
        if isinstance(value, float) and value.is_integer():
            return f"{int(value)}"
        return "" if value is None else f"{value}"

    def words(self, value: Any) -> str:
        """Tell a value in words."""
        if self.kind == "box":
            return "yes" if value else "no"
        if self.kind == "days":
            return ", ".join(DAYS[day - 1] for day in value) if value else self.empty
        if self.kind == "choice":
            return dict(self.options).get(value, f"{value}")
        shown = ", ".join(value) if isinstance(value, list) else self.typed(value)
        return f"{shown} {self.unit}".strip() if shown else self.empty or "nothing"


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """Settings that stand together under a heading."""

    title: str
    fields: tuple[SettingField, ...]


@dataclass(frozen=True, slots=True)
class SettingPage:
    """A page of settings with one form. A setting of several parts stands on one page, whole."""

    id: str
    label: str
    intro: str
    groups: tuple[SettingGroup, ...]

    @property
    def fields(self) -> list[SettingField]:
        """All fields of the page."""
        return [field for group in self.groups for field in group.fields]

    def values(self, organization: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the page's fields, by their paths."""
        return {field.path: value_at(organization, field.path) for field in self.fields}

    def read(self, form: Typed) -> dict[str, Any]:
        """Return what was typed, by paths."""
        return {field.path: field.read(form) for field in self.fields}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that one person and another see differently."""

    label: str
    theirs: str
    """What is in force, in words."""

    yours: str


def value_at(organization: Mapping[str, Any], path: str) -> Any:
    """Find a setting in an organization as JSON."""
    found: Any = organization if path in TOP else organization["settings"]
    for name in path.split("."):
        found = found[name]
    return found


def patch_with(values: Mapping[str, Any]) -> dict[str, Any]:
    """Make the body of PATCH for an organization of values by their paths."""
    body: dict[str, Any] = {}
    for path, value in values.items():
        *parents, last = path.split(".") if path in TOP else ["settings", *path.split(".")]
        place = body
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    return body


def digest_of_values(values: Mapping[str, Any]) -> str:
    """Return a hash that tells whether values have changed since a form showed them."""
    return short_hash(json.dumps(values, sort_keys=True, default=str))


def differences(fields: Sequence[SettingField], there: Mapping[str, Any], typed: Mapping[str, Any]) -> list[Difference]:
    """List the fields whose typed value is not the one in force."""
    return [
        Difference(field.label, field.words(there[field.path]), field.words(typed[field.path]))
        for field in fields
        if field.typed(there[field.path]) != field.typed(typed[field.path])
    ]


def _number(text: str) -> int | float | str | None:
    if not text:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
