"""Received messages: the stored form of an inbound mail that is kept as an activity. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ValidationError

from lib.fields import RecordRef, Regarding
from lib.inbound.clues import thread_root
from lib.inbound.correlation import Correlation
from lib.inbound.reading import InboundMail
from lib.messages.conversations import MOST_REFERENCES
from lib.messages.follow_state import FollowState
from lib.messages.models import Body, Correspondent, ReceivedKind, Recipient, Remark, State, StoredMessage
from lib.mime.parts import Mailbox

Keep = Literal["none", "excerpt", "mail"]
"""What an organization keeps of an inbound mail's text."""

_MOST_RECIPIENTS = 100
"""Recipients of one header that are shown."""

_CLOCKS_DIFFER = timedelta(days=1)

_LONGEST_NAME = 200
_LONGEST_EMAIL = 320
_LONGEST_SUBJECT = 998

_WINMAIL = Remark(
    code="winmail",
    text="Outlook has put its files, and its text as it was formatted, into winmail.dat, which Heed does not open.",
)

_STATES: dict[State, FollowState] = {
    "received": FollowState(state="off", reason="It was received."),
    "sent": FollowState(state="off", reason="It was not sent by Heed."),
}


@dataclass(frozen=True, slots=True)
class Placing:
    """Findings about a mail, beside what it says itself."""

    message: str
    """The id of the message."""

    user: str
    """The id of the user whose mail it is; empty where there is none."""

    kind: ReceivedKind
    correlation: Correlation
    regarding: Regarding | None
    record: RecordRef | None
    """The record of the writer."""

    ways: Sequence[str]
    """Every way by which it is tracked."""

    category: str | None = None
    not_before: datetime | None = None
    """The time at which the message went that the mail answers; clocks of mail programs may be years behind."""

    state: Literal["received", "sent"] = "received"
    """`sent`: a mail that a user has sent with another program."""


def stored_message(read: InboundMail, placing: Placing, now: datetime, keep: Keep, raw: str | None) -> StoredMessage:
    """Return the message that the mail becomes. `raw` is the blob with the mail as it came."""
    mail, correlation = read.mail, placing.correlation
    written_at = min(_believed(mail.date or now, placing.not_before), now)
    is_received = placing.state == "received"
    details: dict[str, Any] = {
        "from": placing.user,
        "conversation": correlation.conversation,
        "in_reply_to": correlation.matched,
        "references": _last(each for each in (*mail.references, *mail.in_reply_to)),
        "thread_root": thread_root(mail.header("thread-index")),
    }
    if is_received:
        details |= {
            "from_address": _correspondent(mail.sender),
            "record": placing.record,
            "kind": placing.kind,
            "correlation": correlation.stored(),
            "received_at": written_at,
        }
    return StoredMessage(
        id=placing.message,
        state=placing.state,
        created_at=now,
        sent_at=None if is_received else written_at,
        message_id=mail.message_id,
        to=_recipients(mail.to),
        cc=_recipients(mail.cc),
        subject=mail.subject[:_LONGEST_SUBJECT],
        regarding=placing.regarding,
        follow=False,
        follow_state=_STATES[placing.state],
        remarks=[_WINMAIL] if mail.has_winmail else [],
        tracked_by=list(placing.ways),
        category=placing.category,
        excerpt=read.excerpt if keep != "none" else None,
        raw=raw if keep == "mail" else None,
        **details,
    )


def _believed(date: datetime, not_before: datetime | None) -> datetime:
    """Return a mail's date; where it is more than a day before that of the mail that it answers, the latter."""
    return date if not_before is None or date >= not_before - _CLOCKS_DIFFER else not_before


def kept_body(read: InboundMail, keep: Keep) -> Body:
    """Return the bodies that are kept. The HTML is as its writer made it: code that shows it must not trust it."""
    return Body(html=read.mail.html, text=read.mail.text) if keep == "mail" else Body()


def _correspondent(sender: Mailbox | None) -> Correspondent | None:
    if sender is None:
        return None
    return Correspondent(email=sender.email[:_LONGEST_EMAIL], name=sender.name[:_LONGEST_NAME])


def _recipients(mailboxes: Iterable[Mailbox]) -> list[Recipient]:
    """Return the first recipients whose addresses are such."""
    found: list[Recipient] = []
    for each in mailboxes:
        if len(found) == _MOST_RECIPIENTS:
            break
        try:
            found.append(Recipient(email=each.email, name=each.name[:_LONGEST_NAME]))
        except ValidationError:
            continue
    return found


def _last(ids: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(ids))
    return found if len(found) <= MOST_REFERENCES else [found[0], *found[1 - MOST_REFERENCES :]]
