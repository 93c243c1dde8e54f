"""Models as table rows: the JSON of a model in as many text columns as it needs, with a schema version."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from lib.storage import Row, Value

_CHUNK = 16_000
"""Characters of a column: Azure allows 32 Ki UTF-16 units, and a character may take two."""

_VERSION = "v"

SomeModel = TypeVar("SomeModel", bound=BaseModel)


def pack(model: BaseModel, version: int = 1) -> dict[str, Value]:
    """The model's columns: `v`, then `d0`, `d1`, …"""
    text = model.model_dump_json(exclude_none=True)
    chunks = {f"d{place // _CHUNK}": text[place : place + _CHUNK] for place in range(0, len(text), _CHUNK)}
    return {_VERSION: version, **chunks}


def unpack(kind: type[SomeModel], row: Row) -> SomeModel:
    """The inverse of `pack`."""
    chunks: list[str] = []
    while f"d{len(chunks)}" in row.values:
        chunks.append(row.text(f"d{len(chunks)}"))
    return kind.model_validate_json("".join(chunks))
