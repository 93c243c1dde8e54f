"""Taking in a mail: reading it, finding what it answers, and keeping what is to be kept of it.

The order of writes: message, rows of its thread, what follows for the message that it answers, the fact, what rules
make, lists, and the outcome last. Each is the same when it comes again, so that a process that dies between two of them
does no harm: the mail comes again, and ends as it would have ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from lib.clock import Clock
from lib.errors import Stale
from lib.fields import Regarding
from lib.inbound.answer_recording import AnswerRecording, Refresh
from lib.inbound.answers import MailAnswer
from lib.inbound.classification import MailKind
from lib.inbound.consequences import Consequences, is_stop
from lib.inbound.correlation import Correlation, Correlator
from lib.inbound.mailboxes.models import StoredMailbox
from lib.inbound.mailboxes.store import MailboxStore
from lib.inbound.orders import arrival_of, raw_blob
from lib.inbound.origin import Origin
from lib.inbound.outcomes import ERASED_WRITER, InboundOutcomes, OutcomeRow
from lib.inbound.reading import InboundMail, read_inbound
from lib.inbound.received_messages import Placing, kept_body, stored_message
from lib.inbound.return_dates import LONGEST_ABSENCE
from lib.inbound.rules.actions import RuleActions
from lib.inbound.rules.received import rule_mail, rules_of_category
from lib.inbound.tracking import ABOUT_DELIVERY, Arrival, Tracking, decide_tracking, kind_of, more_specific
from lib.inbound.writers import MailWriter, Writers
from lib.messages.conversations import with_message_id
from lib.messages.models import StoredMessage
from lib.messages.store import Loaded, MessageStore
from lib.messages.threads import Threads
from lib.mime.read import BadMail
from lib.organizations.registry import Organizations
from lib.organizations.settings import OrganizationSettings
from lib.people.families import read_families
from lib.people.records import name_of
from lib.people.store import People
from lib.people.user_addresses import UserAddresses
from lib.storage import Blobs, Conflict
from lib.storage.layout import container
from lib.storage.retry import retry_on_conflict
from lib.workers.pool import OffLoop, WorkerLost

ErasedUntil = Callable[[str, str], Awaitable[datetime | None]]
"""Finds the time until when mail of a writer is erased, of (organization, address); None where nothing was erased."""

MAIL_TYPE = "message/rfc822"
_INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class ByHand:
    """A mail that a person tracks."""

    regarding: Regarding | None
    user: str | None
    """The id of the acting user."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """The outcome of one mail."""

    outcome: OutcomeRow
    was_known: bool = False
    """Whether the mail was an activity before it came this time."""
    raw: str | None = None
    """The blob with the mail as it came, where that is kept."""


@dataclass(frozen=True, slots=True)
class _Incoming:
    """One mail on its way."""

    organization: str
    id: str
    raw: bytes
    origin: Origin
    by_hand: ByHand | None
    settings: OrganizationSettings
    read: InboundMail
    sent_by: str | None
    """The id of the user who has sent a mail that is tracked by hand; None for any other mail."""

    @property
    def kind(self) -> MailKind:
        return self.read.classification.kind


class TakeIn:
    """Takes in mails, one at a time."""

    def __init__(
        self,
        outcomes: InboundOutcomes,
        correlator: Correlator,
        messages: MessageStore,
        threads: Threads,
        organizations: Organizations,
        people: People,
        users: UserAddresses,
        writers: Writers,
        mailboxes: MailboxStore,
        consequences: Consequences,
        recording: AnswerRecording,
        rules: RuleActions,
        blobs: Blobs,
        off_loop: OffLoop,
        refresh: Refresh,
        erased_until: ErasedUntil,
        clock: Clock,
    ) -> None:
        self._outcomes = outcomes
        self._correlator = correlator
        self._messages = messages
        self._threads = threads
        self._organizations = organizations
        self._people = people
        self._users = users
        self._writers = writers
        self._mailboxes = mailboxes
        self._consequences = consequences
        self._recording = recording
        self._rules = rules
        self._blobs = blobs
        self._off_loop = off_loop
        self._refresh = refresh
        self._erased_until = erased_until
        self._clock = clock

    async def take_in_mail(
        self, organization: str, mail: str, raw: bytes, origin: Origin, by_hand: ByHand | None = None
    ) -> TakenIn:
        """Take in a mail; again is the same. Raises BadMail, StorageError, Stale."""
        read = await self._read(organization, raw)
        settings = await self._organizations.settings(organization)
        sender = [read.mail.sender.email] if by_hand and read.mail.sender else []
        sent_by = await self._users.find_user(organization, sender) if sender else None
        incoming = _Incoming(organization, mail, raw, origin, by_hand, settings, read, sent_by)
        return await retry_on_conflict(
            f"inbound mail {mail}", lambda: self._take_in_once(incoming), on=(Stale, Conflict)
        )

    async def _read(self, organization: str, raw: bytes) -> InboundMail:
        """Read a mail in another process. Raises BadMail, also where reading it has ended two of them."""
        try:
            return await self._off_loop.run(organization, len(raw), read_inbound, raw)
        except WorkerLost:
            raise BadMail("the process that read it has ended, or was stuck, and so was another one") from None

    async def keeps_raw(self, organization: str, mail: str, blob: str) -> bool:
        """Whether a message keeps this blob as the mail that it came as. Raises StorageError."""
        loaded = await self._messages.load(organization, mail)
        return loaded is not None and loaded.message.raw == blob

    async def _take_in_once(self, mail: _Incoming) -> TakenIn:
        """Raises Stale, Conflict where another process takes in the same mail."""
        found = await self._outcomes.load_outcome(mail.organization, mail.id)
        before, etag = found or (None, None)
        if await self._is_erased(mail):
            return await self._finish(mail, _erased(mail.id), before, etag)
        correlation = await self._correlator.correlate(
            mail.organization, mail.read.mail, by_person=mail.kind not in ABOUT_DELIVERY
        )
        if correlation.name == "skipped":
            await self._learn_message_id(mail, correlation.matched)
            return await self._finish(mail, _ours(mail.id, correlation), before, etag)
        matched = await self._load(mail, correlation.matched)
        if matched is not None and correlation.name == "reply_address" and is_stop(mail.read.mail):
            await self._consequences.stop_writer(mail.organization, matched, correlation.recipient)
        there = await self._messages.load(mail.organization, mail.id)
        mailbox = await self._mailbox(mail)
        user = await self._user(mail, matched)
        kind = kind_of(mail.kind, correlation)
        arrival = await self._arrival(mail, mailbox, user)
        tracking = decide_tracking(kind, correlation, arrival, is_known=True)
        if tracking.ways:
            placed = _placed(mail, mailbox)
            writer = await self._writers.find_writer(
                mail.organization, mail.settings, mail.read.mail, kind, correlation, matched, user,
                placed or (matched.regarding if matched else None),
            )  # fmt: skip
            tracking = decide_tracking(kind, correlation, arrival, writer.is_known)
        if not tracking.ways:
            outcome = before if there and before else _ignored(mail.id, kind, correlation, tracking)
            return await self._finish(mail, outcome, before, etag)
        regarding = await self._regarding(mail, placed, there, matched)
        placing = Placing(
            mail.id, user, kind.value, correlation, regarding, writer.record, tracking.ways, arrival.category,
            _went_at(matched), "sent" if mail.sent_by else "received",
        )  # fmt: skip
        message = await self._keep(mail, placing, there)
        if message.state == "received" and matched is not None:
            await self._follow_up(mail, message, matched, correlation, writer)
        if message.state == "received":
            others = rules_of_category(mailbox, message) if arrival.category else []
            await self._rules.carry_out(mail.organization, rule_mail(message), others)
        await self._refresh(mail.organization, message.id)
        taken = await self._finish(mail, _tracked(message, correlation, kind, tracking), before, etag)
        return replace(taken, was_known=there is not None, raw=message.raw)

    async def _learn_message_id(self, mail: _Incoming, message: str | None) -> None:
        """Learn the Message-ID of a mail that another program has sent with the message's mark. Raises Stale."""
        read = mail.read.mail
        if message is None or self._correlator.marked_message(mail.organization, read) != message:
            return
        loaded = await self._messages.load(mail.organization, message)
        learned = with_message_id(loaded.message, read.message_id, by_mark=True) if loaded else None
        if loaded is not None and learned is not None:
            await self._threads.enter_message(mail.organization, learned)
            await self._messages.change(mail.organization, learned, loaded.etag)

    async def _is_erased(self, mail: _Incoming) -> bool:
        """Whether the mail's writer was erased since the mail was written. One without a date counts as old."""
        read = mail.read.mail
        until = await self._erased_until(mail.organization, read.sender.email) if read.sender else None
        return until is not None and (read.date is None or read.date <= until)

    async def _finish(
        self, mail: _Incoming, outcome: OutcomeRow, before: OutcomeRow | None, etag: str | None
    ) -> TakenIn:
        arrivals = before.arrivals if before else []
        outcome = outcome.model_copy(update={"arrivals": arrivals}).with_arrival(arrival_of(mail.origin))
        await self._outcomes.save_outcome(mail.organization, outcome, etag)
        return TakenIn(outcome)

    async def _load(self, mail: _Incoming, message: str | None) -> StoredMessage | None:
        loaded = await self._messages.load(mail.organization, message) if message else None
        return loaded.message if loaded else None

    async def _mailbox(self, mail: _Incoming) -> StoredMailbox | None:
        if mail.origin.mailbox is None:
            return None
        found = await self._mailboxes.load_mailbox(mail.organization, mail.origin.mailbox)
        return found[0] if found else None

    async def _user(self, mail: _Incoming, matched: StoredMessage | None) -> str:
        """Return the user whose mail it is; empty where there is none."""
        if mail.sent_by:
            return mail.sent_by
        if mail.origin.owner:
            return mail.origin.owner
        if matched is not None and matched.sender:
            return matched.sender
        read = mail.read.mail
        emails = [each.email for each in (*read.to, *read.cc)]
        emails += [read.header("delivered-to"), read.header("x-original-to")]
        found = await self._users.find_user(mail.organization, emails)
        return found or (mail.by_hand.user if mail.by_hand else None) or ""

    async def _arrival(self, mail: _Incoming, mailbox: StoredMailbox | None, user: str) -> Arrival:
        found = await self._people.user(mail.organization, user) if user else None
        categories = mailbox.categories if mailbox and mail.settings.inbound.categories else []
        return Arrival(
            by_hand=mail.by_hand is not None,
            folder=mail.origin.folder if _is_tracking_folder(mail.origin, mailbox) else None,
            category=next((each.name for each in categories if each.name == mail.origin.category), None),
            is_queue=mailbox is not None and mailbox.queue,
            choice=found.inbound if found else None,
        )

    async def _regarding(
        self, mail: _Incoming, placed: Regarding | None, there: Loaded | None, matched: StoredMessage | None
    ) -> Regarding | None:
        answered = there.message.regarding if there else matched.regarding if matched else None
        if placed is None or answered is None or mail.by_hand is not None:
            return placed or answered
        families = await read_families(self._people, mail.organization, [name_of(placed), name_of(answered)])
        return more_specific(placed, answered, families)

    async def _keep(self, mail: _Incoming, placing: Placing, there: Loaded | None) -> StoredMessage:
        """Store the message, or what is new about one that is there, and the rows of its thread. Raises Stale."""
        organization, keep = mail.organization, mail.settings.inbound.keep
        if there is None:
            blob = raw_blob(mail.id, mail.origin)
            if keep == "mail":
                await self._blobs.put_blob(container(organization), blob, mail.raw, MAIL_TYPE)
            message = stored_message(mail.read, placing, self._clock.now(), keep, blob)
            await self._messages.make(organization, message, kept_body(mail.read, keep))
        else:
            message = _updated(there.message, placing)
            if message != there.message:
                await self._messages.change(organization, message, there.etag)
        await self._threads.enter_message(organization, message)
        return message

    async def _follow_up(
        self,
        mail: _Incoming,
        message: StoredMessage,
        matched: StoredMessage,
        correlation: Correlation,
        writer: MailWriter,
    ) -> None:
        """Bring about what follows for the message that the mail answers. Raises Unavailable, Stale."""
        kind, classification = message.kind, mail.read.classification
        if kind is None or kind == "new" or message.received_at is None:
            return
        answer = MailAnswer(
            message.id,
            kind,
            message.received_at,
            correlation.recipient,
            classification.failures,
            _told_return(classification.back_at, message.received_at),
        )
        await self._recording.record_answer(mail.organization, mail.settings, matched, answer, writer.preference)


