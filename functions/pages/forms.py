"""Fields of a form, as browsers and mail providers send them: urlencoded or multipart (RFC 8058, 3.2)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple
from urllib.parse import parse_qsl

LARGEST = 16 * 1024
"""Bytes of a recipient's form."""

_MOST_FIELDS = 20
"""Fields of a recipient's form."""

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


class NotAForm(ValueError):
    """The body cannot be read as a form."""


class FormField(NamedTuple):
    """A field as it came."""

    name: str
    value: str
    filename: str | None = None
    """The name of the file that the field holds; None for a text, and where no file was chosen."""

    content: bytes = b""
    """The bytes of the file."""


def read_form(content_type: str, body: bytes) -> Mapping[str, str]:
    """Return the texts by name, the first of each name. Raises NotAForm."""
    fields: dict[str, str] = {}
    for field in read_fields(content_type, body, LARGEST, _MOST_FIELDS):
        fields.setdefault(field.name, field.value)
    return fields


def read_fields(content_type: str, body: bytes, largest: int, most: int) -> Sequence[FormField]:
    """Read a form of at most so many bytes and fields. Raises NotAForm."""
    if len(body) > largest:
        raise NotAForm("the form is too large")
    kind = content_type.partition(";")[0].strip().lower()
    return _multipart(content_type, body, most) if kind == "multipart/form-data" else _urlencoded(body, most)


def _urlencoded(body: bytes, most: int) -> list[FormField]:
    """Read the usual form, which is also taken for a body without a type: some providers name none."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=most)
    except ValueError as error:
        raise NotAForm("the form is not in UTF-8, or has too many fields") from error
    return [FormField(*pair) for pair in pairs]


def _multipart(content_type: str, body: bytes, most: int) -> list[FormField]:
    """Read a form in parts (RFC 7578). The types that parts name do not matter: a mail stays a file as it is."""
    if "\r" in content_type or "\n" in content_type:
        raise NotAForm("the content type has a line break")
    boundary = _head(b"Content-Type: " + content_type.encode("latin-1", "replace")).get_boundary()
    if not boundary:
        raise NotAForm("the form names no boundary")
    mark = re.escape(boundary.encode("latin-1", "replace"))
    marks = re.finditer(rb"(?:^|\r?\n)--" + mark + rb"(?:(--)|[ \t]*(?=\r?\n))", body)
    fields = list[FormField]()
    for begin, end in itertools.pairwise([*itertools.islice(marks, most + 1), None]):
        if begin is None or begin[1] or len(fields) == most:
            break
        field = _part(body[begin.end() : end.start() if end else len(body)])
        fields += [field] if field else []
    if not fields:
        raise NotAForm("the form has no parts")
    return fields


def _part(part: bytes) -> FormField | None:
    """Read a part; None where it has no name."""
    head, _, content = _EMPTY_LINE.sub(b"\n\n", part.lstrip(b"\r\n"), count=1).partition(b"\n\n")
    fields = _head(head)
    name = fields.get_param("name", header="content-disposition")
    filename = fields.get_param("filename", header="content-disposition")
    if not isinstance(name, str):
        return None
    if isinstance(filename, str):
        return FormField(_unescaped(name), "", _unescaped(filename) or None, content)
    return FormField(_unescaped(name), content.decode("utf-8", "replace").strip("\r\n"))


def _unescaped(name: str) -> str:
    """Return a name as it was before the browser escaped what ends it: the three characters, and no others.

    Source: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
    """
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _head(lines: bytes) -> Message:
    return BytesParser(policy=HTTP).parsebytes(lines + b"\r\n\r\n", headersonly=True)
