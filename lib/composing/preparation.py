"""From a stored message to what goes out: follow state, rewriting, composing. Reads; stores nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from lib.composing import bodies
from lib.composing.bodies import Followed, Original, Unfollowed
from lib.composing.files_in_mail import FileBytes
from lib.errors import UnknownSender
from lib.files.models import StoredFile
from lib.ids import new_id
from lib.messages.copies import Division, divided, kept
from lib.messages.follow_state import Decision, FollowState, Said, decide
from lib.messages.models import Body, Copy, MessageFields, Recipient, Remark, StoredMessage
from lib.mime.write import Composed
from lib.organizations.registry import Organizations, OrganizationSettings
from lib.people.addresses import domain_of
from lib.people.consents import Consents
from lib.people.store import People, StoredUser
from lib.storage.batches import batches_of
from lib.tokens import KeyRing
from lib.workers.pool import JobLost, OffLoop

if TYPE_CHECKING:
    from lib.files.store import Files

log = logging.getLogger("heed.prepare")

Result = TypeVar("Result")

_AT_ONCE = 25
"""Recipients whose wishes are looked up at the same time."""

_NOT_REWRITTEN = FollowState(
    state="blocked", reason="The links could not be rewritten, so the message goes out unfollowed."
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One copy, ready to go out."""

    copy: Copy
    composed: Composed
    body: Body
    sender: str
    remarks: list[Remark]

    def without_files(self) -> Prepared:
        """The files stand in `composed.mime`, too: this is lighter to carry."""
        return replace(self, composed=replace(self.composed, parts=()))


@dataclass(frozen=True, slots=True)
class SenderCopy:
    """The mail as its sender keeps it."""

    composed: Composed
    body: Body

    def without_files(self) -> SenderCopy:
        return replace(self, composed=replace(self.composed, parts=()))


@dataclass(frozen=True, slots=True)
class Mail:
    """What all copies of a message share, and into which copies it is divided.

    `decision` is about each recipient, `follow_state` that of the whole message as it goes out; `rewritten` by number
    the copies that were rewritten already.
    """

    message: StoredMessage
    original: Original
    sender: StoredUser
    date: datetime
    decision: Decision
    follow_state: FollowState
    divisions: Sequence[Division]
    rewritten: Mapping[int, Followed]
    remarks_on_files: Sequence[Remark]
    file_bytes: FileBytes

    @property
    def remarks(self) -> list[Remark]:
        """On the followed copies, which all have the same links; or why there are none."""
        if self.follow_state is _NOT_REWRITTEN:
            return [Remark(code="not-rewritten", text=_NOT_REWRITTEN.reason), *self.remarks_on_files]
        return [*next((each.remarks for each in self.rewritten.values()), []), *self.remarks_on_files]

    def copies(self) -> list[Copy]:
        """As they are to go out, before they are written."""
        first = next(iter(self.rewritten.values()), None)
        return [_copy(each, first if each.follow_state.state == "on" else None) for each in self.divisions]


def check_domain(settings: OrganizationSettings, sender: StoredUser) -> None:
    """Raises UnknownSender where the organization does not send from the domain of this user's address."""
    allowed = settings.from_domain_allow
    if allowed and domain_of(sender.email) not in allowed:
        raise UnknownSender("the organization's from_domain_allow does not hold the domain of this user's address")


