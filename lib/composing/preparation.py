"""The preparation of a mail: deciding who is followed, rewriting the body, writing the copies. It reads and stores
nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from lib.composing import bodies
from lib.composing.bodies import Followed, Original, Unfollowed
from lib.composing.files_in_mail import MailFiles
from lib.composing.footer import language_of_html
from lib.composing.mail import NOT_REWRITTEN, KeptCopy, Mail, Prepared, Trial
from lib.errors import UnknownSender
from lib.files.contents import BytesMissing
from lib.files.models import StoredFile
from lib.ids import new_id
from lib.languages import SpokenLanguage, spoken
from lib.messages.copies import Division, divided, kept
from lib.messages.copy_rows import Copy
from lib.messages.follow_state import FOLLOWED, Decision, FollowState, decide
from lib.messages.models import Body, MessageFields, Remark, StoredMessage
from lib.mime.parts import MailHead
from lib.mime.write import Composed, ComposeError
from lib.organizations.registry import Organizations
from lib.organizations.settings import OrganizationSettings
from lib.people.address_hashes import AddressHashes, short_hash
from lib.people.addresses import domain_of, same_mailbox
from lib.people.recipients import RecipientLookup
from lib.people.store import People
from lib.people.users import StoredUser
from lib.tokens import KeyRing
from lib.workers.pool import JobLost, OffLoop

if TYPE_CHECKING:
    from lib.files.store import Files

log = logging.getLogger("heed.prepare")

_Result = TypeVar("_Result")

LanguageOfTemplate = Callable[[str, str], Awaitable[str | None]]
"""Returns the language tag of a template, of (organization, template); None where it is unknown."""

_LARGEST_TRIAL = 400_000
"""Characters of a body that is rewritten only to see what is to be said of it."""


def check_domain(settings: OrganizationSettings, sender: StoredUser) -> None:
    """Check that the organization sends from the domain of this user's address. Raises UnknownSender."""
    allowed = settings.from_domain_allow
    if allowed and domain_of(sender.email) not in allowed:
        raise UnknownSender("the organization's from_domain_allow does not hold the domain of this user's address")


