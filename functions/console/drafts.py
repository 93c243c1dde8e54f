"""Drafts as the form of a page holds them: every field is a text that a person may have typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from functions.api.problems import Problem, invalid
from functions.console.field_errors import told_at_fields
from functions.console.visit import Form
from functions.shapes.message import MessageRead
from lib.clock import rfc3339
from lib.console.addresses import Typed, read_recipients, write_recipients
from lib.console.local_times import local_text, read_local
from lib.console.simple_html import looks_like_html, simple_html
from lib.fields import RecordRef
from lib.messages.models import Recipient, Reminder
from lib.mime.limits import LARGEST_HTML
from lib.people.addresses import same_mailbox
from lib.rewrite.plain_text import plain_text

Format = Literal["simple", "html", "plain"]
"""`simple`: text that Heed turns into HTML. `html`: HTML as typed. `plain`: text without HTML."""

FORMATS: Mapping[Format, str] = {"simple": "Text", "html": "HTML", "plain": "Text without HTML"}
CONDITIONS: Mapping[str, str] = {
    "no_reply": "if nobody has answered by then",
    "not_opened": "if no person has opened it by then",
    "always": "in any case",
}
RECIPIENTS = ("to", "cc", "bcc")
LABELS: Mapping[str, str] = {
    "to": "To",
    "cc": "Cc",
    "bcc": "Bcc",
    "subject": "Subject",
    "body": "Mail",
    "text": "Text version",
    "follow": "Following",
    "regarding": "Regarding",
    "regarding_name": "Name of what it regards",
    "remind_at": "Reminder",
    "remind_if": "When to remind",
    "remind_title": "Title of the reminder",
}
"""Names of fields for people."""

_REMINDER = ("remind_at", "remind_if", "remind_title")


@dataclass(frozen=True, slots=True)
class DraftForm:
    """The fields of a draft as a form holds them."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    format: Format = "simple"
    body: str = ""
    text: str = ""
    """The text beside the HTML; empty where Heed makes it from the HTML."""

    follow: bool = True
    regarding: str = ""
    """Type and id of a record, such as `opportunity/o114`."""

    regarding_name: str = ""
    remind_at: str = ""
    """A time on the clock of the person; empty for no reminder."""

    remind_if: str = "no_reply"
    remind_title: str = ""

    def texts(self) -> dict[str, str]:
        """Return every field as text, by its label."""
        values = {name: getattr(self, name) for name in LABELS}
        return {LABELS[name]: str(values[name]) if name != "follow" else _word(self.follow) for name in LABELS}


def _word(follow: bool) -> str:
    return "wanted" if follow else "not wanted"


def form_of(message: MessageRead, zone: str) -> DraftForm:
    """Fill the form with a draft; times are on the clock of `zone`."""
    about, reminder = message.regarding, message.reminder
    return DraftForm(
        to=_written(message.to),
        cc=_written(message.cc),
        bcc=_written(message.bcc),
        subject=message.subject,
        **_body_of(message.html, message.text),
        follow=message.follow,
        regarding=f"{about.type}/{about.id}" if about else "",
        regarding_name=(about.name or "") if about else "",
        **reminder_form(reminder, zone),
    )


def _written(recipients: Sequence[Recipient]) -> str:
    return write_recipients([Typed(each.email, each.name) for each in recipients])


def reminder_form(reminder: Reminder | None, zone: str) -> dict[str, Any]:
    """Fill the fields of a reminder."""
    if reminder is None:
        return {}
    return {
        "remind_at": local_text(reminder.at, zone),
        "remind_if": reminder.condition,
        "remind_title": reminder.title,
    }


def _body_of(html: str | None, text: str | None) -> dict[str, Any]:
    if html is None:
        return {"format": "plain" if text else "simple", "body": _lines(text or "")}
    words = _lines(text or _words_of(html))
    if simple_html(words) == _lines(html):
        return {"format": "simple", "body": words}
    return {"format": "html", "body": _lines(html), "text": _lines(text or "")}


def _words_of(html: str) -> str:
    """Return what a reader of the HTML sees; nothing of HTML that is larger than a mail's may be."""
    return plain_text(html, lambda _: None) if len(html) <= LARGEST_HTML else ""


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def read_draft(form: Form) -> DraftForm:
    """Read a form that was sent. A body follows its format: text becomes HTML and the other way round."""
    chosen, before = _format(form.text("format")), _format(form.text("format_before"))
    body, text = _lines(form.text("body")), _lines(form.text("text"))
    if chosen == "html" and before != "html" and not looks_like_html(body):
        body, text = simple_html(body), ""
    elif chosen != "html" and before == "html" and looks_like_html(body):
        body = _lines(_words_of(body)) or body
    names = (*RECIPIENTS, "subject", "regarding", "regarding_name", "remind_at", "remind_title")
    return DraftForm(
        **{name: _lines(form.text(name)) for name in names},
        format=chosen,
        body=body,
        text=text if chosen == "html" else "",
        follow=form.is_checked("follow"),
        remind_if=form.text("remind_if") or "no_reply",
    )


