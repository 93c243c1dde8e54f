"""Field types that several resources share: ids, addresses, times, references to the CRM's records."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from lib import ids
from lib.clock import rfc3339

_LINE_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Model(BaseModel):
    """What comes in as JSON: unknown fields are an error."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)


def _email(value: str) -> str:
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


@cache
def _zones() -> frozenset[str]:
    """Read from disk, in some milliseconds; every user that is loaded is checked."""
    return frozenset(available_timezones())


def _time_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("not a zone of the IANA database, such as Europe/Vienna")
    return value


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Email = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email"}),
]
Line = Annotated[str, StringConstraints(max_length=998), AfterValidator(_one_line)]
Name = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_time_zone)]
Moment = Annotated[
    AwareDatetime,
    AfterValidator(_to_utc),
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
ChosenId = Annotated[str, StringConstraints(pattern=f"^{ids.CHOSEN.pattern}$")]
RecordType = Annotated[str, StringConstraints(pattern=f"^{ids.RECORD_TYPE.pattern}$")]


class RecordRef(Model):
    """A record of the CRM."""

    type: RecordType
    id: ChosenId


class Regarding(RecordRef):
    """The record that a message is about, and its name as the CRM shows it."""

    name: Name | None = None