class Preparation:
    """Prepares mails.

    `separate_envelopes`: a mail can be handed over for others than its headers name, and so in several copies.
    `hashes` put the recipient's address into tokens, as a hash; None for tokens that earlier releases can open.
    `language_of_template` tells the language of a mail that does not name its own.
    """

    def __init__(
        self,
        organizations: Organizations,
        people: People,
        lookup: RecipientLookup,
        ring: KeyRing,
        base_url: str,
        separate_envelopes: bool = True,
        *,
        files: Files,
        off_loop: OffLoop,
        denied_hosts: Iterable[str] = (),
        hashes: AddressHashes | None = None,
        language_of_template: LanguageOfTemplate | None = None,
    ) -> None:
        self._organizations = organizations
        self._people = people
        self._lookup = lookup
        self._files = files
        self._hashes = hashes
        self._language_of_template = language_of_template
        self._off_loop = off_loop
        self._denied_hosts = frozenset(denied_hosts)
        self._ring = ring
        self._base_url = base_url
        self._separate_envelopes = separate_envelopes

    async def sender(self, organization: str, message: MessageFields) -> StoredUser:
        """Read the user who sends. Raises UnknownSender."""
        user = await self._people.user(organization, message.sender)
        if user is None:
            raise UnknownSender(f"the sender {message.sender} is no user of this organization")
        return user

    async def address_of(self, organization: str, user: str) -> str | None:
        """Read a user's address; None for a user who is gone."""
        found = await self._people.user(organization, user)
        return found.email if found else None

    async def message_id(self, organization: str, message: MessageFields) -> str:
        """Make a Message-ID (RFC 5322) at the sender's domain. Raises UnknownSender."""
        sender = await self.sender(organization, message)
        return f"<{new_id()}@{sender.email.rpartition('@')[2]}>"

    async def follow_state(
        self, organization: str, settings: OrganizationSettings, message: MessageFields
    ) -> FollowState:
        """Return the follow state as it is now; it is fixed when the message goes out."""
        return (await self.decision(organization, settings, message)).state

    async def decision(
        self,
        organization: str,
        settings: OrganizationSettings,
        message: MessageFields,
        sender: StoredUser | None = None,
    ) -> Decision:
        """Decide who would be followed now, with the reasons, and find out who the recipients are.

        `sender` is read where none is given, or another user than the message's.
        """
        user, known = await asyncio.gather(
            self._sender(organization, message, sender),
            self._lookup.look_up(
                organization, settings.resolve_recipients, message.recipients(), message.regarding, message.sender
            ),
        )
        said = [each.said for each in known.recipients]
        in_copies = self._separate_envelopes and message.copies == "each"
        decision = decide(settings, user, message.follow, said, in_copies)
        return replace(decision, known=known, sender=user)

    async def _sender(self, organization: str, message: MessageFields, known: StoredUser | None) -> StoredUser | None:
        is_known = known is not None and known.id == message.sender
        return known if is_known else await self._people.user(organization, message.sender)

    async def prepare(
        self,
        organization: str,
        message: StoredMessage,
        body: Body,
        date: datetime,
        planned: Sequence[Copy] = (),
        *,
        is_trial: bool = False,
    ) -> Mail:
        """Decide who is followed, and with that on the copies: the `planned` ones, where some may have left already.

        A trial stores nothing, and so it makes no hashes of addresses either: tokens in it name none.

        Raises UnknownSender.
        """
        found = await self._organizations.load_organization(organization)
        settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
        sender = await self.sender(organization, message)
        check_domain(settings, sender)
        footer = await self._footer(organization, settings, message, body) if settings.recipients_page else None
        original = await self._original(organization, message, body, settings, footer)
        decision = await self.decision(organization, settings, message)
        emails = [each.email for each in message.recipients()]
        named = settings.tracking != "aggregate"
        divisions = kept(planned, decision, emails, named) if planned else divided(decision, emails, named)
        state, followed, remarks = decision.state, None, list[Remark]()
        if not is_trial:
            divisions = [await self._with_address(organization, each, emails) for each in divisions]
        first = next((each for each in divisions if each.follow_state.state == "on"), None)
        if first is not None:
            followed = await self._followed(original, first)
            if followed is None:
                state, remarks = NOT_REWRITTEN, [Remark(code="not-rewritten", text=NOT_REWRITTEN.reason)]
                divisions = [each.unfollowed(state) for each in divisions] if planned else [_everybody(emails, state)]
        if len(divisions) == 1:
            state = divisions[0].follow_state
        remarks += followed.remarks if followed else await self._do(original, bodies.remarks_on_images, original)
        contents = self._files.contents_of_mail(organization, original.files.size())
        return Mail(
            message, original, sender, date, decision, state, divisions, followed, remarks, contents, settings.inbound
        )

    async def _original(
        self,
        organization: str,
        message: StoredMessage,
        body: Body,
        settings: OrganizationSettings | None = None,
        footer: SpokenLanguage | None = None,
    ) -> Original:
        files = await self.load_files(organization, message)
        honeypot, denied = (settings.honeypot, settings.deny_hosts) if settings else (False, [])
        hosts = self._denied_hosts.union(host.strip(".") for host in denied)
        return Original(organization, message.id, body, files, honeypot, self._ring, self._base_url, hosts, footer)

    async def _footer(
        self, organization: str, settings: OrganizationSettings, message: StoredMessage, body: Body
    ) -> SpokenLanguage:
        """Return the language of the footer: that of the mail where it is known, else the organization's."""
        language = language_of_html(body.html)
        if language is None and message.template is not None and self._language_of_template is not None:
            language = spoken(await self._language_of_template(organization, message.template))
        return language or settings.language

    async def without_tracking(self, organization: str, message: StoredMessage, body: Body) -> Body:
        """Return the body of a draft without what tracks in the mail that it quotes: showing it records nothing.

        The body as it is, where that fails. Raises JobLost.
        """
        original = await self._original(organization, message, body)
        try:
            return await self._do(original, bodies.without_tracking, original)
        except JobLost:
            raise
        except Exception:
            log.exception("draft %s could not be cleaned of the tracking of older mail", message.id)
            return body

    async def load_files(self, organization: str, message: StoredMessage) -> MailFiles:
        """Read which files the message has. Raises StorageError."""
        files = await self._files.list_for_mail(organization, message)
        return MailFiles(organization, message.id, files, self._ring, self._base_url)

    async def write_copy(self, mail: Mail, number: int) -> Prepared:
        """Write one of the mail's copies. Raises ComposeError, StorageError, JobLost."""
        division = mail.divisions[number]
        followed = mail.followed if division.follow_state.state == "on" else None
        if followed is not None:
            body, images = await self._body_for(mail.original, followed, division), followed.images
        else:
            unfollowed = await self._unfollowed(mail)
            body, images = unfollowed.body, unfollowed.images
        inside = mail.original.files.inside(images, followed=followed is not None)
        head = mail.head(division if followed is not None else None)
        composed = await self._composed(mail, head, body, inside)
        return Prepared(mail.copy_of(division), composed, body, mail.sender.email, mail.remarks, head)

    async def write_kept_copy(self, mail: Mail) -> KeptCopy:
        """Write the sender's own copy, with the same headers and direct links.

        A sender who looks through sent mail is no recipient who opens it. So this copy has no pixel at all: a pixel
        that records nothing would still call our server each time.

        Raises ComposeError, StorageError, JobLost.
        """
        shown = await self._unfollowed(mail)
        kept = await self._do(mail.original, bodies.kept, mail.original, shown)
        return KeptCopy(await self._composed(mail, mail.head(), kept.body, kept.inside), kept.body)

    async def files_inside(
        self, organization: str, message: StoredMessage, body: Body, followed: bool
    ) -> Sequence[StoredFile]:
        """Return the files that travel inside the mail; in one that is not followed, that is all of them.

        Raises ComposeError, JobLost.
        """
        original = await self._original(organization, message, body)
        images = await self._do(original, bodies.images_of, original)
        return original.files.inside(images, followed=followed)

    async def try_out(
        self, organization: str, message: StoredMessage, body: Body, followed: bool, settings: OrganizationSettings
    ) -> Trial:
        """Return what is to be said of the mail if it went out now. A very large body is not rewritten for that.

        Raises StorageError, JobLost.
        """
        original = await self._original(organization, message, body, settings)
        images = await self._do(original, bodies.images_of, original)
        if followed and original.size() <= _LARGEST_TRIAL:
            done = await self._followed(original, Division([], FOLLOWED))
            remarks = done.remarks if done else [Remark(code="not-rewritten", text=NOT_REWRITTEN.reason)]
        else:
            remarks = await self._do(original, bodies.remarks_on_images, original)
        return Trial(remarks, original.files, images)

    async def _with_address(self, organization: str, division: Division, emails: Sequence[str]) -> Division:
        """Return the division with the short hash of its address, where it is followed and has only one."""
        mailboxes = {same_mailbox(emails[number]) for number in division.recipients}
        if self._hashes is None or division.follow_state.state != "on" or len(mailboxes) != 1:
            return division
        [mailbox] = mailboxes
        return replace(division, address=short_hash(await self._hashes.hash_address(organization, mailbox)))

    async def _followed(self, original: Original, division: Division) -> Followed | None:
        """Rewrite the body; None where that fails for any reason: a mail matters more than its tracking. Raises
        JobLost."""
        try:
            return await self._do(original, bodies.followed, original, division.recipient, division.address)
        except JobLost:
            raise
        except Exception:
            log.exception("message %s could not be rewritten and goes out unfollowed", original.message)
            return None

    async def _body_for(self, original: Original, first: Followed, division: Division) -> Body:
        """Return the body of a followed copy. Raises JobLost."""
        named = division.recipient, division.address
        if named == (first.recipient, first.address):
            return first.body
        return await self._do(original, bodies.followed_by_another, first, original.ring, *named)

    async def _unfollowed(self, mail: Mail) -> Unfollowed:
        """Return the body without what tracks in the mail that it quotes; should that fail, exactly as it was written.

        Raises JobLost.
        """
        if mail.unfollowed is None:
            original = mail.original
            try:
                mail.unfollowed = await self._do(original, bodies.unfollowed, original)
            except JobLost:
                raise
            except Exception:
                log.exception("message %s could not be cleaned of the tracking of older mail", original.message)
                mail.unfollowed = await self._do(original, bodies.untouched, original, original.body)
        return mail.unfollowed

    async def _composed(self, mail: Mail, head: MailHead, body: Body, inside: Sequence[StoredFile]) -> Composed:
        """Raises ComposeError, StorageError, JobLost."""
        try:
            parts = await mail.contents.read_parts(inside)
        except BytesMissing as error:
            raise ComposeError(str(error)) from None
        size = bodies.size_of(body) + sum(file.size for file in inside)
        done = await self._off_loop.run(mail.original.organization, size, bodies.composed, head, body, parts)
        return replace(done, parts=tuple(parts))

    async def _do(self, original: Original, job: Callable[..., _Result], *arguments: Any) -> _Result:
        return await self._off_loop.run(original.organization, original.size(), job, *arguments)


def _everybody(emails: Sequence[str], state: FollowState) -> Division:
    return Division(list(range(len(emails))), state)
