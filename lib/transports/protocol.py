"""What a transport promises: an outcome, always, and never a guess.

A try whose outcome nobody knows is in doubt. `after_doubt` asks the provider, where it can be asked; where it cannot,
or does not know, sending again is only for a provider that would notice the second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from lib.mime.parts import FilePart, Mailbox

Earlier = Literal["none", "settled", "doubtful"]
"""What earlier tries with the same key came to: there were none; none was taken (the provider or a person said so); or
one may have been taken, and this one repeats it."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""When a try of which no time is known is taken to have been: no provider remembers it."""


@dataclass(frozen=True, slots=True)
class MailContent:
    """The message for providers that write the MIME by themselves. `headers` are those that no other field makes,
    `files` are attachments and, with a `cid`, images of the HTML."""

    subject: str = ""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    html: str | None = None
    text: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    files: tuple[FilePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """One copy. `recipients` are all of To, Cc and Bcc that it is for; `mime` and `content` say the same.

    `key` is a UUID, the same in every try. `tried_at` is when this try was written down, before anything was sent; a
    try that repeats a doubtful one keeps that one's time.
    """

    sender: str
    recipients: tuple[str, ...]
    mime: bytes
    message_id: str = ""
    content: MailContent = field(default_factory=MailContent)
    key: str = ""
    tried_at: datetime = LONG_AGO
    earlier: Earlier = "none"


@dataclass(frozen=True, slots=True)
class RecipientRefusal:
    """A recipient whom the provider did not take. `text` holds no address.

    `temporary` when a later try may go better.
    """

    address: str
    code: str
    text: str
    temporary: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it, for all of the envelope's recipients but the `refused` and the `unknown` ones.

    `unknown` are addresses of recipients whose part of the hand-over ended in doubt, when others' did not: they may
    have got it. `ids` are the provider's own names for the message: an operation, or another Message-ID than ours.
    """

    refused: tuple[RecipientRefusal, ...] = ()
    ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider certainly has not taken it, neither now nor in the doubtful try that this one repeats.

    `temporary` when a later try may go better, after `retry_after` if the provider named a time. `text` holds no
    address. `recipients` are those for whom the provider gave reasons of their own; the rest share the general one.
    """

    temporary: bool
    code: str
    text: str
    retry_after: timedelta | None = None
    recipients: tuple[RecipientRefusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Paced:
    """Nothing was tried: the provider's pace allows the next try after `wait`. It uses up no try."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class Underway:
    """The provider has it and still works on it, or cannot be asked just now: `after_doubt` is called after
    `ask_again`. The message is shown as being sent, not as doubtful."""

    ask_again: timedelta
    text: str = "The provider still works on it."


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been taken; the message is shown as uncertain. `after_doubt` is called after `ask_again`, if that is
    set: a late answer settles the message. `refused` are recipients who certainly have not got it."""

    text: str
    code: str = "unconfirmed"
    ask_again: timedelta | None = None
    refused: tuple[RecipientRefusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """Sending again after `wait`, with the same key and `tried_at`, cannot make a second message."""

    wait: timedelta = timedelta(0)


Outcome = Accepted | Refused | Unknown | Underway | Paced


class Transport(Protocol):
    separate_envelopes: bool
    """Whether it delivers to the envelope's recipients, whoever To and Cc name. Else a mail has one copy."""

    @property
    def most_bytes(self) -> int | None:
        """The largest mail that the provider takes, if it has said so; None while that is unknown."""
        ...

    async def send(self, envelope: Envelope) -> Outcome:
        """Raises nothing."""
        ...

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        """What became of the try of `envelope.tried_at`, which ended Unknown or Underway, or whose process died.

        Again and `ask_again` must come to an end: each transport bounds them by the time since `tried_at`. Raises
        nothing.
        """
        ...

    async def discard(self, sender: str, key: str) -> bool:
        """Remove what tries of the message `key` that were not sent have left in the sender's mailbox.

        True when nothing is left there; False when the provider cannot be asked now. Raises nothing.
        """
        ...

    async def close(self) -> None: ...
