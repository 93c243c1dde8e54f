"""Follower of assessments: keeps a message's rows in the lists as the assessment has it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from lib.lists.keys import ListPlace, is_told, places_of
from lib.lists.store import Listed, Lists
from lib.messages.follow_state import FollowState
from lib.messages.models import StoredMessage
from lib.verdicts.assessed import AssessedMessage, Plan

NOT_YET = FollowState(state="off", reason="Not known before the message is prepared.")


class ListsFollower:
    """Part of the summary: the places where the message stands."""

    part_name = "places"
    part_type = TypeAdapter(list[ListPlace])

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    async def plan(self, assessed: AssessedMessage, before: list[ListPlace] | None) -> Plan[list[ListPlace]]:
        """Write the rows: their marks tell writers apart, and rows that lost the race are put right by the next plan.

        Raises Stale.
        """
        message = assessed.message
        listed = Listed(
            message=message,
            etag=assessed.etag,
            follow_state=message.follow_state or NOT_YET,
            kpis=assessed.kpis,
        )
        old = [*(before or []), *_places_of_all(assessed.planned_before)]
        return Plan(await self._lists.enter_message(assessed.organization, listed, old))

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

    def has_been_told(self, part: list[ListPlace] | None, message: StoredMessage) -> bool:
        """Whether the lists show the message as it is now, whatever was counted since."""
        return is_told(part or [], message)


def _places_of_all(versions: Sequence[StoredMessage]) -> list[ListPlace]:
    return [place for version in versions for place in places_of(version)]
