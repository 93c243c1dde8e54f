"""A mail that is being prepared: what its copies share, and the copies as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lib.composing.bodies import Followed, Original, Unfollowed, page_url
from lib.composing.files_in_mail import MailFiles
from lib.composing.thread_headers import stop_by_mail, thread_headers
from lib.files.contents import FileContents
from lib.files.models import StoredImage
from lib.messages.copies import Division
from lib.messages.copy_rows import Copy
from lib.messages.follow_state import Decision, FollowState
from lib.messages.models import Body, Remark, StoredMessage
from lib.mime.parts import Mailbox, MailHead
from lib.mime.write import Composed
from lib.organizations.settings import InboundSettings
from lib.people.users import StoredUser
from lib.tokens import Claim, Purpose

NOT_REWRITTEN = FollowState(
    state="blocked", reason="The links could not be rewritten, so the message goes out unfollowed."
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One copy, ready to go out."""

    copy: Copy
    composed: Composed
    body: Body
    sender: str
    """The sender's address."""
    remarks: list[Remark]
    head: MailHead

    def without_files(self) -> Prepared:
        """Return it without the files, which stand in `composed.mime`, too: this is lighter to carry."""
        return replace(self, composed=replace(self.composed, parts=()))


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The mail as its sender keeps it."""

    composed: Composed
    body: Body

    def without_files(self) -> KeptCopy:
        """Return it without the files, which stand in `composed.mime`, too."""
        return replace(self, composed=replace(self.composed, parts=()))


@dataclass(frozen=True, slots=True)
class Trial:
    """Findings about a mail that was only tried out."""

    remarks: list[Remark]
    files: MailFiles
    images: list[StoredImage]
    """Images that the body shows from inside the mail."""


@dataclass(slots=True)
class Mail:
    """A message on its way out: all that its copies share, and its division into copies."""

    message: StoredMessage
    original: Original
    sender: StoredUser
    date: datetime
    decision: Decision
    """Follow states, recipient by recipient."""
    follow_state: FollowState
    """The state of the whole message as it goes out."""
    divisions: Sequence[Division]
    followed: Followed | None
    """The first followed copy, which the others are made from; None where no copy is followed."""
    remarks: list[Remark]
    """Remarks for the sender."""
    contents: FileContents
    inbound: InboundSettings
    """The organization's settings for what comes back."""
    unfollowed: Unfollowed | None = None
    """The body of the copies that are not followed, once the first of them is written."""

    def copies(self) -> list[Copy]:
        """Return the copies as they are to go out, before they are written."""
        return [self.copy_of(each) for each in self.divisions]

    def copy_of(self, division: Division) -> Copy:
        """Return the row of one copy."""
        followed = self.followed if division.follow_state.state == "on" else None
        if followed is None:
            return Copy(recipients=division.recipients, follow_state=division.follow_state)
        return Copy(
            recipients=division.recipients,
            follow_state=division.follow_state,
            links=followed.links,
            link_count=len(followed.links) - len(followed.honeypots),
            honeypots=followed.honeypots,
        )

    def head(self, division: Division | None = None) -> MailHead:
        """Return the values of the headers, which all copies share but for the way out.

        `division` is the followed copy that they are for; None for any other copy.
        """
        message = self.message
        assert message.message_id is not None
        sender = Mailbox(self.sender.name, self.sender.email)
        to, cc = ([Mailbox(each.name, each.email) for each in some] for some in (message.to, message.cc))
        thread = thread_headers(self.original.organization, message, sender, self.inbound, self.original.ring)
        return MailHead(
            sender,
            thread.subject,
            message.message_id,
            self.date,
            to,
            cc,
            reply_to=thread.reply_to,
            references=thread.references,
            thread_index=thread.thread_index,
            unsubscribe=self._ways_out(division) if division else (),
            one_click=division is not None and division.names_one,
        )

    def _ways_out(self, division: Division) -> list[str]:
        """Return where the recipients of a followed copy can stop; nowhere without a page."""
        original = self.original
        if original.footer is None:
            return []
        claim = Claim(original.organization, self.message.id, division.recipient, address=division.address)
        ways = [page_url(original.base_url, original.ring.mint(Purpose.PAGE, claim))]
        if self.inbound.reply_domain is not None:
            ways.append(stop_by_mail(original.organization, self.message, self.inbound.reply_domain, original.ring))
        return ways
