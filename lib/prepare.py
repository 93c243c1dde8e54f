"""From a stored message to what goes out: follow state, rewriting, composing. Reads; stores nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lib.compose import Composed, compose
from lib.follow import FollowState, Preference, follow_state
from lib.ids import new_id
from lib.messages import Body, Copy, MessageFields, Remark, StoredMessage
from lib.organizations import Organizations, OrganizationSettings
from lib.people import People, StoredUser
from lib.rewrite import Opened, OpenToken, cleaned, rewrite
from lib.rewrite.plain_text import plain_text
from lib.tokens import Claim, KeyRing, Purpose

log = logging.getLogger("heed.prepare")

_MOST_REMARKS = 50


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


class UnknownSender(Exception):
    """The message's `from` names no user."""


class Preparation:
    def __init__(self, organizations: Organizations, people: People, ring: KeyRing, base_url: str) -> None:
        self._organizations = organizations
        self._people = people
        self._ring = ring
        self._base_url = base_url

    async def sender(self, organization: str, message: MessageFields) -> StoredUser:
        """Raises UnknownSender."""
        user = await self._people.user(organization, message.sender)
        if user is None:
            raise UnknownSender(f"the sender {message.sender} is no user of this organization")
        return user

    async def message_id(self, organization: str, message: MessageFields) -> str:
        """A Message-ID (RFC 5322) of our own at the sender's domain. Raises UnknownSender."""
        sender = await self.sender(organization, message)
        return f"<{new_id()}@{sender.email.rpartition('@')[2]}>"

    async def follow_state(
        self, organization: str, settings: OrganizationSettings, message: MessageFields
    ) -> FollowState:
        """What the state is now; it is fixed when the message goes out."""
        user = await self._people.user(organization, message.sender)
        return follow_state(settings, user, message.follow, await self._preferences(organization, message))

    async def _preferences(self, organization: str, message: MessageFields) -> Sequence[tuple[str, Preference]]:
        async def preference(email: str, index: int) -> tuple[str, Preference]:
            ref = message.recipients()[index].record
            record = await self._people.record(organization, ref) if ref else None
            return email, record.follow_email if record else "unknown"

        recipients = message.recipients()
        return await asyncio.gather(*(preference(each.email, place) for place, each in enumerate(recipients)))

    async def prepare(self, organization: str, message: StoredMessage, body: Body, date: datetime) -> Prepared:
        """The copy for all recipients. Raises ComposeError, UnknownSender."""
        found = await self._organizations.get(organization)
        settings = found[0].settings if found else OrganizationSettings(engagement_enabled=False)
        sender = await self.sender(organization, message)
        state = await self.follow_state(organization, settings, message)
        everyone = list(range(len(message.recipients())))
        followed, remarks = None, []
        if state.state == "on":
            alone = everyone[0] if len(everyone) == 1 and settings.tracking != "aggregate" else None
            followed = self._followed(organization, message.id, body, alone, settings.honeypot)
            if followed is None:
                state = FollowState(
                    state="blocked",
                    reason="The links could not be rewritten, so the message goes out unfollowed.",
                )
                remarks = [Remark(code="not-rewritten", text=state.reason)]
        if followed is None:
            followed = _Followed(self._unfollowed(organization, message.id, body), [], [], remarks)
        composed = _composed(message, followed.body, sender, date)
        copy = Copy(
            recipients=everyone,
            follow_state=state,
            links=followed.links,
            link_count=len(followed.links) - len(followed.honeypots),
            honeypots=followed.honeypots,
        )
        return Prepared(copy, composed, followed.body, sender.email, followed.remarks)

    async def sender_copy(self, organization: str, message: StoredMessage, body: Body, date: datetime) -> SenderCopy:
        """The mail with the same headers and direct links, for the sender to keep. Raises ComposeError, UnknownSender.

        Whoever looks through what they have sent is no recipient who opens it. So this copy has no pixel at all: one
        that records nothing would do no more than call our server each time.
        """
        sender = await self.sender(organization, message)
        body = self._unfollowed(organization, message.id, body)
        return SenderCopy(_composed(message, body, sender, date), body)

    def _followed(
        self, organization: str, message: str, body: Body, recipient: int | None, honeypot: bool
    ) -> _Followed | None:
        """With our links and pixel; None when that fails for whatever reason: a mail matters more than its tracking."""

        def mint(link: int, destination: str) -> str:
            token = self._ring.mint(Purpose.CLICK, Claim(organization, message, recipient, link, destination))
            return f"{self._base_url}/c/{token}"

        pixel = self._ring.mint(Purpose.OPEN, Claim(organization, message, recipient))
        try:
            done = rewrite(
                body.html,
                body.text,
                mint=mint,
                pixel=f"{self._base_url}/o/{pixel}.gif",
                own=self._base_url,
                open_token=self._opener(organization, message),
                honeypot=honeypot,
            )
        except Exception:
            log.exception("message %s could not be rewritten and goes out unfollowed", message)
            return None
        remarks = [Remark(code=each.code, text=each.text, place=each.place) for each in done.remarks[:_MOST_REMARKS]]
        if len(done.remarks) > _MOST_REMARKS:
            remarks.append(Remark(code="more", text=f"And {len(done.remarks) - _MOST_REMARKS} more such remarks."))
        return _Followed(Body(html=done.html, text=done.text), list(done.links), list(done.honeypots), remarks)

    def _unfollowed(self, organization: str, message: str, body: Body) -> Body:
        """As it was written, but without what tracks in the mail it quotes; should that fail, exactly as it was."""
        try:
            html, text = cleaned(
                body.html, body.text, own=self._base_url, open_token=self._opener(organization, message)
            )
        except Exception:
            log.exception("message %s could not be cleaned of the tracking of older mail", message)
            html, text = body.html, body.text
        if text is None and html is not None:
            text = plain_text(html, lambda _: None)
        return Body(html=html, text=text)

    def _opener(self, organization: str, message: str) -> OpenToken:
        def open_token(kind: Literal["link", "pixel"], token: str) -> Opened | None:
            claim = self._ring.open(Purpose.CLICK if kind == "link" else Purpose.OPEN, token)
            if claim is None:
                return None
            return Opened(claim.destination, (claim.organization, claim.message) == (organization, message))

        return open_token


def _composed(message: StoredMessage, body: Body, sender: StoredUser, date: datetime) -> Composed:
    assert message.message_id is not None
    return compose(message, body, sender, message.message_id, date)