class Preparation:
    """`separate_envelopes`: a mail can be handed over for others than its headers name, and so in several copies."""

    def __init__(
        self,
        organizations: Organizations,
        people: People,
        consents: Consents,
        ring: KeyRing,
        base_url: str,
        separate_envelopes: bool = True,
        *,
        files: Files,
        off_loop: OffLoop,
    ) -> None:
        self._organizations = organizations
        self._people = people
        self._consents = consents
        self._files = files
        self._off_loop = off_loop
        self._ring = ring
        self._base_url = base_url
        self._separate_envelopes = separate_envelopes

    async def sender(self, organization: str, message: MessageFields) -> StoredUser:
        """Raises UnknownSender."""
        user = await self._people.user(organization, message.sender)
        if user is None:
            raise UnknownSender(f"the sender {message.sender} is no user of this organization")
        return user

    async def address_of(self, organization: str, user: str) -> str | None:
        """The user's address; None for a user who is gone."""
        found = await self._people.user(organization, user)
        return found.email if found else None

    async def message_id(self, organization: str, message: MessageFields) -> str:
        """A Message-ID (RFC 5322) of our own at the sender's domain. Raises UnknownSender."""
        sender = await self.sender(organization, message)
        return f"<{new_id()}@{sender.email.rpartition('@')[2]}>"

    async def follow_state(
        self, organization: str, settings: OrganizationSettings, message: MessageFields
    ) -> FollowState:
        """What the state is now; it is fixed when the message goes out."""
        return (await self.decision(organization, settings, message)).state

    async def decision(self, organization: str, settings: OrganizationSettings, message: MessageFields) -> Decision:
        """Who would be followed now, and why or why not."""
        user = await self._people.user(organization, message.sender)
        said = await self._said(organization, message.recipients())
        return decide(settings, user, message.follow, said, self._separate_envelopes)

    async def _said(self, organization: str, recipients: Sequence[Recipient]) -> list[Said]:
        async def of(recipient: Recipient) -> Said:
            ref = recipient.record
            record = await self._people.record(organization, ref) if ref else None
            consent = await self._consents.load_preference(organization, recipient.email)
            return Said(recipient.email, record.follow_email if record else "unknown", consent)

        said: list[Said] = []
        for some in batches_of(recipients, _AT_ONCE):
            said += await asyncio.gather(*map(of, some))
        return said

    async def prepare(
        self,
        organization: str,
        message: StoredMessage,
        body: Body,
        date: datetime,
        planned: Sequence[Copy] = (),
    ) -> Mail:
        """Decide who is followed, and so which copies there are: the `planned` ones, where some may have left already.

        Raises UnknownSender.
        """
        found = await self._organizations.load_organization(organization)
        settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
        sender = await self.sender(organization, message)
        check_domain(settings, sender)
        files = await self._files.of_mail(organization, message)
        decision = await self.decision(organization, settings, message)
        emails = [each.email for each in message.recipients()]
        named = settings.tracking != "aggregate"
        divisions = kept(planned, decision, emails, named) if planned else divided(decision, emails, named)
        first = next((number for number, each in enumerate(divisions) if each.follow_state.state == "on"), None)
        state, rewritten = decision.state, dict[int, Followed]()
        original = Original(organization, message.id, body, files, settings.honeypot, self._ring, self._base_url)
        if first is not None:
            done = await self._followed(original, divisions[first].recipient)
            if done is not None:
                rewritten[first] = done
            else:
                state = _NOT_REWRITTEN
                divisions = [each.unfollowed(state) for each in divisions] if planned else [_everybody(emails, state)]
        if len(divisions) == 1:
            state = divisions[0].follow_state
        remarks = await self._do(original, bodies.remarks_on_files, original)
        file_bytes = self._files.bytes_of_mail(organization, files)
        return Mail(message, original, sender, date, decision, state, divisions, rewritten, remarks, file_bytes)

    async def write(self, mail: Mail, number: int) -> Prepared:
        """One of the mail's copies. Raises ComposeError, StorageError, JobLost."""
        division, followed = mail.divisions[number], mail.rewritten.get(number)
        if followed is None and division.follow_state.state == "on":
            followed = await self._followed(mail.original, division.recipient)
            if followed is None:
                division = division.unfollowed(_NOT_REWRITTEN)
        shown = followed or await self._unfollowed(mail.original)
        inside = mail.original.files.inside(shown.images, followed=followed is not None)
        composed = await self._composed(mail, shown.body, inside)
        return Prepared(_copy(division, followed), composed, shown.body, mail.sender.email, mail.remarks)

    async def sender_copy(self, mail: Mail) -> SenderCopy:
        """The mail with the same headers and direct links, for the sender to keep.

        Whoever looks through what they have sent is no recipient who opens it. So this copy has no pixel at all: one
        that records nothing would do no more than call our server each time.

        Raises ComposeError, StorageError, JobLost.
        """
        shown = await self._unfollowed(mail.original)
        kept = await self._do(mail.original, bodies.kept, mail.original, shown)
        return SenderCopy(await self._composed(mail, kept.body, kept.inside), kept.body)

    async def files_inside(
        self, organization: str, message: StoredMessage, body: Body, followed: bool
    ) -> Sequence[StoredFile]:
        """What travels inside the mail: what would be a link in a followed one must fit into one that is not.

        Raises ComposeError, JobLost.
        """
        files = await self._files.of_mail(organization, message)
        original = Original(organization, message.id, body, files, False, self._ring, self._base_url)
        images = await self._do(original, bodies.images_of, original)
        return files.inside(images, followed=followed)

    async def _followed(self, original: Original, recipient: int | None) -> Followed | None:
        """None when it fails for whatever reason: a mail matters more than its tracking. Raises JobLost."""
        try:
            return await self._do(original, bodies.followed, original, recipient)
        except JobLost:
            raise
        except Exception:
            log.exception("message %s could not be rewritten and goes out unfollowed", original.message)
            return None

    async def _unfollowed(self, original: Original) -> Unfollowed:
        """Without what tracks in the mail it quotes; should that fail, exactly as it was written. Raises JobLost."""
        try:
            return await self._do(original, bodies.unfollowed, original)
        except JobLost:
            raise
        except Exception:
            log.exception("message %s could not be cleaned of the tracking of older mail", original.message)
            return await self._do(original, bodies.untouched, original, original.body)

    async def _composed(self, mail: Mail, body: Body, inside: Sequence[StoredFile]) -> Composed:
        assert mail.message.message_id is not None
        parts = await mail.file_bytes.parts(inside)
        size = bodies.size_of(body) + sum(file.size for file in inside)
        arguments = (mail.message, body, mail.sender, mail.message.message_id, mail.date, parts)
        done = await self._off_loop.run(mail.original.organization, size, bodies.composed, *arguments)
        return replace(done, parts=tuple(parts))

    async def _do(self, original: Original, job: Callable[..., Result], *arguments: Any) -> Result:
        return await self._off_loop.run(original.organization, original.size(), job, *arguments)


def _copy(division: Division, followed: Followed | None) -> Copy:
    if followed is None:
        return Copy(recipients=division.recipients, follow_state=division.follow_state)
    return Copy(
        recipients=division.recipients,
        follow_state=division.follow_state,
        links=followed.links,
        link_count=len(followed.links) - len(followed.honeypots),
        honeypots=followed.honeypots,
    )


def _everybody(emails: Sequence[str], state: FollowState) -> Division:
    return Division(list(range(len(emails))), state)
