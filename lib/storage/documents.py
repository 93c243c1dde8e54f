"""Models as table rows: the JSON of a model in as many text columns as it needs, with a schema version."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeGuard, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from lib.fields import STORED, Model
from lib.storage import Row, Value
from lib.storage.columns import columns, text_of

_VERSION = "v"
"""Column with the version of the schema."""

SomeModel = TypeVar("SomeModel", bound=BaseModel)


def pack(model: BaseModel, version: int = 1) -> dict[str, Value]:
    """The model's columns: `v`, then `d0`, `d1`, …"""
    return {_VERSION: version, **columns(model.model_dump_json(exclude_none=True, exclude=_left_out(model)))}


def _left_out(model: BaseModel) -> dict[str, Any] | None:
    """New fields of incoming models that have their defaults, as pydantic leaves them out; those of models within, too.

    Both releases of a rolling upgrade can read the row then, as long as nothing new is used (decision 30).
    """
    found: dict[str, Any] = {}
    for name, field in _places_of_new_fields(type(model)):
        value = getattr(model, name)
        if field is None:
            if within := _left_out(value):
                found[name] = within
        elif value == field.get_default(call_default_factory=True):
            found[name] = True
    return found or None


@lru_cache(256)
def _places_of_new_fields(kind: type[BaseModel]) -> tuple[tuple[str, FieldInfo | None], ...]:
    """(name, field) of a model's new fields; (name, None) of its fields that are models with new fields within.

    A model that is optional, or in a list, is stored whole: none with new fields is.
    """
    added = kind.added_fields if issubclass(kind, Model) else frozenset()
    found: list[tuple[str, FieldInfo | None]] = []
    for name, field in kind.model_fields.items():
        if name in added:
            found.append((name, field))
        elif _is_model(field.annotation) and _places_of_new_fields(field.annotation):
            found.append((name, None))
    return tuple(found)


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


class UnreadableRow(ValueError):
    """A row is not of the form that it should have. The text names fields and holds no value: it comes into logs."""


def unpack(kind: type[SomeModel], row: Row) -> SomeModel:
    """The inverse of `pack`. Fields of a later release are passed over. Raises UnreadableRow."""
    extra: Literal["ignore"] | None = None if kind.model_config.get("extra") == "allow" else "ignore"
    try:
        return kind.model_validate_json(text_of(row), context=STORED, extra=extra)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        wrong = ", ".join(f"{each['loc'][0] if each['loc'] else 'the whole'} ({each['type']})" for each in found)
        raise UnreadableRow(f"the row of a {kind.__name__.lstrip('_')} cannot be read: {wrong}") from None
