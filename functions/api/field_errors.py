"""Errors of fields, in sentences of our own: pydantic's speak of Python, and change with its releases."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from functions.api.problem_kinds import FieldCode
from lib import ids
from lib.fields import TIME_OF_DAY
from lib.messages.models import METADATA_KEY

_MOST_SUGGESTIONS = 5
"""The most unknown fields of a request for which similar names are looked up."""

_LONGEST_NAME = 40
"""Characters. Longer names of unknown fields are compared with nothing."""


class FieldSentence(NamedTuple):
    """A sentence about an error, filled in with pydantic's context."""

    code: FieldCode
    sentence: str


_OBJECT = FieldSentence("wrong_type", "an object is needed here")
_WHOLE_NUMBER = FieldSentence("wrong_type", "a whole number is needed here")
_TRUE_OR_FALSE = FieldSentence("wrong_type", "true or false is needed here")
_NUMBER = FieldSentence("wrong_type", "a number is needed here")

SENTENCES: Mapping[str, FieldSentence] = {
    "missing": FieldSentence("missing", "this field is needed"),
    "extra_forbidden": FieldSentence("unknown_field", "there is no such field"),
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": FieldSentence("wrong_type", "a list is needed here"),
    "string_type": FieldSentence("wrong_type", "a text is needed here"),
    "string_unicode": FieldSentence("wrong_format", "the text is not valid Unicode"),
    "bool_type": _TRUE_OR_FALSE,
    "bool_parsing": _TRUE_OR_FALSE,
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing_size": FieldSentence("too_large", "the number has too many digits"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "literal_error": FieldSentence("not_one_of", "one of these is needed here: {expected}"),
    "string_pattern_mismatch": FieldSentence("wrong_format", "the text does not match the pattern {pattern}"),
    "string_too_short": FieldSentence("too_short", "the text has at least {min_length} characters"),
    "string_too_long": FieldSentence("too_long", "the text has at most {max_length} characters"),
    "too_short": FieldSentence("too_short", "at least {min_length} entries are needed"),
    "too_long": FieldSentence("too_long", "at most {max_length} entries are taken"),
    "greater_than": FieldSentence("too_small", "the number is above {gt}"),
    "greater_than_equal": FieldSentence("too_small", "the number is at least {ge}"),
    "less_than": FieldSentence("too_large", "the number is below {lt}"),
    "less_than_equal": FieldSentence("too_large", "the number is at most {le}"),
    "value_error": FieldSentence("invalid", "{error}"),
}
"""What is said for each type of pydantic's errors that the models of requests can raise."""

FORMS: Mapping[str, str] = {
    TIME_OF_DAY: "hours and minutes are needed here, such as 08:30",
    f"^{ids.MADE.pattern}$": "an id that Heed made is needed here: 32 digits and letters from a to f",
    f"^{ids.CHOSEN.pattern}$": (
        "an id has 1 to 100 letters, digits and characters of ._@:{}-, and begins with a letter or a digit"
    ),
    f"^{ids.RECORD_TYPE.pattern}$": (
        "a type of records has 1 to 40 small letters, digits, _ and -, and begins with a letter or a digit"
    ),
    METADATA_KEY: "a name has 1 to 40 letters, digits, dots, hyphens and underscores",
}
"""What is said of a text that does not match a pattern; of other patterns, the pattern is shown."""

_ALTERNATIVE = re.compile(r"(?:list|dict|literal)\[.*")
"""A part of pydantic's place that names no field, but one of the types that the field may have."""

_NO_FIELD = re.compile(rf"{_ALTERNATIVE.pattern}|\[key\]")
"""The same for the last part, which may also tell that the name is wrong."""

_ANY_OTHER = FieldSentence("invalid", "this value is not taken")


class FieldFault(NamedTuple):
    """A field that is wrong, for the answer."""

    loc: list[str | int]
    code: FieldCode
    message: str


def field_faults(found: Sequence[ErrorDetails], model: type[BaseModel] | None = None) -> list[FieldFault]:
    """Put pydantic's errors, with their context, in words. With `model`, unknown fields get suggestions."""
    faults, suggested = list[FieldFault](), 0
    for error in found:
        kind = SENTENCES.get(_type_of(error), _ANY_OTHER)
        message = _sentence(kind, error.get("ctx", {}))
        if kind.code == "unknown_field" and model is not None and suggested < _MOST_SUGGESTIONS:
            suggested += 1
            similar = similar_field(model, error["loc"])
            message += f"; did you mean {similar}?" if similar else ""
        faults.append(FieldFault(_fields_of(error), kind.code, message))
    return faults


def _fields_of(error: ErrorDetails) -> list[str | int]:
    """Return the names of fields and the numbers of entries in an error's place, without pydantic's own words."""
    place = [part for part in error["loc"][:-1] if not _ALTERNATIVE.fullmatch(str(part))]
    named_by_caller = error["type"] == "extra_forbidden"
    last = [part for part in error["loc"][-1:] if named_by_caller or not _NO_FIELD.fullmatch(str(part))]
    return [*place, *last]


def _type_of(error: ErrorDetails) -> str:
    """Return the error's type. The length of a text that was checked before is an error of any value to pydantic."""
    is_checked_text = error.get("ctx", {}).get("field_type") == "Value"
    return f"string_{error['type']}" if is_checked_text else error["type"]


def _sentence(kind: FieldSentence, context: Mapping[str, Any]) -> str:
    if (form := FORMS.get(str(context.get("pattern")))) is not None:
        return form
    sentence = kind.sentence.format_map(context)
    return sentence.replace(" 1 characters", " 1 character").replace(" 1 entries are", " 1 entry is")


def similar_field(model: type[BaseModel], loc: Sequence[str | int]) -> str | None:
    """Return the field of the model whose name is most like that of the unknown one at `loc`; None without one."""
    *parents, unknown = loc
    if not isinstance(unknown, str) or len(unknown) > _LONGEST_NAME:
        return None
    shapes: list[Any] = [model]
    for step in parents:
        shapes = list(_within(shapes, step))
    names = {name: name for shape in _models(shapes) for name in _names(shape)}
    folded = {_folded(name): name for name in names}
    close = difflib.get_close_matches(_folded(unknown), folded, n=1, cutoff=0.7)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    """Fold a name, so that `deliverAt` is `deliver_at`."""
    return name.replace("_", "").replace("-", "").lower()


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _within(shapes: Sequence[Any], step: str | int) -> Iterator[Any]:
    """List the types of what stands at a step of a place: a list's entry, or an object's field."""
    for shape in _alternatives(shapes):
        if isinstance(step, int) and get_origin(shape) is list:
            yield get_args(shape)[0]
        elif isinstance(shape, type) and issubclass(shape, BaseModel):
            for name, field in shape.model_fields.items():
                if step in (name, field.alias):
                    yield field.annotation


def _models(shapes: Sequence[Any]) -> Iterator[type[BaseModel]]:
    for shape in _alternatives(shapes):
        if isinstance(shape, type) and issubclass(shape, BaseModel):
            yield shape


def _alternatives(shapes: Sequence[Any]) -> Iterator[Any]:
    """List the types of unions, without annotations."""
    for shape in shapes:
        plain = get_args(shape)[0] if hasattr(shape, "__metadata__") else shape
        if get_origin(plain) in (Union, UnionType):
            yield from _alternatives(get_args(plain))
        else:
            yield plain
