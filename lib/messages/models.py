"""A message: what a CRM posts, what is stored of it, and what the API shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from lib.fields import Check, ChosenId, Email, Line, Model, Moment, Name, RecordRef, Regarding
from lib.files.models import AttachmentRead
from lib.messages.follow_state import FollowState
from lib.mime.limits import LARGEST_HTML, LARGEST_TEXT, MOST_RECIPIENTS
from lib.verdicts.kpis import Kpis

MessageStatus = Literal["draft", "scheduled", "sending", "sent", "failed", "uncertain", "cancelled", "received"]
State = Literal["draft", "scheduled", "submitting", "sent", "failed", "uncertain", "cancelled", "received"]
"""The state machine's own states; the API calls `submitting` `sending`."""

_LONGEST_RECIPIENTS = 300_000
"""Characters of their JSON: a table's row holds 1 MiB in UTF-16."""
TOO_LARGE = "too_large"
"""The type of pydantic's error for a body that is larger than that."""


def _at_most(largest: int, body: str) -> str:
    if len(body) * 4 > largest:
        size = len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
        if size > largest:
            raise PydanticCustomError(TOO_LARGE, f"it has {size:,} bytes in UTF-8; at most {largest:,} are taken")
    return body


MailHtml = Annotated[
    str, AfterValidator(partial(_at_most, LARGEST_HTML)), Field(json_schema_extra={"maxLength": LARGEST_HTML})
]
MailText = Annotated[
    str, AfterValidator(partial(_at_most, LARGEST_TEXT)), Field(json_schema_extra={"maxLength": LARGEST_TEXT})
]


class Recipient(Model):
    """Somebody in To, Cc or Bcc."""

    email: Email
    name: Name = Field("", description="as the mail's header shows it")
    record: RecordRef | None = Field(None, description="the recipient's own record in the CRM")


class Reminder(Model):
    """A card for the sender at a time, if the mail has not been answered or opened by then; or in any case."""

    title: Line
    condition: Literal["no_reply", "not_opened", "always"]
    at: Moment


class MessageFields(Model):
    """What a client says of a message, but for its body."""

    sender: ChosenId = Field(alias="from", description="the id of the sending user")
    to: list[Recipient] = Field([], max_length=MOST_RECIPIENTS)
    cc: list[Recipient] = Field([], max_length=MOST_RECIPIENTS)
    bcc: list[Recipient] = Field([], max_length=MOST_RECIPIENTS)
    subject: Line = ""
    regarding: Regarding | None = Field(None, description="the record that the mail is about")
    template: ChosenId | None = Field(None, description="the id of the template that it was made of, which counts it")
    follow: bool = Field(True, description="whether opens and clicks are to be recorded, where that is allowed")
    deliver_at: Moment | None = Field(None, description="not to be sent before this")
    reminder: Reminder | None = None

    def recipients(self) -> list[Recipient]:
        """To, then Cc, then Bcc: a recipient's number is its place here."""
        return [*self.to, *self.cc, *self.bcc]


class MessageSpec(MessageFields):
    """A message as it is posted. It needs at least one recipient when it is sent, not before."""

    html: MailHtml | None = Field(None, description=f"at most {LARGEST_HTML:,} bytes in UTF-8")
    text: MailText | None = Field(
        None, description=f"made from the HTML where none is given; at most {LARGEST_TEXT:,} bytes in UTF-8"
    )

    @model_validator(mode="after")
    def _not_too_many(self) -> MessageSpec:
        recipients = self.recipients()
        if len(recipients) > MOST_RECIPIENTS:
            raise ValueError(f"to, cc and bcc together hold at most {MOST_RECIPIENTS} recipients")
        if sum(len(recipient.model_dump_json()) for recipient in recipients) > _LONGEST_RECIPIENTS:
            raise ValueError("names, addresses and records of the recipients are too long together")
        return self


class Body(BaseModel):
    """The message's two forms; either can be missing."""

    html: str | None = None
    text: str | None = None


class Remark(BaseModel):
    """Something that the sender should know: a link that could not be followed, HTML that Gmail will clip."""

    code: str
    text: str
    place: str | None = Field(None, description="where in the mail, such as a line of its HTML")


class Failure(BaseModel):
    """Why a message failed, or why nobody knows: what the mail server said, without addresses."""

    code: str
    text: str


class DeliveryCounts(BaseModel):
    """How many of a message's mailboxes are in each state of `Delivery`."""

    waiting: int = 0
    pending: int = 0
    accepted: int = 0
    refused: int = 0
    bounced: int = 0
    uncertain: int = 0

    @property
    def total(self) -> int:
        return self.waiting + self.pending + self.accepted + self.refused + self.bounced + self.uncertain


