"""From a stored message to what goes out: follow state, rewriting, composing. Reads; stores nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from lib.addresses import domain_of
from lib.attachments.mail import MailFiles
from lib.compose import Composed, Part, compose
from lib.consents import Consents
from lib.copies import Division, divided, kept
from lib.follow import Decision, FollowState, Said, decide
from lib.ids import new_id
from lib.messages import Body, Copy, MessageFields, Recipient, Remark, StoredMessage
from lib.organizations import Organizations, OrganizationSettings
from lib.people import People, StoredUser
from lib.rewrite import Opened, OpenToken, cleaned, rewrite
from lib.rewrite.plain_text import plain_text
from lib.tokens import Claim, KeyRing, Purpose

if TYPE_CHECKING:
    from lib.attachments.files import Files

log = logging.getLogger("heed.prepare")

_MOST_REMARKS = 50
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


@dataclass(frozen=True, slots=True)
class SenderCopy:
    """The mail as its sender keeps it."""

    composed: Composed
    body: Body


@dataclass(frozen=True, slots=True)
class _Followed:
    """The body with our links and pixel, and what is known of the links."""

    body: Body
    links: list[str]
    honeypots: list[int]
    remarks: list[Remark]


@dataclass(frozen=True, slots=True)
class Mail:
    """What all copies of a message share, and into which copies it is divided.

    `decision` is about each recipient, `follow_state` that of the whole message as it goes out; `rewritten` by number
    the copies that were rewritten already.
    """

    organization: str
    message: StoredMessage
    body: Body
    sender: StoredUser
    date: datetime
    honeypot: bool
    decision: Decision
    follow_state: FollowState
    divisions: Sequence[Division]
    rewritten: Mapping[int, _Followed]
    files: MailFiles

    @property
    def remarks(self) -> list[Remark]:
        """On the followed copies, which all have the same links; or why there are none."""
        if self.follow_state is _NOT_REWRITTEN:
            return [Remark(code="not-rewritten", text=_NOT_REWRITTEN.reason), *self.files.remarks(self.body)]
        return [*next((each.remarks for each in self.rewritten.values()), []), *self.files.remarks(self.body)]

    def copies(self) -> list[Copy]:
        """As they are to go out, before they are written."""
        first = next(iter(self.rewritten.values()), None)
        return [_copy(each, first if each.follow_state.state == "on" else None) for each in self.divisions]


class UnknownSender(Exception):
    """The message's `from` names no user, or one who may not send from where the address is."""


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
    ) -> None:
        self._organizations = organizations
        self._people = people
        self._consents = consents
        self._files = files
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
            consent = await self._consents.follow(organization, recipient.email)
            return Said(recipient.email, record.follow_email if record else "unknown", consent)

        said: list[Said] = []
        for start in range(0, len(recipients), _AT_ONCE):
            said += await asyncio.gather(*map(of, recipients[start : start + _AT_ONCE]))
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
        found = await self._organizations.get(organization)
        settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
        sender = await self.sender(organization, message)
        check_domain(settings, sender)
        files = await self._files.of_mail(organization, message)
        decision = await self.decision(organization, settings, message)
        emails = [each.email for each in message.recipients()]
        named = settings.tracking != "aggregate"
        divisions = kept(planned, decision, emails, named) if planned else divided(decision, emails, named)
        first = next((number for number, each in enumerate(divisions) if each.follow_state.state == "on"), None)
        state, rewritten = decision.state, dict[int, _Followed]()
        if first is not None:
            followed = self._followed(
                organization, message.id, body, files, divisions[first].recipient, settings.honeypot
            )
            if followed is not None:
                rewritten[first] = followed
            else:
                state = _NOT_REWRITTEN
                divisions = [each.unfollowed(state) for each in divisions] if planned else [_everybody(emails, state)]
        if len(divisions) == 1:
            state = divisions[0].follow_state
        return Mail(
            organization, message, body, sender, date, settings.honeypot, decision, state, divisions, rewritten, files
        )

    async def write(self, mail: Mail, number: int) -> Prepared:
        """One of the mail's copies. Raises ComposeError, StorageError."""
        division, followed = mail.divisions[number], mail.rewritten.get(number)
        if followed is None and division.follow_state.state == "on":
            followed = self._followed(
                mail.organization, mail.message.id, mail.body, mail.files, division.recipient, mail.honeypot
            )
            if followed is None:
                division = division.unfollowed(_NOT_REWRITTEN)
        body = followed.body if followed else self._unfollowed(mail)
        parts = await mail.files.parts(body, followed=followed is not None)
        composed = _composed(mail, body, parts)
        return Prepared(_copy(division, followed), composed, body, mail.sender.email, mail.remarks)

    async def sender_copy(self, mail: Mail) -> SenderCopy:
        """The mail with the same headers and direct links, for the sender to keep. Raises ComposeError, StorageError.

        Whoever looks through what they have sent is no recipient who opens it. So this copy has no pixel at all: one
        that records nothing would do no more than call our server each time.
        """
        body, parts = await mail.files.kept(self._unfollowed(mail))
        return SenderCopy(_composed(mail, body, parts), body)

    def _followed(
        self, organization: str, message: str, body: Body, files: MailFiles, recipient: int | None, honeypot: bool
    ) -> _Followed | None:
        """With our links and pixel; None when that fails for whatever reason: a mail matters more than its tracking."""

        def mint(link: int, destination: str) -> str:
            token = self._ring.mint(Purpose.CLICK, Claim(organization, message, recipient, link, destination))
            return f"{self._base_url}/c/{token}"

        pixel = self._ring.mint(Purpose.OPEN, Claim(organization, message, recipient))
        try:
            body = files.with_links(body, recipient)
            done = rewrite(
                body.html,
                body.text,
                mint=mint,
                pixel=f"{self._base_url}/o/{pixel}.gif",
                own=self._base_url,
                open_token=self._opener(organization, message),
                honeypot=honeypot,
            )
            body = files.with_hosted_images(Body(html=done.html, text=done.text), recipient)
        except Exception:
            log.exception("message %s could not be rewritten and goes out unfollowed", message)
            return None
        remarks = [Remark(code=each.code, text=each.text, place=each.place) for each in done.remarks[:_MOST_REMARKS]]
        if len(done.remarks) > _MOST_REMARKS:
            remarks.append(Remark(code="more", text=f"And {len(done.remarks) - _MOST_REMARKS} more such remarks."))
        return _Followed(body, list(done.links), list(done.honeypots), remarks)

    def _unfollowed(self, mail: Mail) -> Body:
        """As it was written, but without what tracks in the mail it quotes; should that fail, exactly as it was."""
        body, opener = mail.body, self._opener(mail.organization, mail.message.id)
        try:
            html, text = cleaned(body.html, body.text, own=self._base_url, open_token=opener)
        except Exception:
            log.exception("message %s could not be cleaned of the tracking of older mail", mail.message.id)
            html, text = body.html, body.text
        if text is None and html is not None:
            text = plain_text(html, lambda _: None)
        return mail.files.with_uncounted_images(Body(html=html, text=text))

    def _opener(self, organization: str, message: str) -> OpenToken:
        def open_token(kind: Literal["link", "pixel"], token: str) -> Opened | None:
            claim = self._ring.open(Purpose.CLICK if kind == "link" else Purpose.OPEN, token)
            if claim is None:
                return None
            return Opened(claim.destination, (claim.organization, claim.message) == (organization, message))

        return open_token


def _composed(mail: Mail, body: Body, parts: Sequence[Part]) -> Composed:
    assert mail.message.message_id is not None
    return compose(mail.message, body, mail.sender, mail.message.message_id, mail.date, parts)


def _copy(division: Division, followed: _Followed | None) -> Copy:
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
