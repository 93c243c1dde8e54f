"""Answers of HTTP services that do not take a message: error bodies, waits, and requests without an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

_ADDRESS = re.compile(r"<?[^\s<>@'\"]+@[^\s<>@'\"]+>?")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,79}")
_LONGEST_TEXT = 300
_LONGEST_WAIT = timedelta(days=1)


class NotSent(Exception):
    """A request that never left: there was no connection, or no token. The text says which."""

    def __init__(self, text: str, code: str = "connection") -> None:
        super().__init__(text)
        self.code = code


class NoAnswer(Exception):
    """A request that was on its way when the line went dead. The text names the failure."""


def service_error(body: object, status: int | str) -> tuple[str, str]:
    """Return code and text of `{"error": {"code", "message"}}`, the shape of Azure's and Graph's errors.

    The code is the status where the service gives none; the text holds no address. Source: "Microsoft REST API
    Guidelines", error condition responses.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    error = error if isinstance(error, Mapping) else {}
    code = error.get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else str(status), _said(error.get("message"))


def _said(message: Any) -> str:
    text = " ".join(str(message or "no reason given").split())
    return _ADDRESS.sub("<address>", text)[:_LONGEST_TEXT]


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read the header Retry-After (RFC 9110, 10.2.3), in seconds or as a date; at most a day. None for other values."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        wait = timedelta(seconds=int(value))
    else:
        try:
            wait = parsedate_to_datetime(value) - now
        except (TypeError, ValueError):
            return None
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)