class StoredMessage(MessageFields):
    """The row `m`.

    `told_at` is when it was last told to go, and `asked_by` the id of the request that told it. `due_at` is when the
    outbox looks at it next, `tried_at` when its first copy was begun, which is also the mail's date. `delivery` counts
    what became of it by recipient, once it has been tried; `goes_on` says that it is still to be sent to some of them,
    or asked for. `known_ids` are the provider's own names for the message. `copy_count` is how many copies it goes out
    in, from when they are written; None while that is open. `attempts` counts rounds in a row in which the provider
    took nothing. `gateways` says by recipient number which product filters that recipient's mail, as far as it was
    found out. `files_made` counts attachments and images ever made: the number of the next one.
    """

    model_config = ConfigDict(extra="ignore")

    id: str
    state: State = "draft"
    created_at: Moment
    due_at: Moment | None = None
    sent_at: Moment | None = None
    message_id: str | None = None
    follow_state: FollowState | None = None
    remarks: list[Remark] = Field(default_factory=list)
    failure: Failure | None = None
    told_at: Moment | None = None
    asked_by: str | None = None
    reminded_at: Moment | None = None
    reminder_met: bool = False
    attempts: int = 0
    provider_key: str | None = None
    tried_at: Moment | None = None
    delivery: DeliveryCounts | None = None
    goes_on: bool = False
    known_ids: list[str] = Field(default_factory=list)
    gateways: list[str | None] = Field(default_factory=list)
    template_version: int | None = None
    copy_count: int | None = None
    files_made: int = 0

    @property
    def status(self) -> MessageStatus:
        return "sending" if self.state == "submitting" else self.state

    def sort_time(self) -> datetime:
        """Where it stands in a list: when it was sent, or will be, or was made."""
        return self.sent_at or self.due_at or self.created_at


DeliveryState = Literal["waiting", "pending", "accepted", "refused", "bounced", "uncertain"]
"""`waiting`: not tried yet. `pending`: refused for now, and to be tried again. `accepted`: the provider has it."""


class Delivery(BaseModel):
    """What became of a mail for one recipient: `at` is since when, `code` and `text` are what the provider said."""

    state: DeliveryState
    code: str | None = None
    text: str | None = None
    at: Moment | None = None


CopyState = Literal["planned", "submitting", "sent", "refused", "uncertain"]
"""`planned`: it is to be sent to those who have not got it, at `due_at` if that is set. `submitting`: it may be on its
way, or is to be asked for. `uncertain`: nobody knows; with `due_at` it is asked for once more then. `refused`: nobody
took it. None where a CRM sends by itself."""


class Copy(BaseModel):
    """A row `c…`: one MIME message as it goes out. `links` are the destinations by index, or their blob's name.

    `link_count` counts them without those of the honeypots, whose indexes follow. `links_of` is the number of the copy
    in whose row the same links stand.

    The rest is what became of it. `deliveries` say so by recipient number; one without an entry is waiting. `key` and
    `tried_at` are what the provider knows the try by, `in_doubt` when that one may have come through and is to be
    repeated; `asked` are the recipients whom a doubtful try was for. `first_tried_at` is when trying began. `ids` are
    the provider's own names for it.
    """

    recipients: list[int]
    follow_state: FollowState
    links: list[str] | str = []
    links_of: int | None = None
    link_count: int = 0
    honeypots: list[int] = []

    state: CopyState | None = None
    deliveries: dict[int, Delivery] = {}
    key: str | None = None
    tried_at: Moment | None = None
    first_tried_at: Moment | None = None
    due_at: Moment | None = None
    attempts: int = 0
    in_doubt: bool = False
    asked: list[int] = []
    ids: list[str] = []

    def delivery_of(self, recipient: int) -> Delivery:
        return self.deliveries.get(recipient, _WAITING)

    def handed_over_at(self, recipient: int) -> datetime | None:
        """When the try began that this recipient got; one that was accepted before the last try began got another."""
        delivery = self.delivery_of(recipient)
        if delivery.state == "accepted" and delivery.at:
            return min(delivery.at, self.tried_at or delivery.at)
        return self.tried_at


_WAITING = Delivery(state="waiting")


class ReminderRead(Reminder):
    """`state` is `met` when what it waited for happened before its time."""

    state: Literal["set", "reminded", "met"]
    status_text: str


class MessageItem(MessageFields):
    """A message as lists show it."""

    reminder: ReminderRead | None = None

    id: str
    etag: str
    status: MessageStatus
    status_text: str = Field(description="in a few words, with times in the acting user's zone")
    follow_state: FollowState
    message_id: str | None = Field(description="the mail's Message-ID (RFC 5322), once it has one")
    template_version: int | None = Field(None, description="the version of the template that it was made of")
    created_at: Moment
    sent_at: Moment | None
    remarks: list[Remark]
    failure: Failure | None = Field(description="why it was not sent, or not to all, or why nobody knows")
    kpis: Kpis


class OtherReaderRead(BaseModel):
    """Somebody else has probably read this recipient's copy, too: a guess of its own, which counts nowhere."""

    recipient: str
    text: str = "Probably read by someone else, too."
    confidence: float
    because: list[str]


class MessageRead(MessageItem):
    """A message, whole."""

    other_readers: list[OtherReaderRead] = Field(default_factory=list)
    attachments: list[AttachmentRead] = Field(default_factory=list)
    check: list[Check] = Field(default_factory=list, description="what to know of it before it is sent")

    html: str | None
    text: str | None


def records_of(message: MessageFields) -> Iterator[RecordRef]:
    """Every record that the message belongs to, each once."""
    refs = [recipient.record for recipient in message.recipients() if recipient.record]
    if message.regarding:
        refs.append(RecordRef(type=message.regarding.type, id=message.regarding.id))
    seen = set()
    for ref in refs:
        if (ref.type, ref.id) not in seen:
            seen.add((ref.type, ref.id))
            yield ref
