"""Fields of a form, as browsers and mail providers send them: urlencoded or multipart (RFC 8058, 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

LARGEST = 16 * 1024
"""Bytes of a form."""

_MOST_FIELDS = 20


class NotAForm(ValueError):
    """The body cannot be read as a form."""


def read_form(content_type: str, body: bytes) -> Mapping[str, str]:
    """Return the fields by name, the first of each name. Raises NotAForm."""
    if len(body) > LARGEST:
        raise NotAForm("the form is too large")
    kind = content_type.partition(";")[0].strip().lower()
    pairs = _multipart(content_type, body) if kind == "multipart/form-data" else _urlencoded(body)
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    """Read the usual form, which is also taken for a body without a type: some providers name none."""
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise NotAForm("the form is not in UTF-8, or has too many fields") from error


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Read a form in parts (RFC 7578). A part's own files and types do not matter here."""
    if "\r" in content_type or "\n" in content_type:
        raise NotAForm("the content type has a line break")
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    if not whole.is_multipart():
        raise NotAForm("the form has no parts")
    pairs = []
    for part in list(whole.iter_parts())[:_MOST_FIELDS]:
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload.decode("utf-8", "replace").strip("\r\n")))
    return pairs
