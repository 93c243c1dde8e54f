"""The promise of a transport: each try has an outcome, and none is a guess.

A try without a known outcome is in doubt. `after_doubt` asks the provider, where it can be asked. Where it cannot, or
does not know, the mail is sent again only if the provider would notice the second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from lib.mime.parts import FilePart, Mailbox

Earlier = Literal["none", "settled", "doubtful"]
"""The outcome of earlier tries with the same key: there were none; none was taken, as the provider or a person said; or
one may have been taken, and this try repeats it."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""The assumed time of a try without a known time: no provider remembers it."""


@dataclass(frozen=True, slots=True)
class MailContent:
    """The message, for providers that write the MIME themselves."""

    subject: str = ""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    html: str | None = None
    text: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Headers that no other field makes."""
    files: tuple[FilePart, ...] = ()
    """Attachments and, with a `cid`, images of the HTML."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One copy of a mail. `mime` and `content` say the same."""

    sender: str
    """The sender's address."""
    recipients: tuple[str, ...]
    """The addresses of this copy's recipients: of To, Cc and Bcc."""
    mime: bytes
    message_id: str = ""
    content: MailContent = field(default_factory=MailContent)
    key: str = ""
    """A UUID, the same in every try."""
    tried_at: datetime = LONG_AGO
    """The time when this try was written down, before anything was sent. A try that repeats a doubtful one keeps its
    time."""
    earlier: Earlier = "none"


@dataclass(frozen=True, slots=True)
class RecipientRefusal:
    """A recipient whom the provider did not take."""

    address: str
    code: str
    text: str
    """The reason, without addresses."""
    temporary: bool
    """Whether a later try may go better."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the mail for all of the envelope's recipients but the `refused` and the `unknown` ones."""

    refused: tuple[RecipientRefusal, ...] = ()
    ids: tuple[str, ...] = ()
    """The provider's own names for the mail: an operation, or another Message-ID than ours."""
    unknown: tuple[str, ...] = ()
    """Addresses whose part of the hand-over ended in doubt: they may have got the mail."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider certainly has not taken the mail, neither now nor in the doubtful try that this one repeats."""

    temporary: bool
    """Whether a later try may go better."""
    code: str
    text: str
    """The reason, without addresses."""
    retry_after: timedelta | None = None
    """The wait that the provider has named."""
    recipients: tuple[RecipientRefusal, ...] = ()
    """Recipients for whom the provider gave reasons of their own; the others share the general one."""


@dataclass(frozen=True, slots=True)
class Paced:
    """Nothing was tried: the provider's pace allows no try yet. It uses up no try."""

    wait: timedelta
    """The time until the next try."""


@dataclass(frozen=True, slots=True)
class Underway:
    """The provider has the mail and still works on it, or cannot be asked just now.

    The message is shown as being sent, not as doubtful.
    """

    ask_again: timedelta
    """The time until `after_doubt` is called."""
    text: str = "The provider still works on it."


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider may have taken the mail; the message is shown as uncertain."""

    text: str
    code: str = "unconfirmed"
    ask_again: timedelta | None = None
    """The time until `after_doubt` is called, when a late answer can still settle the message."""
    refused: tuple[RecipientRefusal, ...] = ()
    """Recipients who certainly have not got it."""


@dataclass(frozen=True, slots=True)
class Again:
    """Sending again, with the same key and `tried_at`, cannot make a second message."""

    wait: timedelta = timedelta(0)


Outcome = Accepted | Refused | Unknown | Underway | Paced


class Transport(Protocol):
    """A way to hand mail over to a provider or a mail server."""

    separate_envelopes: bool
    """Whether it delivers to the envelope's recipients, whatever To and Cc say. Else a mail has one copy."""

    @property
    def most_bytes(self) -> int | None:
        """The largest mail that the provider takes, if it has said so; None while that is unknown."""
        ...

    async def send(self, envelope: Envelope) -> Outcome:
        """Hand one copy over. It raises nothing."""
        ...

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        """Find out the outcome of a doubtful try: one that ended Unknown or Underway, or whose process died.

        The try is that of `envelope.tried_at`. Again and `ask_again` must come to an end: each transport bounds them by
        the time since `tried_at`. It raises nothing.
        """
        ...

    async def discard(self, sender: str, key: str) -> bool:
        """Remove drafts of the message `key` that were not sent from the sender's mailbox. It raises nothing.

        True when none is left there; False when the provider cannot be asked now.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