def _format(value: str) -> Format:
    return next((each for each in get_args(Format) if each == value), "simple")


def changed_fields(typed: DraftForm, stored: DraftForm, records: Mapping[str, RecordRef], zone: str) -> dict[str, Any]:
    """Return the fields of the API that differ between what was typed and what is stored.

    `records` are those of recipients whose record is known, by address. Raises Problem for what is no such field.
    """
    found = dict[str, Any]()
    for name in RECIPIENTS:
        if read_recipients(getattr(typed, name)) != read_recipients(getattr(stored, name)):
            found[name] = _recipients(getattr(typed, name), records)
    if typed.subject != stored.subject:
        found["subject"] = typed.subject
    if (typed.format, typed.body, typed.text) != (stored.format, stored.body, stored.text):
        found |= _bodies(typed)
    if typed.follow != stored.follow:
        found["follow"] = typed.follow
    if (typed.regarding, typed.regarding_name) != (stored.regarding, stored.regarding_name):
        found["regarding"] = _regarding(typed)
    if any(getattr(typed, name) != getattr(stored, name) for name in _REMINDER):
        found["reminder"] = read_reminder(typed, zone)
    return found


def _recipients(text: str, records: Mapping[str, RecordRef]) -> list[dict[str, Any]]:
    return [
        {"email": each.email, "name": each.name}
        | ({"record": dict(records[mailbox])} if (mailbox := same_mailbox(each.email)) in records else {})
        for each in read_recipients(text)
    ]


def records_of_recipients(message: MessageRead) -> dict[str, RecordRef]:
    """Return the records that a draft names for its recipients, by address."""
    every: list[Recipient] = [*message.to, *message.cc, *message.bcc]
    return {same_mailbox(each.email): each.record for each in every if each.record}


def with_record(message: MessageRead, email: str, record: RecordRef) -> dict[str, Any]:
    """Return the fields of the API in which a recipient is given a record."""
    records = {**records_of_recipients(message), same_mailbox(email): record}
    return {name: _recipients(_written(getattr(message, name)), records) for name in RECIPIENTS}


def _bodies(typed: DraftForm) -> dict[str, str | None]:
    body = typed.body or None
    if typed.format == "html":
        return {"html": body, "text": typed.text or None}
    return {"html": simple_html(typed.body) or None if typed.format == "simple" else None, "text": body}


def _regarding(typed: DraftForm) -> dict[str, str | None] | None:
    if not typed.regarding:
        return None
    kind, slash, name = typed.regarding.partition("/")
    if not (kind and slash and name):
        raise invalid(["regarding"], "write a type and an id, such as opportunity/o114")
    return {"type": kind, "id": name, "name": typed.regarding_name or None}


def read_reminder(typed: DraftForm, zone: str) -> dict[str, str] | None:
    """Read the fields of a reminder; None where it has no time. Raises Problem."""
    at = read_time(typed.remind_at, zone, "remind_at")
    if at is None:
        return None
    title = typed.remind_title or f"Follow up: {typed.subject or 'your mail'}"[:200]
    return {"title": title, "condition": typed.remind_if, "at": rfc3339(at)}


def read_time(text: str, zone: str, name: str) -> datetime | None:
    """Read a time of a field; None where the field is empty. Raises Problem."""
    try:
        return read_local(text, zone)
    except ValueError as error:
        raise invalid([name], f"{error}") from None


_FIELDS_OF_API: Mapping[str, str] = {
    "html": "body",
    "body": "file",
    "attachments": "file",
    "followed": "file",
    "filename": "file",
    "deliver_at": "at",
}
"""Fields of the form by the fields that the API names, where both differ."""

_FIELDS_OF_REMINDER: Mapping[str, str] = {"at": "remind_at", "condition": "remind_if", "title": "remind_title"}


def field_errors(problem: Problem, typed: DraftForm) -> dict[str, str]:
    """Say what is wrong, by the fields of the form. Of recipients the entry is quoted."""
    places = [(_place_of(each.loc), each.msg) for each in problem.document.errors or []]
    recipients = {name: [each.email for each in read_recipients(getattr(typed, name))] for name in RECIPIENTS}
    return told_at_fields(places, {*LABELS, "file", "at"}, recipients)


def _place_of(loc: Sequence[str | int]) -> list[str | int]:
    """Return where the form has what the API names so."""
    first, *rest = [*loc, ""]
    if first == "reminder" and len(rest) > 1:
        return [_FIELDS_OF_REMINDER.get(f"{rest[0]}", "remind_at")]
    if first == "query":
        return ["file"]
    return [_FIELDS_OF_API.get(f"{first}", first), *rest[:-1]]
