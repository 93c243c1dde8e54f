"""Reads JSON bodies within bounds: refusing a body must cost little, however many errors it holds.

pydantic collects every error, at some 2 KB each. The values of a body are therefore counted before it is read, in a few
passes at the speed of memory. Of a body with too many values only the beginning is read, to say what is wrong with it.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from email.message import Message

import pydantic_core
from pydantic import BaseModel, ValidationError

from functions.api.problems import MOST_ERRORS, FieldError, Problem, field_errors, invalid_fields

_LONGEST_TYPE = 200
"""Characters of a header Content-Type."""

MOST_VALUES = 20_000
"""The most values of lists and objects together. A message to 500 recipients has some 4,500."""

_QUOTES = 4 * MOST_VALUES
"""The most quotation marks, more than keys and values need."""

_BEGINNING = 32_000
"""Bytes that are read of a body with too many values."""


def check_json_type(content_type: str | None) -> None:
    """Check the header Content-Type of a JSON body. Raises Problem (415) for another type or character set.

    A body without the header is taken for JSON, which RFC 9110 (8.3) allows.
    """
    if content_type is None or not content_type.strip():
        return
    header = Message()
    header["Content-Type"] = content_type[:_LONGEST_TYPE]
    kind, charset = header.get_content_type(), header.get_content_charset("utf-8")
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    if not is_json or charset not in ("utf-8", "utf8") or len(content_type) > _LONGEST_TYPE:
        detail = f"The body is sent as {content_type[:100]}: send JSON in UTF-8, as Content-Type: application/json."
        raise Problem(415, detail, headers={"Accept": "application/json"})


def read_json(model: type[BaseModel], raw: bytes) -> BaseModel:
    """Read a body. Raises Problem: 400 where it is no JSON, 422 where it does not fit the model.

    A byte order mark is passed over (RFC 8259, 8.1), as some programs write one before all that they send.
    """
    raw = raw.removeprefix(BOM_UTF8)
    plain = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > _QUOTES:
        raise _too_many(model, raw)
    outside_strings = b"".join(plain.split(b'"')[::2])
    if outside_strings.count(b",") + outside_strings.count(b"[") + outside_strings.count(b"{") > MOST_VALUES:
        raise _too_many(model, raw)
    if b"NaN" in outside_strings or b"Infinity" in outside_strings:
        detail = "The body is not JSON, which knows neither NaN nor Infinity."
        raise Problem(400, detail, code="malformed_body")
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _problem(error, model, raw) from None


def _problem(error: ValidationError, model: type[BaseModel], raw: bytes) -> Problem:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] != "json_invalid":
        return invalid_fields(error, model=model)
    fault = first["msg"].removeprefix("Invalid JSON: ")
    place = fault.rpartition(" at ")[2]
    detail = f"The body is not JSON: {fault}."
    if fault.startswith("EOF"):
        detail = f"The body is not JSON: it ends before it is complete, at {place}."
    return Problem(400, detail if raw.strip() else "A body in JSON is needed here.", code="malformed_body")


def _too_many(model: type[BaseModel], raw: bytes) -> Problem:
    """Report the errors of the beginning, but no missing fields: they may come later in the body."""
    errors = []
    try:
        model.model_validate_json(_beginning(raw), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        errors = field_errors([each for each in found if each["type"] != "missing"][:MOST_ERRORS], model=model)
    except ValueError:
        pass
    said = f"the body has more than {MOST_VALUES:,} values"
    return Problem(422, f"{said[0].upper()}{said[1:]}.", errors or [FieldError(loc=[], code="too_large", msg=said)])


def _beginning(raw: bytes) -> str:
    """Raises ValueError."""
    start = raw[:_BEGINNING].decode("utf-8", "ignore").encode()
    return json.dumps(pydantic_core.from_json(start, allow_partial=True))
