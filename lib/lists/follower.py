"""Follower of assessments: keeps a message's rows in the lists as the assessment has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from pydantic import TypeAdapter

from lib.clock import Clock, milliseconds, moment
from lib.ids import short_hash
from lib.lists.acts import acts_of
from lib.lists.keys import ExpectedState, ListPlace, is_told, places_of
from lib.lists.store import Listed, Lists
from lib.lists.undecided import UndecidedMessages, record_key
from lib.messages.deliveries import fixed_follow_state
from lib.messages.follow_state import Decision, FollowState
from lib.messages.models import StoredMessage
from lib.people.address_hashes import AddressHashes
from lib.people.addresses import same_mailbox
from lib.verdicts.assessed import AssessedMessage, Plan

DecideFollowState = Callable[[str, StoredMessage], Awaitable[Decision]]
"""Decides the follow state as it is now, of (organization, message); it reads what every recipient has said."""


class ListsFollower:
    """Part of the summary: the places where the message stands."""

    part_name = "list_places"
    part_type = TypeAdapter(list[ListPlace])

    def __init__(
        self,
        lists: Lists,
        undecided: UndecidedMessages,
        decide: DecideFollowState,
        hashes: AddressHashes,
        clock: Clock,
    ) -> None:
        self._lists = lists
        self._undecided = undecided
        self._decide = decide
        self._hashes = hashes
        self._clock = clock

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
            updated_at=moment(milliseconds(self._clock.now())),
            acts=acts_of(assessed),
        )
        old = [*(before or []), *_places_of_all(assessed.planned_before)]
        mailboxes = await self._mailboxes_of(assessed.organization, message)
        places = await self._lists.enter_message(assessed.organization, listed, old, mailboxes)
        return Plan([place.model_copy(update={"expected": expected}) for place in places])

    async def _expected_state(self, assessed: AssessedMessage, before: Sequence[ListPlace]) -> ExpectedState | None:
        """The follow state of a message whose copies are not decided on; None once they are.

        It is decided anew when the message has changed, or a wish has: not when only its time is another. Rows are
        there before anything is read, so that a wish that changes meanwhile finds the message. Where another assessor
        was faster, all of them are written: it may have removed some.
        """
        organization, message = assessed.organization, assessed.message
        known = next((place.expected for place in before if place.expected), None)
        old = {*(known.names if known else ()), *await self._names_of(organization, assessed.planned_before)}
        if fixed_follow_state(message) is not None:
            await self._undecided.remove_message(organization, message.id, sorted(old))
            return None
        recipients = [each.model_dump_json() for each in message.recipients()]
        asked = short_hash(message.sender, str(message.follow), message.asked_by or "", *recipients)
        is_asked = known is None or known.asked != asked or assessed.wishes_changed
        if known is not None and not is_asked and not assessed.planned_before:
            return known
        there = set[str]() if assessed.planned_before else set(old)
        names = {*await self._undecided.names_of(organization, message)}
        await self._undecided.enter_message(organization, message.id, sorted(names - there))
        if known is not None and not is_asked:
            state, above = known.state, set(known.names)
        elif message.follow_state and message.state == "scheduled" and not assessed.wishes_changed:
            # Who has it sent has it decided at that moment.
            state, above = message.follow_state, set(known.names if known else ())
        else:
            decision = await self._decide(organization, message)
            state, above = decision.state, {record_key(each) for each in decision.known.above}
        await self._undecided.enter_message(organization, message.id, sorted(above - names - there))
        names |= above
        await self._undecided.remove_message(organization, message.id, sorted(old - names))
        return ExpectedState(state=state, asked=asked, names=sorted(names))

    async def _mailboxes_of(self, organization: str, message: StoredMessage) -> list[str]:
        """Hashes of the addresses that the message went to or came from, each once."""
        mailboxes = dict.fromkeys(map(same_mailbox, message.addresses()))
        return [await self._hashes.hash_address(organization, mailbox) for mailbox in mailboxes]

    async def _names_of(self, organization: str, versions: Sequence[StoredMessage]) -> list[str]:
        return [name for version in versions for name in await self._undecided.names_of(organization, version)]

    async def apply(self, assessed: AssessedMessage, part: list[ListPlace]) -> None:
        """Write nothing: the rows are there."""

    async def forget(
        self,
        organization: str,
        message: str,
        part: list[ListPlace] | None,
        planned_before: Sequence[StoredMessage] = (),
    ) -> None:
        """Take the message out of every list."""
        names = {name for place in part or [] if place.expected for name in place.expected.names}
        names.update(await self._names_of(organization, planned_before))
        await self._undecided.remove_message(organization, message, sorted(names))
        await self._lists.remove(organization, [*(part or []), *_places_of_all(planned_before)])

    def expected_state(self, part: list[ListPlace] | None) -> FollowState | None:
        """The follow state that lists show of a message whose copies are not decided on; None where they show none."""
        return next((place.expected.state for place in part or [] if place.expected), None)

    def changed_at(self, part: list[ListPlace] | None) -> datetime | None:
        """The time of the last change that lists know of; None where they know none yet."""
        times = [place.standing.updated_at for place in part or [] if place.standing and place.standing.updated_at]
        return moment(max(times)) if times else None

    def has_been_told(self, part: list[ListPlace] | None, message: StoredMessage) -> bool:
        """Whether the lists show the message as it is now, whatever was counted since."""
        return is_told(part or [], message)


def _places_of_all(versions: Sequence[StoredMessage]) -> list[ListPlace]:
    return [place for version in versions for place in places_of(version)]
