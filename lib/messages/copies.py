"""The division of a message into copies, by who of its recipients is followed.

All copies have the same headers, so that every recipient sees the same To and Cc, and one Message-ID. The copy of a
followed recipient has tokens with that recipient's number, and differs in nothing else. All other recipients share one
copy that records nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib.messages.copy_rows import Copy
from lib.messages.follow_state import FOLLOWED, Decision, FollowState, some_are_followed
from lib.messages.models import MessageFields
from lib.people.addresses import same_mailbox


@dataclass(frozen=True, slots=True)
class Division:
    """A copy to be written."""

    recipients: list[int]
    """The numbers of its recipients."""
    follow_state: FollowState
    recipient: int | None = None
    """The number of the recipient whom its tokens name; None where they name none."""
    address: str | None = None
    """The short hash of the address that its tokens name; None where they name none."""

    @property
    def names_one(self) -> bool:
        """Whether its tokens tell whose copy it is."""
        return self.recipient is not None or self.address is not None

    def unfollowed(self, state: FollowState) -> Division:
        return Division(self.recipients, state)


def divided(decision: Decision, emails: Sequence[str], named: bool) -> list[Division]:
    """Divide afresh: followed recipients first, in the message's order. `named`: tokens may say whose copy it is."""
    everybody = list(range(len(emails)))
    if not decision.split:
        return [Division(everybody, decision.state, _alone(everybody, named))]
    own: dict[str, list[int]] = {}
    others: list[int] = []
    for number, email in enumerate(emails):
        if decision.recipients[number].follow:
            # A recipient who stands there twice gets one copy.
            own.setdefault(same_mailbox(email), []).append(number)
        else:
            others.append(number)
    divisions = [Division(numbers, FOLLOWED, numbers[0]) for numbers in own.values()]
    if others:
        divisions.append(Division(others, _not_followed(decision, emails, others)))
    return divisions


def kept(planned: Sequence[Copy], decision: Decision, emails: Sequence[str], named: bool) -> list[Division]:
    """Divide as it was planned, for the same recipients.

    A recipient who has said no since is not followed. A copy in doubt is the exception: a provider notices only the
    repetition of the very same mail.
    """
    if len(planned) == 1:
        [copy] = planned
        if copy.follow_state.state != "on":
            # It was planned without links of ours, so nothing is known of where they would lead.
            return [Division(copy.recipients, copy.follow_state)]
        allowed = all(decision.recipients[number].follow for number in copy.recipients)
        state = decision.state if not decision.split or allowed else _not_followed(decision, emails, copy.recipients)
        return [Division(copy.recipients, state, _alone(copy.recipients, named))]
    divisions = []
    for copy in planned:
        division = Division(copy.recipients, copy.follow_state)
        if copy.follow_state.state == "on":
            division = Division(copy.recipients, copy.follow_state, copy.recipients[0] if named else None)
            allowed = all(decision.recipients[number].follow for number in copy.recipients)
            if not allowed and not copy.in_doubt:
                division = division.unfollowed(_not_followed(decision, emails, copy.recipients))
        divisions.append(division)
    return divisions


def state_of_all(message: MessageFields, copies: Sequence[Copy]) -> FollowState:
    """Return the follow state of a message that has gone out in these copies."""
    if len(copies) == 1:
        return copies[0].follow_state
    everyone = {same_mailbox(each.email) for each in message.recipients()}
    blockers = [email for copy in copies for email in copy.follow_state.blocked_by]
    on = [copy for copy in copies if copy.follow_state.state == "on"]
    if not on:
        return FollowState(state="blocked", blocked_by=blockers, reason="No recipient is followed.")
    reason = some_are_followed(len(on), len(everyone))
    return FollowState(state="on", blocked_by=blockers, reason=reason)


def _alone(recipients: Sequence[int], named: bool) -> int | None:
    return recipients[0] if len(recipients) == 1 and named else None


def _not_followed(decision: Decision, emails: Sequence[str], numbers: Sequence[int]) -> FollowState:
    """Return the follow state of a copy for these recipients, who are not followed."""
    if decision.state.state == "off":
        return decision.state
    blockers = set(decision.state.blocked_by)
    reasons = dict.fromkeys(decision.recipients[number].because for number in numbers)
    return FollowState(
        state="blocked",
        blocked_by=[emails[number] for number in numbers if emails[number] in blockers],
        reason=next(iter(reasons)) if len(reasons) == 1 else "These recipients are not followed.",
    )
