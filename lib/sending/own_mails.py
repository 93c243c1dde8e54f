"""Mails of Heed's own, each to one address: no person has written them, and nothing in them is followed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from lib.mime.parts import Mailbox, MailHead
from lib.mime.write import compose
from lib.people.addresses import domain_of
from lib.sending.envelopes import further_headers
from lib.transports.protocol import Envelope, MailContent


class OwnMail(NamedTuple):
    """The content of a mail of Heed's own."""

    subject: str
    html: str
    text: str


def make_own_envelope(mail: OwnMail, sender: Mailbox, to: Mailbox, key: str, now: datetime) -> Envelope:
    """Return the envelope of a mail; `key` is a UUID, the same in every try. Raises ComposeError."""
    head = MailHead(sender, mail.subject, f"<{key}@{domain_of(sender.email)}>", now, [to], automatic=True)
    composed = compose(head, mail.html, mail.text)
    headers = further_headers(composed.headers)
    return Envelope(
        sender=sender.email,
        recipients=(to.email,),
        mime=composed.mime,
        message_id=composed.headers["Message-ID"],
        content=MailContent(subject=mail.subject, to=(to,), html=mail.html, text=mail.text, headers=headers),
        key=key,
        tried_at=now,
    )
