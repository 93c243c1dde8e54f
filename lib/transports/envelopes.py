"""From a message that is ready to what a transport is handed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lib.messages import Recipient, StoredMessage
from lib.prepare import Prepared
from lib.transports.protocol import LONG_AGO, Content, Earlier, Envelope, Mailbox

_MADE_BY_PROVIDERS = {"from", "to", "cc", "subject", "date", "message-id", "mime-version"}


def make_envelope(message: StoredMessage, prepared: Prepared, earlier: Earlier) -> Envelope:
    """For a message that is `submitting`: what identifies the try is written down by then."""
    assert message.provider_key is not None
    assert message.message_id is not None
    recipients = message.recipients()
    addresses = tuple(dict.fromkeys(recipients[number].email for number in prepared.copy.recipients))
    return Envelope(
        sender=prepared.sender,
        recipients=addresses,
        mime=prepared.composed.mime,
        message_id=message.message_id,
        content=_content(message, prepared, addresses),
        key=message.provider_key,
        tried_at=message.tried_at or LONG_AGO,
        earlier=earlier,
    )


def earlier_tries(message: StoredMessage) -> Earlier:
    """Before the next try: what those before it came to."""
    if message.in_doubt:
        return "doubtful"
    return "none" if message.tried_at is None else "settled"


def _content(message: StoredMessage, prepared: Prepared, addresses: tuple[str, ...]) -> Content:
    left = set(addresses)

    def mailboxes(recipients: Sequence[Recipient]) -> Iterator[Mailbox]:
        """Each address once, where it stands first: a provider may send a mail for each time."""
        for recipient in recipients:
            if recipient.email in left:
                left.remove(recipient.email)
                yield recipient.name, recipient.email

    return Content(
        subject=" ".join(message.subject.split()),
        to=tuple(mailboxes(message.to)),
        cc=tuple(mailboxes(message.cc)),
        bcc=tuple(mailboxes(message.bcc)),
        html=prepared.body.html,
        text=prepared.body.text,
        headers=_further_headers(prepared.composed.headers),
    )


def _further_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _MADE_BY_PROVIDERS and not name.lower().startswith("content-")
    )
