"""From a message that is ready to what a transport is handed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lib.addresses import same_mailbox
from lib.messages import Copy, Recipient, StoredMessage
from lib.prepare import Prepared
from lib.transports.protocol import LONG_AGO, Content, Earlier, Envelope, Mailbox

_MADE_BY_PROVIDERS = {"from", "to", "cc", "subject", "date", "message-id", "mime-version"}


def make_envelope(message: StoredMessage, prepared: Prepared, earlier: Earlier, copy: Copy | None = None) -> Envelope:
    """For a message, or one of its several copies, that is `submitting`: what identifies the try is written by then."""
    tried = copy or message
    key = copy.key if copy else message.provider_key
    assert key is not None
    assert message.message_id is not None
    recipients = message.recipients()
    mailboxes = {same_mailbox(recipients[number].email) for number in prepared.copy.recipients}
    content = _content(message, prepared, mailboxes)
    return Envelope(
        sender=prepared.sender,
        recipients=tuple(email for _, email in (*content.to, *content.cc, *content.bcc)),
        mime=prepared.composed.mime,
        message_id=message.message_id,
        content=content,
        key=key,
        tried_at=tried.tried_at or LONG_AGO,
        earlier=earlier,
    )


def earlier_tries(tried: StoredMessage | Copy) -> Earlier:
    """Before the next try: what those before it came to."""
    if tried.in_doubt:
        return "doubtful"
    return "none" if tried.tried_at is None else "settled"


def _content(message: StoredMessage, prepared: Prepared, addressed: set[str]) -> Content:
    left = set(addressed)

    def mailboxes(recipients: Sequence[Recipient]) -> Iterator[Mailbox]:
        """Each address once, where it stands first: a provider may send a mail for each time."""
        for recipient in recipients:
            mailbox = same_mailbox(recipient.email)
            if mailbox in left:
                left.remove(mailbox)
                yield recipient.name, recipient.email

    return Content(
        subject=" ".join(message.subject.split()),
        to=tuple(mailboxes(message.to)),
        cc=tuple(mailboxes(message.cc)),
        bcc=tuple(mailboxes(message.bcc)),
        html=prepared.body.html,
        text=prepared.body.text,
        headers=_further_headers(prepared.composed.headers),
        files=tuple(prepared.composed.parts),
    )


def _further_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _MADE_BY_PROVIDERS and not name.lower().startswith("content-")
    )
