"""A message: what a CRM posts, and what is stored of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from lib.fields import ChosenId, Email, Line, MadeId, Model, Moment, Name, RecordRef, Regarding
from lib.ids import CHOSEN
from lib.messages.follow_state import FollowState
from lib.messages.matched_records import MatchedRecords
from lib.mime.limits import LARGEST_HTML, LARGEST_TEXT, MOST_RECIPIENTS

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
    """A recipient in To, Cc or Bcc."""

    email: Email
    name: Name = Field("", description="as the mail's header shows it")
    record: RecordRef | None = Field(
        None, description="the recipient's own record in the CRM; without it, the record that has the address"
    )


class Reminder(Model):
    """A card for the sender at a time, if the mail has not been answered or opened by then; or in any case."""

    title: Line
    condition: Literal["no_reply", "not_opened", "always"] = Field(
        description="`no_reply` ends with the first reply, `not_opened` with the first open of a person"
    )
    at: Moment


MOST_METADATA = 20
LONGEST_METADATA = 500
"""Characters of a value of a message's metadata."""


def _short_values(metadata: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    # What was stored may have grown since, where an erased address gave way to its stand-in.
    is_stored = bool(info.context and info.context.get("stored"))
    too_long = [name for name, value in metadata.items() if len(value) > LONGEST_METADATA]
    if too_long and not is_stored:
        raise ValueError(f"a value has at most {LONGEST_METADATA} characters, and that of {too_long[0]} has more")
    return metadata


METADATA_KEY = r"^[A-Za-z0-9_.-]{1,40}$"
MetadataKey = Annotated[str, StringConstraints(pattern=METADATA_KEY)]
Metadata = Annotated[dict[MetadataKey, str], Field(max_length=MOST_METADATA), AfterValidator(_short_values)]
"""The CRM's own words about a message."""

UserOrNone = Annotated[str, StringConstraints(pattern=rf"^(?:{CHOSEN.pattern})?$")]


class MessageFields(Model):
    """The fields of a message that a client sets, except its body."""

    added_fields = frozenset({"copies", "metadata"})

    sender: ChosenId = Field(alias="from", description="the id of the sending user")
    to: list[Recipient] = Field([], max_length=MOST_RECIPIENTS)
    cc: list[Recipient] = Field([], max_length=MOST_RECIPIENTS)
    bcc: list[Recipient] = Field([], max_length=MOST_RECIPIENTS)
    subject: Line = ""
    regarding: Regarding | None = Field(None, description="the record that the mail is about")
    template: ChosenId | None = Field(None, description="the id of the template that it was made of, which counts it")
    follow: bool = Field(True, description="whether opens and clicks are to be recorded, where that is allowed")
    copies: Literal["each", "one"] = Field(
        "each",
        description="`each`: each followed recipient gets a copy of their own, where the organization's "
        "`mixed_recipients` is `split`; `one`: the mail goes to all recipients as one, as from a program that a person "
        "writes mail in, so one who does not allow following blocks it for all",
    )
    deliver_at: Moment | None = Field(None, description="not to be sent before this")
    reminder: Reminder | None = None
    metadata: Metadata = Field(
        default_factory=dict,
        description=f"the CRM's own words, which come back with the message and its events: at most {MOST_METADATA} "
        f"names of 40 characters, each with a text of {LONGEST_METADATA}",
    )

    def recipients(self) -> list[Recipient]:
        """Return To, then Cc, then Bcc: the number of a recipient is its place here."""
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


class DraftSpec(MessageSpec):
    """A draft, perhaps an answer to another message."""

    in_reply_to: MadeId | None = Field(
        None,
        description="the id of the message, sent or received, that it answers: recipients, subject and regarding are "
        "filled in where they are not given, and the body's links and pixels of older mail go",
    )


class Body(BaseModel):
    """The two forms of the message; one can be missing."""

    html: str | None = None
    text: str | None = None


class Remark(BaseModel):
    """A remark for the sender, such as on a link that could not be followed, or HTML that Gmail will clip."""

    code: str
    text: str
    place: str | None = Field(None, description="where in the mail, such as a line of its HTML")


class Failure(BaseModel):
    """The reason why a message failed, or is in doubt: the words of the mail server, without addresses."""

    code: str
    text: str


class DeliveryCounts(BaseModel):
    """The numbers of a message's mailboxes in each state of `Delivery`."""

    waiting: int = 0
    pending: int = 0
    accepted: int = 0
    refused: int = 0
    bounced: int = 0
    uncertain: int = 0

    @property
    def total(self) -> int:
        return self.waiting + self.pending + self.accepted + self.refused + self.bounced + self.uncertain


CorrelationName = Literal[
    "reply_address", "in_reply_to", "references", "provider_id", "thread_index", "enclosed", "subject_token",
    "smart_match", "none", "skipped",
]  # fmt: skip


class MailCorrelation(BaseModel):
    """The way in which the message was found that a received mail answers."""

    method: int | None = Field(None, description="Dynamics' code, 0 to 7; null where Dynamics has none for it")
    name: CorrelationName
    confidence: float = Field(description="the probability that `matched` is right, 0 to 1")
    matched: str | None = Field(None, description="the id of the message that it answers")


ReceivedKind = Literal[
    "reply", "auto_reply", "bounce", "complaint", "calendar_answer", "read_receipt", "forward", "new",
]  # fmt: skip
"""Kinds of received mail; `new` answers nothing."""


class Correspondent(BaseModel):
    """The writer of a received mail, as its From header has it."""

    email: str
    name: str = ""


class StoredMessage(MessageFields):
    """The row `m`."""

    model_config = ConfigDict(extra="ignore")

    sender: UserOrNone = Field(alias="from")
    """The id of the user who sent it, or whose mail it is; empty for mail to a queue that belongs to no user."""
    id: str
    state: State = "draft"
    created_at: Moment
    due_at: Moment | None = None
    """The time of the outbox's next look."""
    sent_at: Moment | None = None
    message_id: str | None = None
    """The Internet Message-ID."""
    follow_state: FollowState | None = None
    """The expected state from when the message is told to go, and the fixed one from when its copies are decided on."""
    remarks: list[Remark] = Field(default_factory=list)
    failure: Failure | None = None
    told_at: Moment | None = None
    """The time when the message was last told to go."""
    asked_by: str | None = None
    """The id of the request that told it to go."""
    reminded_at: Moment | None = None
    reminder_met: bool = False
    attempts: int = 0
    """The number of rounds in a row in which the provider took nothing."""
    provider_key: str | None = None
    tried_at: Moment | None = None
    """The time when the first copy was begun, which is also the mail's date."""
    delivery: DeliveryCounts | None = None
    """Outcomes by recipient, once the message has been tried."""
    goes_on: bool = False
    """Whether the message is still to be sent to some recipients, or asked for."""
    known_ids: list[str] = Field(default_factory=list)
    """The provider's own names for the message."""
    is_id_by_mark: bool = False
    """Whether `message_id` was told by a copy of the mail with its mark, and not by its sender."""
    gateways: list[str | None] = Field(default_factory=list)
    """The product that filters each recipient's mail, by recipient number; None or missing where it is unknown."""
    matched: MatchedRecords | None = None
    """The records found by address: as expected from when the message is told to go, and fixed when its copies are
    decided on. None before that."""
    template_version: int | None = None
    copy_count: int | None = None
    """The number of copies, from when they are written; None while that is open."""
    conversation: str | None = None
    """The id of the first message of its thread; None where that is this message."""
    in_reply_to: str | None = None
    """The id of the message, sent or received, that it answers."""
    references: list[str] = Field(default_factory=list)
    """Internet Message-IDs of the thread before it, oldest first: the header References, and last In-Reply-To."""
    thread_root: str | None = None
    """The first 22 bytes of the thread's ConversationIndex in hexadecimal digits, where others began the thread."""
    from_address: Correspondent | None = None
    """The writer of a received mail."""
    record: RecordRef | None = None
    """The record of that writer."""
    correlation: MailCorrelation | None = None
    """The way in which a received mail was matched."""
    kind: ReceivedKind | None = None
    """The kind of a received mail."""
    received_at: Moment | None = None
    """The time when a received mail was written, as far as that is known, else when it came."""
    tracked_by: list[str] = Field(default_factory=list)
    """The ways by which a mail was tracked that Heed has not sent: `folder`, `in_reply_to`, `hand`, …"""
    category: str | None = None
    """The category of the mailbox that tracks a received mail."""
    excerpt: str | None = None
    """The own words of a received mail, where the organization keeps them."""
    raw: str | None = None
    """The name of the blob with a received mail as it came, where the organization keeps that."""
    removed: list[Literal["body", "files"]] = Field(default_factory=list)
    """Content that was removed because its time was over."""
    files_made: int = 0
    """The number of attachments and images that were ever made, which is the number of the next one."""

    @property
    def status(self) -> MessageStatus:
        return "sending" if self.state == "submitting" else self.state

    def matched_recipients(self) -> list[Recipient]:
        """Return the recipients in order, each with the given record or the one that was found by address."""
        if self.matched is None or not self.matched.records:
            return self.recipients()
        found = self.matched.records
        return [
            each if each.record or number not in found else each.model_copy(update={"record": found[number]})
            for number, each in enumerate(self.recipients())
        ]

    def addresses(self) -> list[str]:
        """Return the addresses that it went to, after that of the writer of a received mail."""
        writer = [self.from_address.email] if self.from_address else []
        return [*writer, *(each.email for each in self.recipients())]

    @property
    def thread(self) -> str:
        """The id of its conversation."""
        return self.conversation or self.id

    def sort_time(self) -> datetime:
        """Return the time by which lists sort the message: when it was written, sent, or will be, or was made."""
        return self.received_at or self.sent_at or self.due_at or self.created_at


def records_of(message: StoredMessage) -> Iterator[RecordRef]:
    """Yield every record that the message belongs to, each once."""
    refs = [recipient.record for recipient in message.matched_recipients() if recipient.record]
    if message.record:
        refs.append(message.record)
    if message.regarding:
        refs.append(RecordRef(type=message.regarding.type, id=message.regarding.id))
    seen = set()
    for ref in refs:
        if (ref.type, ref.id) not in seen:
            seen.add((ref.type, ref.id))
            yield ref
