"""Follower of assessments: keeps a message's rows in the lists as the assessment has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pydantic import TypeAdapter

from lib.ids import short_hash
from lib.lists.keys import ExpectedState, ListPlace, is_told, places_of
from lib.lists.store import Listed, Lists
from lib.messages.deliveries import fixed_follow_state
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.verdicts.assessed import AssessedMessage, Plan

DecideFollowState = Callable[[str, StoredMessage], Awaitable[FollowState]]
"""Decides the follow state as it is now, of (organization, message); it reads what every recipient has said."""


class ListsFollower:
    """Part of the summary: the places where the message stands."""

    part_name = "places"
    part_type = TypeAdapter(list[ListPlace])

    def __init__(self, lists: Lists, decide: DecideFollowState) -> None:
        self._lists = lists
        self._decide = decide

    async def plan(self, assessed: AssessedMessage, before: list[ListPlace] | None) -> Plan[list[ListPlace]]:
        """Write the rows: their marks tell writers apart, and rows that lost the race are put right by the next plan.

        Raises Stale.
        """
        message, expected = assessed.message, await self._expected_state(assessed, before or [])
        follow_state = expected.state if expected else fixed_follow_state(message)
        assert follow_state is not None
        listed = Listed(
            message=message,
            etag=assessed.etag,
            follow_state=follow_state,
            kpis=assessed.kpis,
        )
        old = [*(before or []), *_places_of_all(assessed.planned_before)]
        places = await self._lists.enter_message(assessed.organization, listed, old)
        return Plan([place.model_copy(update={"expected": expected}) for place in places])

    async def _expected_state(self, assessed: AssessedMessage, before: Sequence[ListPlace]) -> ExpectedState | None:
        """The follow state of a message whose copies are not decided on; None once they are.

        It is decided anew when the message has changed, or a wish has: not when only its time is another.
        """
        message = assessed.message
        if fixed_follow_state(message) is not None:
            return None
        recipients = [each.model_dump_json() for each in message.recipients()]
        asked = short_hash(message.sender, str(message.follow), message.asked_by or "", *recipients)
        known = next((place.expected for place in before if place.expected), None)
        if known is not None and known.asked == asked and not assessed.wishes_changed:
            return known
        # Who has it sent has it decided at that moment.
        told = message.follow_state if message.state == "scheduled" and not assessed.wishes_changed else None
        return ExpectedState(state=told or await self._decide(assessed.organization, message), asked=asked)

    async def apply(self, assessed: AssessedMessage, part: list[ListPlace]) -> None:
        """Write nothing: the rows are there."""

    async def forget(
        self,
        organization: str,
        message: str,  # noqa: ARG002
        part: list[ListPlace] | None,
        planned_before: Sequence[StoredMessage] = (),
    ) -> None:
        """Take the message out of every list."""
        await self._lists.remove(organization, [*(part or []), *_places_of_all(planned_before)])

    def expected_state(self, part: list[ListPlace] | None) -> FollowState | None:
        """The follow state that lists show of a message whose copies are not decided on; None where they show none."""
        return next((place.expected.state for place in part or [] if place.expected), None)

    def has_been_told(self, part: list[ListPlace] | None, message: StoredMessage) -> bool:
        """Whether the lists show the message as it is now, whatever was counted since."""
        return is_told(part or [], message)


def _places_of_all(versions: Sequence[StoredMessage]) -> list[ListPlace]:
    return [place for version in versions for place in places_of(version)]
