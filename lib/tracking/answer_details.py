"""Details of mail that came back, which its fact carries beside its kind.

They stand among the fact's headers, by the names below: an auto-reply's date of return, and the recipients whom a mail
did not reach, by their numbers. A fact holds no address and no words of the mail; these stand in the received message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lib.clock import rfc3339
from lib.tracking.facts import Fact

_BACK_AT = "back-at"
_FAILED = "failed"
_DELAYED = "delayed"
_CODE = "code"
_LONGEST_CODE = 20

_NUMBERS = re.compile(r"\d{1,5}(?:,\d{1,5})*")


@dataclass(frozen=True, slots=True)
class AnswerDetails:
    """Details of a mail that came back, for cards and delivery states."""

    back_at: datetime | None = None
    """The day on which the writer of an auto-reply is back, at 0:00 UTC."""

    failed: tuple[int, ...] = ()
    """The numbers of the recipients whom the mail did not reach, and will not."""

    delayed: tuple[int, ...] = ()
    """The numbers of the recipients for whom a mail server goes on trying."""

    code: str = ""
    """The code of the first failure, such as `5.1.1`; empty where the bounce has none."""

    def to_headers(self) -> dict[str, str]:
        """Return the details as a fact's headers: none for what is empty."""
        values = {
            _BACK_AT: rfc3339(self.back_at) if self.back_at else "",
            _FAILED: ",".join(map(str, self.failed)),
            _DELAYED: ",".join(map(str, self.delayed)),
            _CODE: self.code[:_LONGEST_CODE],
        }
        return {name: value for name, value in values.items() if value}


NO_DETAILS = AnswerDetails()


def details_of(fact: Fact) -> AnswerDetails:
    """Read the details of a fact; what is no detail is passed over."""
    headers = fact.headers
    if not headers or fact.is_hit:
        return NO_DETAILS
    return AnswerDetails(
        _time(headers), _numbers(headers, _FAILED), _numbers(headers, _DELAYED), headers.get(_CODE, "")
    )


def _numbers(headers: Mapping[str, str], name: str) -> tuple[int, ...]:
    text = headers.get(name, "")
    return tuple(int(number) for number in text.split(",")) if _NUMBERS.fullmatch(text) else ()


def _time(headers: Mapping[str, str]) -> datetime | None:
    try:
        found = datetime.fromisoformat(headers.get(_BACK_AT, ""))
    except ValueError:
        return None
    return found if found.tzinfo else None
