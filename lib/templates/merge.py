"""The merge language of templates: text, named values, and a default for a missing value. Nothing else.

A user's template is not a program. Jinja's lexer finds the fields and Jinja's parser parses each of them, but only two
shapes of tree are accepted: `{{ recipient.name }}` and `{{ recipient.name | default("…") }}`, where the name is one of
`NAMES`, or `recipient.fields.` or `regarding.fields.` and the name of a field of the record. Rendering joins our own
list of texts and fields: no expression is ever evaluated, so there is no sandbox to break out of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError, nodes
from markupsafe import escape

from lib.templates.addresses import FieldPlace, find_places, kept_in_attribute, written_in_place

TextForm = Literal["html", "text", "line"]
"""`html` escapes values and ends lines with `<br>`, `line` makes one line of them, `text` takes them as they are.

Addresses encode them, and no value ends an attribute."""

MOST_FIELDS = 500
"""Limit for one template's subject, HTML or text."""

LONGEST_FIELD = 500
"""Characters between `{{` and `}}`, both included."""

LONGEST_RESULT = 1_000_000
"""Characters of what is rendered."""

PERSON = ("name", "first_name", "last_name", "company", "title", "email", "phone")
"""The values of a recipient and a sender."""

NAMES = frozenset(
    (
        *(f"{who}.{name}" for who in ("recipient", "sender") for name in PERSON),
        "sender.signature",
        "regarding.name",
        "org.name",
    )
)
_WITH_FIELDS = ("recipient", "regarding")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
_ONLY = (
    f"only {{{{ recipient.name }}}} and the like stand here (recipient. and sender. with {', '.join(PERSON)}; "
    "sender.signature, regarding.name, org.name, recipient.fields.…, regarding.fields.…), "
    'with | default("…") after them'
)
_NO_TAGS = {
    "block_begin": "{% … %} is not for templates; to show the signs themselves, put a space between them",
    "raw_begin": "{% … %} is not for templates; to show the signs themselves, put a space between them",
    "comment_begin": "{# … #} is not for templates; in CSS, put a space between { and #",
}
_PLAIN_SIGNS = {"variable_begin": "{{", "variable_end": "}}"}
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

# Nothing is ever rendered by it.
_ENVIRONMENT = Environment(autoescape=True, keep_trailing_newline=True)

Parts = tuple["str | MergeField", ...]


class MergeError(ValueError):
    """A template holds something that is not allowed, or its result is too long; the text says where."""


@dataclass(frozen=True, slots=True)
class MergeField:
    """`{{ recipient.name | default("…") }}`."""

    name: str
    """The name of the value, such as `recipient.name`."""
    default: str = ""


def parse(source: str) -> Parts:
    """Split a template into texts and fields; line ends become `\\n`. Raises MergeError, which names the place."""
    source = re.sub(r"\r\n?", "\n", source)
    parts: list[str | MergeField] = []
    fields = 0
    for start, text, is_field in _pieces(source):
        if not is_field:
            parts.append(text)
            continue
        fields += 1
        if fields > MOST_FIELDS:
            raise _wrong(source, start, f"there are at most {MOST_FIELDS} fields")
        field = _field(text)
        if field is None:
            raise _wrong(source, start, _ONLY)
        parts.append(field)
    return tuple(parts)


def _pieces(source: str) -> Iterator[tuple[int, str, bool]]:
    """Yield (start, text, whether it is a field), in order and without gaps. Raises MergeError."""
    place, start = 0, None
    try:
        for _, kind, text in _ENVIRONMENT.lexer.tokeniter(source, None):
            if kind in _NO_TAGS:
                raise _wrong(source, source.index("{", place), _NO_TAGS[kind])
            if text != _PLAIN_SIGNS.get(kind, text):
                # `{{-` strips the white space around it: the lexer has skipped some of the source.
                raise _wrong(source, source.index("{", place) if start is None else start, _ONLY)
            if kind == "variable_begin":
                start = place
            place += len(text)
            if start is None:
                yield place - len(text), text, False
            elif place - start > LONGEST_FIELD:
                raise _wrong(source, start, f"a field has at most {LONGEST_FIELD} characters")
            elif kind == "variable_end":
                yield start, source[start:place], True
                start = None
    except TemplateSyntaxError:
        raise _wrong(source, place if start is None else start, _ONLY) from None
    if start is not None:
        raise _wrong(source, start, "the field is not closed with }}")


def _field(source: str) -> MergeField | None:
    """Parse one field; None if it is not allowed."""
    try:
        tree = _ENVIRONMENT.parse(source)
    except (TemplateSyntaxError, RecursionError):
        return None
    match tree.body:
        case [
            nodes.Output(
                nodes=[
                    nodes.Filter(
                        node=nodes.Getattr() as value,
                        name="default",
                        args=[nodes.Const(value=str(default))],
                        kwargs=[],
                        dyn_args=None,
                        dyn_kwargs=None,
                    )
                ]
            )
            # A backslash could escape any character, including half of a surrogate pair.
        ] if "\\" not in source and (name := _name(value)):
            return MergeField(name, default)
        case [nodes.Output(nodes=[nodes.Getattr() as value])] if name := _name(value):
            return MergeField(name)
    return None


def _name(value: nodes.Getattr) -> str | None:
    """The dotted name, such as `recipient.name`; None if it is not allowed."""
    match value.node:
        case nodes.Name(name=root) if f"{root}.{value.attr}" in NAMES:
            return f"{root}.{value.attr}"
        case nodes.Getattr(node=nodes.Name(name=root), attr="fields") if root in _WITH_FIELDS:
            return f"{root}.fields.{value.attr}" if _FIELD_NAME.fullmatch(value.attr) else None
    return None


def _wrong(source: str, place: int, message: str) -> MergeError:
    line = source.count("\n", 0, place) + 1
    column = place - source.rfind("\n", 0, place)
    return MergeError(f"line {line}, column {column}: {message}")


def render(parts: Parts, values: Mapping[str, str], form: TextForm) -> str:
    """Fill in the values, by their dotted names. The field's default replaces a missing or empty value.

    Inside an address both are encoded.

    Raises MergeError for a result of over `LONGEST_RESULT` characters.
    """
    rendered: list[str] = []
    length = 0
    places = _places(parts, form)
    for index, part in enumerate(parts):
        if isinstance(part, str):
            rendered.append(part)
        else:
            value = values.get(part.name) or part.default
            rendered.append(_shown(value, form, places.get(index)))
        length += len(rendered[-1])
        if length > LONGEST_RESULT:
            raise MergeError(f"with these values it is longer than {LONGEST_RESULT:,} characters")
    return "".join(rendered)


def empty_fields(parts: Parts, values: Mapping[str, str]) -> list[str]:
    """List the names of fields that have neither a value nor a default, in their order."""
    fields = (part for part in parts if isinstance(part, MergeField))
    return list(dict.fromkeys(each.name for each in fields if not (values.get(each.name) or each.default)))


def _places(parts: Parts, form: TextForm) -> dict[int, FieldPlace]:
    """Return the places of the fields that stand in addresses or attributes, by index; a subject has neither."""
    if form == "line":
        return {}
    pieces = [part if isinstance(part, str) else None for part in parts]
    return find_places(pieces, in_html=form == "html")


def _shown(value: str, form: TextForm, place: FieldPlace | None) -> str:
    if place is not None:
        value = written_in_place(value, place)
    if form == "html":
        escaped = str(escape(value))
        return kept_in_attribute(escaped, place) if place else escaped.replace("\n", "<br>\n")
    return _BREAKS.sub(" ", value).strip() if form == "line" else value