def _is_tracking_folder(origin: Origin, mailbox: StoredMailbox | None) -> bool:
    """Whether the folder tracks what lies in it: one with a record, and one to which people move mail.

    The inbox without a record tracks nothing by itself: all mail comes there.
    """
    folder = next((each for each in mailbox.folders if each.path == origin.folder), None) if mailbox else None
    return folder is not None and (folder.regarding is not None or folder.path.lower() != _INBOX)


def _placed(mail: _Incoming, mailbox: StoredMailbox | None) -> Regarding | None:
    """Return the record that a person has given: by hand, or by the folder."""
    if mail.by_hand is not None and mail.by_hand.regarding is not None:
        return mail.by_hand.regarding
    folders = mailbox.folders if mailbox else []
    return next((each.regarding for each in folders if each.path == mail.origin.folder), None)


def _updated(message: StoredMessage, placing: Placing) -> StoredMessage:
    """Return a message that came once more: by a further way, perhaps about another record."""
    return message.model_copy(
        update={
            "tracked_by": list(dict.fromkeys([*message.tracked_by, *placing.ways])),
            "regarding": placing.regarding,
            "category": message.category or placing.category,
        }
    )


def _went_at(message: StoredMessage | None) -> datetime | None:
    times = [each for each in (message.tried_at, message.sent_at) if each] if message else []
    return min(times, default=None)


