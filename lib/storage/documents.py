"""Models as table rows: the JSON of a model in as many text columns as it needs, with a schema version."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from lib.fields import STORED, Model
from lib.storage import Row, Value

_CHUNK = 16_000
"""Characters of a column: Azure allows 32 Ki UTF-16 units, and a character may take two."""

_VERSION = "v"
"""Column with the version of the schema."""

SomeModel = TypeVar("SomeModel", bound=BaseModel)


def pack(model: BaseModel, version: int = 1) -> dict[str, Value]:
    """The model's columns: `v`, then `d0`, `d1`, …"""
    return {_VERSION: version, **columns(model.model_dump_json(exclude_none=True, exclude=_left_out(model)))}


def _left_out(model: BaseModel) -> dict[str, Any] | None:
    """New fields of incoming models that have their defaults, as pydantic leaves them out; those of models within, too.

    Both releases of a rolling upgrade can read the row then, as long as nobody uses what is new (decision 30).
    """
    found: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(model, Model) and name in model.added_fields:
            if value == field.get_default(call_default_factory=True):
                found[name] = True
        elif isinstance(value, Model) and (within := _left_out(value)):
            found[name] = within
    return found or None


def unpack(kind: type[SomeModel], row: Row) -> SomeModel:
    """The inverse of `pack`. Fields of a later release are passed over."""
    extra: Literal["ignore"] | None = None if kind.model_config.get("extra") == "allow" else "ignore"
    return kind.model_validate_json(text_of(row), context=STORED, extra=extra)


def columns(text: str, name: str = "d", size: int = _CHUNK) -> dict[str, str]:
    """A text in as many columns as it needs, of `size` characters each: `d0`, `d1`, …"""
    return {f"{name}{place // size}": text[place : place + size] for place in range(0, len(text), size)}


def text_of(row: Row, name: str = "d") -> str:
    """The inverse of `columns`, whatever the size of the columns."""
    chunks: list[str] = []
    while f"{name}{len(chunks)}" in row.values:
        chunks.append(row.text(f"{name}{len(chunks)}"))
    return "".join(chunks)
