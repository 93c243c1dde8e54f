"""Writers of inbound mail: the record of the one who wrote it, and what is said of following that person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.fields import RecordRef, Regarding
from lib.inbound.classification import MailKind
from lib.inbound.correlation import Correlation
from lib.inbound.tracking import ABOUT_DELIVERY
from lib.messages.models import Recipient, StoredMessage
from lib.mime.received import ReceivedMail
from lib.organizations.settings import OrganizationSettings
from lib.people.preference import Preference
from lib.people.recipients import KnownRecipient, RecipientLookup


@dataclass(frozen=True, slots=True)
class MailWriter:
    """The writer of a mail, or the recipient whom a report is about."""

    record: RecordRef | None = None
    is_known: bool = False
    """Whether a record of a type that counts has the address."""
    preference: Preference = "unknown"
    """The strictest wish of the writer, and of the recipient as whom they answer."""


@dataclass(frozen=True, slots=True)
class _Addressed:
    email: str
    record: RecordRef | None = None


class Writers:
    """Finds writers in storage."""

    def __init__(self, lookup: RecipientLookup) -> None:
        self._lookup = lookup

    async def find_writer(
        self,
        organization: str,
        settings: OrganizationSettings,
        mail: ReceivedMail,
        kind: MailKind,
        correlation: Correlation,
        matched: StoredMessage | None,
        user: str,
        regarding: Regarding | None,
    ) -> MailWriter:
        """Find out who wrote a mail. A server's report is about a recipient: then no address is looked up.

        Raises StorageError.
        """
        recipient = _recipient(matched, correlation)
        if kind in ABOUT_DELIVERY or mail.sender is None:
            return MailWriter(recipient.record if recipient else None)
        asked = [_Addressed(mail.sender.email)]
        if recipient is not None:
            asked.append(_Addressed(recipient.email, recipient.record))
        order = settings.inbound.record_order
        known = await self._lookup.look_up(
            organization, settings.resolve_recipients, asked, regarding, user, record_order=order
        )
        match = known.recipients[0].match
        record = match.record
        if recipient is not None and recipient.record and correlation.sender == "recipient":
            record = recipient.record
        types = {each.type for each in match.possible} | ({record.type} if record else set())
        return MailWriter(record, bool(types.intersection(order)), _strictest(known.recipients))


def _recipient(matched: StoredMessage | None, correlation: Correlation) -> Recipient | None:
    if matched is None or correlation.recipient is None:
        return None
    recipients = matched.matched_recipients()
    return recipients[correlation.recipient] if correlation.recipient < len(recipients) else None


def _strictest(found: Sequence[KnownRecipient]) -> Preference:
    said = {each.said.preference for each in found}
    return "do_not_allow" if "do_not_allow" in said else "allow" if "allow" in said else "unknown"