def _told_return(back_at: datetime | None, received_at: datetime) -> datetime | None:
    """Return the day on which a writer is back; None where it does not follow the mail within a year.

    It was read by the mail's own date, which may be wrong by years.
    """
    is_near = back_at is not None and received_at < back_at <= received_at + LONGEST_ABSENCE
    return back_at if is_near else None


def _erased(mail: str) -> OutcomeRow:
    return OutcomeRow(id=mail, outcome="ignored", because=ERASED_WRITER)


def _ours(mail: str, correlation: Correlation) -> OutcomeRow:
    return OutcomeRow(
        id=mail,
        outcome="duplicate",
        message=correlation.matched,
        correlation=correlation.stored(),
        because=correlation.because,
    )


def _ignored(mail: str, kind: MailKind, correlation: Correlation, tracking: Tracking) -> OutcomeRow:
    return OutcomeRow(
        id=mail, outcome="ignored", correlation=correlation.stored(), kind=kind.value, because=tracking.because
    )


def _tracked(message: StoredMessage, correlation: Correlation, kind: MailKind, tracking: Tracking) -> OutcomeRow:
    return OutcomeRow(
        id=message.id,
        outcome="tracked",
        message=message.id,
        correlation=message.correlation or correlation.stored(),
        kind=message.kind or kind.value,
        because=tracking.because,
        tracked_by=message.tracked_by,
    )
