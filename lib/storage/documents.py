"""Models as table rows: the JSON of a model in as many text columns as it needs, with a schema version."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from lib.fields import STORED
from lib.storage import Row, Value

_CHUNK = 16_000
"""Characters of a column: Azure allows 32 Ki UTF-16 units, and a character may take two."""

_VERSION = "v"
"""Column with the version of the schema."""

SomeModel = TypeVar("SomeModel", bound=BaseModel)


def pack(model: BaseModel, version: int = 1) -> dict[str, Value]:
    """The model's columns: `v`, then `d0`, `d1`, …"""
    return {_VERSION: version, **columns(model.model_dump_json(exclude_none=True))}


def unpack(kind: type[SomeModel], row: Row) -> SomeModel:
    """The inverse of `pack`."""
    return kind.model_validate_json(text_of(row), context=STORED)


def columns(text: str, name: str = "d", size: int = _CHUNK) -> dict[str, str]:
    """A text in as many columns as it needs, of `size` characters each: `d0`, `d1`, …"""
    return {f"{name}{place // size}": text[place : place + size] for place in range(0, len(text), size)}


def text_of(row: Row, name: str = "d") -> str:
    """The inverse of `columns`, whatever the size of the columns."""
    chunks: list[str] = []
    while f"{name}{len(chunks)}" in row.values:
        chunks.append(row.text(f"{name}{len(chunks)}"))
    return "".join(chunks)
