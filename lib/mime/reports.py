"""Reports in fields that programs read: on delivery (RFC 3464), on reading (RFC 8098), of abuse (RFC 5965)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from lib.mime.addresses import QUOTED_LOCAL_PART, with_ascii_domain
from lib.mime.header_values import header_text

_MOST_RECIPIENTS = 500
_LONGEST_REPORT = 500_000
"""Characters of a report that are read."""

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60}+)[ \t]*+:[ \t]*+(.*+(?:\n[ \t].*+)*+)", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*+\n")
_ADDRESS = re.compile(
    r"(?<![^\s<>()\[\];,:\"@])(?:[^\s<>()\[\];,:\"@]{1,256}+|" + QUOTED_LOCAL_PART + r")@[^\s<>()\[\];,:\"@]{1,255}+"
)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UTF8_XTEXT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_TYPE = re.compile(r"\A\s*+[A-Za-z][A-Za-z0-9-]{0,39}+\s*+;\s*+")
"""The type of a diagnostic code, such as `smtp;` (RFC 3464, 2.3.6). It tells a person nothing."""


class ReportKind(StrEnum):
    """Kinds of reports, by the part that holds one."""

    DELIVERY = "delivery-status"
    READING = "disposition-notification"
    ABUSE = "feedback-report"


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """A recipient's group of fields in a report on delivery."""

    email: str
    """The address that the mail was sent to, as far as the report tells it."""
    action: str
    """`failed`, `delayed`, `delivered`, `relayed` or `expanded`; empty where it is missing."""
    status: str
    """An enhanced status code such as `5.1.1` (RFC 3463); empty where it is missing."""
    diagnostic: str
    """The words of the other server, on one line."""
    others: tuple[str, ...] = ()
    """Other spellings of the address: the final one beside the original one, and what their escapes may stand for."""


@dataclass(frozen=True, slots=True)
class Report:
    """The fields of one report."""

    kind: ReportKind
    fields: Mapping[str, str]
    """The fields about the mail as a whole, by their names in lower case."""
    recipients: tuple[RecipientStatus, ...] = ()

    def __reduce__(self) -> tuple[type[Report], tuple[ReportKind, dict[str, str], tuple[RecipientStatus, ...]]]:
        return Report, (self.kind, dict(self.fields), self.recipients)


def report_kind(content_type: str) -> ReportKind | None:
    """Return the kind of report that a part of this media type holds; `global-` stands for UTF-8 (RFC 6533)."""
    main, _, sub = content_type.partition("/")
    try:
        return ReportKind(sub.removeprefix("global-")) if main == "message" else None
    except ValueError:
        return None


def read_report(kind: ReportKind, text: str) -> Report:
    """Read the fields of a report. Groups that name a recipient are taken for recipients, wherever they stand."""
    fields: dict[str, str] = {}
    recipients: list[RecipientStatus] = []
    for group in _groups(text[:_LONGEST_REPORT]):
        recipient = _recipient(group) if kind is ReportKind.DELIVERY else None
        if recipient is None:
            fields = group | fields
        elif len(recipients) < _MOST_RECIPIENTS:
            recipients.append(recipient)
    return Report(kind, MappingProxyType(fields), tuple(recipients))


def joined(first: Report, second: Report) -> Report:
    """Return one report for two parts of one kind: some servers write a part for each recipient."""
    fields = MappingProxyType({**second.fields, **first.fields})
    return Report(first.kind, fields, (*first.recipients, *second.recipients)[:_MOST_RECIPIENTS])


def report_in_text(text: str) -> Report | None:
    """Return the report on delivery that stands in a text: some servers set no part, or a wrong boundary."""
    if "Final-Recipient:" not in text and "Final-recipient:" not in text:
        return None
    report = read_report(ReportKind.DELIVERY, text)
    return report if any(each.action for each in report.recipients) else None


def address_in(value: str) -> str:
    """Return the address in a field such as `rfc822;ada@example.com`; empty where there is none.

    Letters beyond ASCII may be escaped, such as `b\\x{FC}cher` (RFC 6533, 3).
    """
    found = _ADDRESS.search(_UTF8_XTEXT.sub(_letter, value.partition(";")[2] or value))
    return with_ascii_domain(found[0].rstrip(".")) if found else ""


def _letter(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    return chr(code) if 0x80 <= code < 0xD800 or 0xE000 <= code < 0x110000 else escape[0]


def _groups(text: str) -> Iterator[dict[str, str]]:
    for group in _BLANK.split(text.replace("\r\n", "\n")):
        fields: dict[str, str] = {}
        for found in _FIELD.finditer(group):
            fields.setdefault(found[1].lower(), header_text(found[2]))
        if fields:
            yield fields


def _recipient(group: Mapping[str, str]) -> RecipientStatus | None:
    if "final-recipient" not in group and "original-recipient" not in group:
        return None
    # The original one is what the sender wrote; the final one may be an inside name. Both may be missing or odd. Some
    # servers leave the original one as it came with the envelope: `ada+2Bnews@example.com` (RFC 3461, 4.2).
    spelled = [address_in(group.get(name, "")) for name in ("original-recipient", "final-recipient")]
    spelled += [_XTEXT.sub(lambda escape: chr(int(escape[1], 16)), each) for each in spelled]
    email, *others = dict.fromkeys(each for each in spelled if each) or [""]
    status = (group.get("status", "").split() or [""])[0]
    action = (group.get("action", "").lower().split() or [""])[0]
    return RecipientStatus(email, action, status, _TYPE.sub("", group.get("diagnostic-code", "")), tuple(others))
