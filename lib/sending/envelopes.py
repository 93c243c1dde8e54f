"""Envelopes: what a transport is handed for one copy of a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lib.composing.mail import Prepared
from lib.messages.copy_rows import Copy
from lib.messages.models import Recipient, StoredMessage
from lib.mime.parts import Mailbox
from lib.people.addresses import same_mailbox
from lib.sending.copy_outcomes import addressed
from lib.transports.protocol import LONG_AGO, Earlier, Envelope, MailContent

_MADE_BY_PROVIDERS = {"from", "to", "cc", "subject", "date", "message-id", "mime-version", "reply-to"}


def make_envelope(message: StoredMessage, prepared: Prepared, earlier: Earlier, copy: Copy) -> Envelope:
    """Return the envelope of a copy that is `submitting`, for those of its recipients who have not got it.

    The row with the try is written by then.
    """
    assert copy.key is not None
    assert message.message_id is not None
    recipients = message.recipients()
    mailboxes = {same_mailbox(recipients[number].email) for number in addressed(copy)}
    content = _content(message, prepared, mailboxes)
    return Envelope(
        sender=prepared.sender,
        recipients=tuple(email for _, email in (*content.to, *content.cc, *content.bcc)),
        mime=prepared.composed.mime,
        message_id=message.message_id,
        content=content,
        key=copy.key,
        tried_at=copy.tried_at or LONG_AGO,
        earlier=earlier,
    )


def earlier_tries(copy: Copy) -> Earlier:
    """Return what the tries before the next one came to."""
    if copy.in_doubt:
        return "doubtful"
    return "none" if copy.tried_at is None else "settled"


def _content(message: StoredMessage, prepared: Prepared, addressed: set[str]) -> MailContent:
    left = set(addressed)

    def mailboxes(recipients: Sequence[Recipient]) -> Iterator[Mailbox]:
        """Return each address once, where it stands first: a provider may send a mail for each time."""
        for recipient in recipients:
            mailbox = same_mailbox(recipient.email)
            if mailbox in left:
                left.remove(mailbox)
                yield Mailbox(recipient.name, recipient.email)

    return MailContent(
        subject=prepared.head.subject,
        to=tuple(mailboxes(message.to)),
        cc=tuple(mailboxes(message.cc)),
        bcc=tuple(mailboxes(message.bcc)),
        reply_to=tuple(prepared.head.reply_to),
        html=prepared.body.html,
        text=prepared.body.text,
        headers=further_headers(prepared.composed.headers),
        files=tuple(prepared.composed.parts),
    )


def further_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers that providers do not make by themselves."""
    return tuple(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _MADE_BY_PROVIDERS and not name.lower().startswith("content-")
    )
