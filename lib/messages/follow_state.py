"""The follow state: who of a message's recipients may be followed, and if not, why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from lib.organizations.settings import OrganizationSettings
from lib.people.addresses import same_mailbox
from lib.people.preference import Preference, Said
from lib.people.recipients import NOT_LOOKED_UP, KnownRecipients
from lib.people.users import StoredUser

_RECORDED = "Opens and clicks are recorded."


class FollowState(BaseModel):
    """Whether a message is followed. `on`: it is. `off`: following was not asked for. `blocked`: it is not allowed.

    Where each recipient gets a copy of their own, the state is `on` when one of them is followed; `blocked_by` are the
    others.
    """

    state: Literal["on", "off", "blocked"]
    blocked_by: list[str] = []
    reason: str


FOLLOWED = FollowState(state="on", reason=_RECORDED)
"""The state of a mail or a copy that is followed for all who get it."""


@dataclass(frozen=True, slots=True)
class RecipientFollow:
    """Whether one recipient is followed, and why or why not."""

    follow: bool
    preference: Preference
    because: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for each recipient, and for the message as a whole."""

    state: FollowState
    recipients: Sequence[RecipientFollow]
    """In the message's order."""
    split: bool = False
    """Whether each followed recipient gets a copy of their own."""
    known: KnownRecipients = NOT_LOOKED_UP
    """What the answer was found from, and who the recipients are."""
    sender: StoredUser | None = None
    """The user as whom the message is sent; None where there is none, or none was read."""


def decide(
    settings: OrganizationSettings,
    user: StoredUser | None,
    wanted: bool,
    said: Sequence[Said],
    in_copies: bool = True,
) -> Decision:
    """Decide who is followed. Of two recipients with the same address, a no of one is a no of both.

    `said` is of every recipient, in the message's order. `in_copies`: the mail can go out in copies.
    """
    state = _whole(settings, user, wanted)
    if state is not None:
        return Decision(state, [RecipientFollow(False, each.preference, state.reason) for each in said])
    why_not = _refusals(settings, said)
    several = len({same_mailbox(each.email) for each in said}) > 1
    wants_split = settings.mixed_recipients == "split" and settings.tracking != "aggregate" and several
    if wants_split and in_copies:
        return _split(user, said, why_not)
    return _together(settings, said, why_not, wants_split)


def _whole(settings: OrganizationSettings, user: StoredUser | None, wanted: bool) -> FollowState | None:
    """Return a state that keeps the whole message from being followed; None where there is none."""
    if not wanted:
        return FollowState(state="off", reason="Following was not asked for.")
    if not settings.engagement_enabled:
        return FollowState(state="blocked", reason="The organization has switched engagement off.")
    if settings.tracking == "off":
        return FollowState(state="blocked", reason="The organization follows no mail.")
    if settings.require_opt_in and not (user and user.opt_in):
        return FollowState(state="blocked", reason="The sender has not opted in to following mail.")
    return None


def _refusals(settings: OrganizationSettings, said: Sequence[Said]) -> Mapping[str, str]:
    """Return the reasons against following, by mailbox."""
    refusals: dict[str, str] = {}
    for each in said:
        if each.preference == "do_not_allow":
            refusals[same_mailbox(each.email)] = each.because
    if settings.tracking == "consent":
        willing = {same_mailbox(each.email) for each in said if each.preference == "allow"}
        for each in said:
            if same_mailbox(each.email) not in willing:
                text = f"Only recipients who said yes are followed. {each.because}"
                refusals.setdefault(same_mailbox(each.email), text)
    return refusals


def _together(
    settings: OrganizationSettings, said: Sequence[Said], why_not: Mapping[str, str], not_split: bool
) -> Decision:
    """Decide for one mail to all: it is followed, or it is not."""
    if not why_not:
        counted = " Counted without who." if settings.tracking == "aggregate" else ""
        return Decision(FOLLOWED, [RecipientFollow(True, each.preference, each.because + counted) for each in said])
    why = "A recipient does not allow following."
    if settings.tracking == "consent":
        why = "Only recipients who said yes are followed, and not all have."
    why += _first_reason(said, why_not)
    if not_split:
        why += " It goes out as one mail to all that it names, so a copy for each is not possible."
    blockers = [each.email for each in said if same_mailbox(each.email) in why_not]
    return Decision(
        FollowState(state="blocked", blocked_by=blockers, reason=why),
        [
            RecipientFollow(
                False, each.preference, why_not.get(same_mailbox(each.email), "Another recipient is in the way.")
            )
            for each in said
        ],
    )


def _split(user: StoredUser | None, said: Sequence[Said], why_not: Mapping[str, str]) -> Decision:
    """Decide for a copy of each recipient's own. The sender's own address is never followed."""
    own = same_mailbox(user.email) if user else None

    def one(each: Said) -> RecipientFollow:
        mailbox = same_mailbox(each.email)
        if mailbox in why_not:
            return RecipientFollow(False, each.preference, why_not[mailbox])
        if mailbox == own:
            return RecipientFollow(False, each.preference, "It is the sender's own address.")
        return RecipientFollow(True, each.preference, each.because)

    recipients = [one(each) for each in said]
    followed = {same_mailbox(each.email) for each, found in zip(said, recipients, strict=True) if found.follow}
    everyone = {same_mailbox(each.email) for each in said}
    blockers = [each.email for each in said if same_mailbox(each.email) in why_not]
    if not followed:
        why = "There is no recipient but the sender."
        if blockers:
            why = "No recipient allows following." + _first_reason(said, why_not)
        return Decision(FollowState(state="blocked", blocked_by=blockers, reason=why), recipients)
    reason = some_are_followed(len(followed), len(everyone))
    return Decision(FollowState(state="on", blocked_by=blockers, reason=reason), recipients, split=True)


def _first_reason(said: Sequence[Said], why_not: Mapping[str, str]) -> str:
    """Return the origin of the first no, as a sentence to append; nothing where no one has said no."""
    noes = [each.because for each in said if each.preference == "do_not_allow"]
    return f" {noes[0]}" if noes and why_not else ""


def some_are_followed(followed: int, everyone: int) -> str:
    """Return the reason of the state `on`, for so many of so many recipients."""
    if followed == everyone:
        return _RECORDED
    return f"Opens and clicks of {followed} of {everyone} recipients are recorded; the others get a clean copy."
