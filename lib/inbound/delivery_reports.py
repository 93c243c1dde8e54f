"""Delivery reports of Azure Communication Services, which come as events of Event Grid.

The service hears of a bounce long after it has taken a mail, and tells it in this way alone. A report is about one
recipient. Only what failed changes anything: a mail that was taken counts as sent without a report.

Source: "Azure Communication Services - Email events",
https://learn.microsoft.com/en-us/azure/event-grid/communication-services-email-events; "Endpoint validation with Event
Grid event schema" and "… CloudEvents schema", https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lib.fields import FIRST_TIME, LAST_TIME
from lib.ids import short_hash
from lib.inbound.answer_recording import AnswerRecording
from lib.inbound.answers import MailAnswer
from lib.inbound.classification import FailedRecipient
from lib.inbound.correlation import recipient_number
from lib.inbound.outcomes import InboundOutcomes, OutcomeRow
from lib.messages.models import MailCorrelation, StoredMessage
from lib.messages.store import MessageStore
from lib.messages.threads import Threads
from lib.organizations.registry import Organizations
from lib.storage import Conflict

_REPORT = "Microsoft.Communication.EmailDeliveryReportReceived"
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
MOST_EVENTS = 1_000
_LONGEST_TEXT = 500
_LONGEST = 1_000
_FRACTION = re.compile(r"\.(\d{1,6})\d*")
_CODE = re.compile(r"\b[45]\.\d{1,3}\.\d{1,3}\b")

_FAILED: Mapping[str, tuple[bool, str]] = {
    "Bounced": (True, "The recipient's mail server sent the mail back."),
    "Suppressed": (True, "The email service sends nothing to this address any more, as earlier mail came back."),
    "Failed": (True, "The email service could not deliver the mail."),
    "Quarantined": (False, "The mail was put into quarantine: it was taken for spam, or for malware."),
    "FilteredSpam": (False, "The mail was taken for spam, and refused."),
}
"""States of a report that tell of a failure: whether another try is useless, and the state in words. `Delivered` and
`Expanded`, a mail to a list, tell of none."""


class NotEvents(ValueError):
    """The body holds no events; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A report on one recipient of one mail."""

    message_ids: tuple[str, ...]
    """The service's name for the mail, and its Message-ID."""

    recipient: str
    status: str
    text: str
    at: datetime | None
    """The time of the delivery's try."""

    @property
    def failure(self) -> FailedRecipient | None:
        """The failure; None where the report tells of none."""
        if self.status not in _FAILED:
            return None
        is_hard, words = _FAILED[self.status]
        code = _CODE.search(self.text)
        text = " ".join(f"{words} {self.text}".split())[:_LONGEST_TEXT]
        return FailedRecipient(self.recipient, is_hard, code[0] if code else None, text)

    @property
    def key(self) -> str:
        """The name of the report: the same when it comes again."""
        return short_hash("report", *self.message_ids, self.recipient.lower(), self.status)


@dataclass(frozen=True, slots=True)
class GridEvents:
    """Contents of a request of Event Grid, as far as they are for us."""

    validation_code: str | None
    """Set where the request asks whether this endpoint wants events: the answer repeats the code."""

    reports: list[DeliveryReport]


def read_events(body: bytes) -> GridEvents:
    """Read a request in Event Grid's schema or that of CloudEvents; events of other types are passed over.

    Raises NotEvents.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise NotEvents("it is no JSON") from None
    events = raw if isinstance(raw, list) else [raw]
    if len(events) > MOST_EVENTS:
        raise NotEvents(f"it has more than {MOST_EVENTS:,} events")
    code: str | None = None
    reports: list[DeliveryReport] = []
    for each in events:
        if not isinstance(each, dict):
            raise NotEvents("an event is no object")
        kind, data = each.get("eventType") or each.get("type"), each.get("data")
        if not isinstance(kind, str) or not isinstance(data, dict):
            raise NotEvents("an event has no type, or no data")
        if kind == _VALIDATION:
            code = _text(data, "validationCode") or None
        elif kind == _REPORT:
            reports.extend(_report(data))
    return GridEvents(code, reports)


def _report(data: Mapping[str, Any]) -> Iterator[DeliveryReport]:
    ids = tuple(each for each in (_text(data, "messageId"), _text(data, "internetMessageId")) if each)
    details = data.get("deliveryStatusDetails")
    said = _text(details, "statusMessage") if isinstance(details, dict) else ""
    at = _time(_text(data, "deliveryAttemptTimeStamp") or _text(data, "deliveryAttemptTimestamp"))
    if ids:
        yield DeliveryReport(ids, _text(data, "recipient"), _text(data, "status"), said, at)


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value.encode("utf-8", "replace").decode()[:_LONGEST].strip() if isinstance(value, str) else ""


def _time(text: str) -> datetime | None:
    """Read a time, whose fraction may have seven digits."""
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r".\1", text))
    except ValueError:
        return None
    aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return min(max(aware, FIRST_TIME), LAST_TIME)


class DeliveryReports:
    """Takes delivery reports in."""

    def __init__(
        self,
        threads: Threads,
        messages: MessageStore,
        organizations: Organizations,
        outcomes: InboundOutcomes,
        recording: AnswerRecording,
    ) -> None:
        self._threads = threads
        self._messages = messages
        self._organizations = organizations
        self._outcomes = outcomes
        self._recording = recording

    async def take_report(self, organization: str, report: DeliveryReport) -> bool:
        """Take in one report; again is the same. False where it is about no message of the organization.

        Raises StorageError, Stale.
        """
        message = await self._find_message(organization, report)
        if message is None:
            return False
        known = {message.message_id, *message.known_ids}
        new = [each for each in report.message_ids if each not in known]
        if new:
            # The service may have put its own Message-ID into the mail: answers name that one.
            await self._threads.enter_provider_ids(organization, message.id, new)
        failure = report.failure
        if failure is None:
            return True
        at = report.at or message.sent_at or message.tried_at or message.created_at
        answer = MailAnswer(report.key, "bounce", at, recipient_number(message, report.recipient), [failure])
        settings = await self._organizations.settings(organization)
        await self._recording.record_answer(organization, settings, message, answer)
        await self._note_outcome(organization, report, message, failure)
        return True

    async def _find_message(self, organization: str, report: DeliveryReport) -> StoredMessage | None:
        for each in report.message_ids:
            for hit in await self._threads.find_id(organization, each):
                loaded = await self._messages.load(organization, hit.message)
                if loaded is not None and loaded.message.state != "received":
                    return loaded.message
        return None

    async def _note_outcome(
        self, organization: str, report: DeliveryReport, message: StoredMessage, failure: FailedRecipient
    ) -> None:
        """Note what the event of the timeline tells of, under the id that it names."""
        outcome = OutcomeRow(
            id=report.key,
            outcome="tracked",
            message=message.id,
            correlation=MailCorrelation(method=None, name="provider_id", confidence=1.0, matched=message.id),
            kind="bounce",
            because=f"The email service reports: {failure.text}",
        )
        try:
            await self._outcomes.save_outcome(organization, outcome, None)
        except Conflict:
            return
