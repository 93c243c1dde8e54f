"""The protocol of what takes inbound mail over from the ways in."""

from __future__ import annotations

from typing import Protocol

from lib.inbound.origin import Origin


class MailSink(Protocol):
    """Takes mails over. Both methods return when the mail is kept durably, and the same mail may come again.

    A mailbox is read on only after they have returned. Both raise StorageError.
    """

    async def keep_mail(self, organization: str, raw: bytes, origin: Origin) -> None:
        """Keep a mail, as its bytes (RFC 5322)."""

    async def refuse_mail(self, organization: str, headers: bytes, origin: Origin, reason: str) -> None:
        """Keep the note that a mail could not be read.

        `headers` are its header lines, as far as they could be had; `reason` is a sentence for people.
        """
