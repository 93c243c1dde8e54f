"""Field types that several resources share: ids, addresses, times, references to the CRM's records."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    Strict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from lib import ids
from lib.clock import rfc3339
from lib.windows_zones import iana_zone

FIRST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
LAST_TIME = datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""The first and the last time that is accepted: sort keys count milliseconds from 1970 in 13 digits, and every time
zone can show the last time."""

STORED = {"stored": True}
"""The context for validating values that Heed stored itself, under the rules of their day."""

_NOT_A_TIME = (
    "not a time of RFC 3339 with offset, such as 2026-05-04T09:30:00Z, "
    f"from {FIRST_TIME:%Y-%m-%dT%H:%M:%SZ} to {LAST_TIME:%Y-%m-%dT%H:%M:%SZ}"
)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_TEXT_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN_URL = re.compile(r"https://[A-Za-z0-9\[][!#-;=?-\[\]^_a-z~%]*")
_LINE_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Model(BaseModel):
    """A model of incoming JSON: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    added_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that the last release does not know: it refuses a row that has one, so rows leave out their defaults."""


@lru_cache(4096)  # a message is loaded at every event, and its addresses are checked each time
def _email(value: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # 0.03 s to import, which no hit needs

    try:
        return validate_email(
            value, check_deliverability=False, allow_smtputf8=False, test_environment=True
        ).ascii_email or value  # fmt: skip
    except EmailNotValidError as error:
        raise ValueError(f"not an e-mail address: {error}") from None


def _one_line(value: str) -> str:
    if _LINE_CONTROL.search(value):
        raise ValueError("line breaks and control characters are not allowed here")
    return value.strip()


def check_https_url(value: str) -> str:
    """Check an address of the web. Raises ValueError."""
    # urlsplit drops tabs and line ends without a word, and takes the first part for a name and a password.
    if not _PLAIN_URL.fullmatch(value):
        raise ValueError("not an https address without spaces, such as https://example.com/privacy")
    try:
        parts = urlsplit(value)
        is_plain = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain:
        raise ValueError("not an https address with a host, such as https://example.com/privacy")
    return value


def _paragraphs(value: str) -> str:
    if _TEXT_CONTROL.search(value):
        raise ValueError("control characters are not allowed here, but for tabs and line breaks")
    return re.sub(r"\r\n?", "\n", value).strip()


@cache
def _zones() -> frozenset[str]:
    """The known zones, read from disk once in some milliseconds: every user that is loaded is checked.

    What a machine calls its own zone is none that another machine knows.
    """
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _time_zone(value: str) -> str:
    """Return IANA's name of a zone. CRMs and mail servers of Microsoft's know zones by the names of Windows."""
    zone = value if value in _zones() else iana_zone(value)
    if zone is None:
        raise ValueError("not a zone of the IANA database, such as Europe/Vienna")
    return zone


def _moment(value: Any, info: ValidationInfo) -> datetime:
    """Read a time from outside strictly; move a stored or computed one between the first and the last time."""
    if isinstance(value, datetime):
        return _within(value)
    if not isinstance(value, str):
        raise ValueError(_NOT_A_TIME)
    is_stored = bool(info.context and info.context.get("stored"))
    if not is_stored and not _RFC_3339.fullmatch(value):
        raise ValueError(_NOT_A_TIME)
    try:
        read = datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError(_NOT_A_TIME) from None
    if not is_stored and not _is_taken(read):
        raise ValueError(_NOT_A_TIME)
    return _within(read)


def _is_taken(value: datetime) -> bool:
    return FIRST_TIME <= value <= LAST_TIME


def _within(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(_NOT_A_TIME)
    return min(max(value, FIRST_TIME), LAST_TIME).astimezone(UTC)


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value) else value


Email = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email"}),
]
Line = Annotated[str, StringConstraints(max_length=998), AfterValidator(_one_line)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
HttpsUrl = Annotated[str, StringConstraints(max_length=2000), AfterValidator(check_https_url)]
"""An address of the web that a page may link."""

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
TimeOfDay = Annotated[str, StringConstraints(pattern=TIME_OF_DAY)]
"""Hours and minutes, such as `08:00`."""

Paragraphs = Annotated[str, AfterValidator(_paragraphs)]
"""Text of several lines, which end in `\\n`."""
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_time_zone)]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
QueryFlag = Annotated[bool, Strict(), BeforeValidator(_flag)]
"""A boolean in a query string: `true` or `false`."""

QueryNumber = Annotated[int, Strict(), BeforeValidator(_number)]
"""A whole number in a query string, in decimal digits."""

_ORIGIN = re.compile(r"(https://[a-z0-9.-]+|https?://(localhost|127\.0\.0\.1))(:[1-9][0-9]{0,4})?")


def check_origin(value: str) -> str:
    """Check the origin of a page as browsers send it (RFC 6454, 6.1). Raises ValueError."""
    if not _ORIGIN.fullmatch(value):
        raise ValueError(
            "not an origin, such as https://crm.example.com: a scheme (http only on this machine), a host in lower "
            "case, a port other than the scheme's own, and nothing else"
        )
    if value.endswith(":443" if value.startswith("https") else ":80"):
        raise ValueError("browsers leave the scheme's own port out of an origin: leave it out")
    return value


_LONGEST_ORIGIN = 300

WebOrigin = Annotated[str, StringConstraints(max_length=_LONGEST_ORIGIN), AfterValidator(check_origin)]
"""The origin of a page, exactly as browsers send it."""

ChosenId = Annotated[str, StringConstraints(pattern=f"^{ids.CHOSEN.pattern}$")]
MadeId = Annotated[str, StringConstraints(pattern=f"^{ids.MADE.pattern}$")]
"""An id that Heed made."""

RecordType = Annotated[str, StringConstraints(pattern=f"^{ids.RECORD_TYPE.pattern}$")]


class RecordRef(Model):
    """A record of the CRM."""

    type: RecordType
    id: ChosenId


class Regarding(RecordRef):
    """The record that a message is about, and its name as the CRM shows it."""

    name: Name | None = None
