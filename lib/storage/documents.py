"""Models as table rows: the JSON of a model in as many text columns as it needs, with a schema version."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from lib.fields import STORED
from lib.storage import Row, Value
from lib.storage.columns import columns, text_of

_VERSION = "v"
"""Column with the version of the schema."""

SomeModel = TypeVar("SomeModel", bound=BaseModel)


def pack(model: BaseModel, version: int = 1) -> dict[str, Value]:
    """The model's columns: `v`, then `d0`, `d1`, …"""
    return {_VERSION: version, **columns(model.model_dump_json(exclude_none=True))}


def unpack(kind: type[SomeModel], row: Row) -> SomeModel:
    """The inverse of `pack`."""
    return kind.model_validate_json(text_of(row), context=STORED)
