"""Follower of assessments: brings what a message gives to the organization's reliability up to date, exactly once.

The part in the summary says what the message gives, and is a plan until the ledger (`lib.storage.ledger`) has entered
it: a contribution is `settled` once its share was seen in storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import TypeAdapter

from lib.clock import month_of
from lib.messages.feedback import FeedbackStore
from lib.messages.models import StoredMessage
from lib.people.address_hashes import AddressHashes
from lib.reliability.counting import ReliabilityCounting
from lib.reliability.shares import BUCKETS, ReliabilityShare, ReliabilityTally, tally_of
from lib.storage.ledger import PlannedShare
from lib.verdicts.assessed import AssessedMessage, Plan


class ReliabilityPart(PlannedShare):
    """Part of the summary: the share of the message, as it was planned last."""

    month: str
    """The month under which the message is counted: that of its sending."""


class ReliabilityFollower:
    """Part of the summary: the message's share; none where nothing was ever certain of it."""

    part_name = "reliability"
    part_type: TypeAdapter[ReliabilityPart | None] = TypeAdapter(ReliabilityPart | None)

    def __init__(self, counting: ReliabilityCounting, feedback: FeedbackStore, hashes: AddressHashes) -> None:
        self._counting = counting
        self._feedback = feedback
        self._hashes = hashes

    async def plan(self, assessed: AssessedMessage, before: ReliabilityPart | None) -> Plan[ReliabilityPart | None]:
        """Find what the message gives now. Writes nothing."""
        share = await self._share_of(assessed)
        digest = share.digest() if share.tally != ReliabilityTally() else ""
        if before is None:
            if not digest:
                return Plan(None)
            return Plan(ReliabilityPart(month=month_of(assessed.message.sort_time()), digest=digest, generation=1))
        read_share = partial(self._counting.load_share, assessed.organization, before.month, assessed.message.id)
        return Plan(await before.plan_again(digest, read_share))

    async def apply(self, assessed: AssessedMessage, part: ReliabilityPart | None) -> None:
        """Enter the share that is not settled. Raises Stale."""
        if part is not None and not part.settled:
            share = await self._share_of(assessed)
            await self._enter(assessed.organization, assessed.message.id, part, share, part.generation)

    async def forget(
        self,
        organization: str,
        message: str,
        part: ReliabilityPart | None,
        planned_before: Sequence[StoredMessage] = (),  # noqa: ARG002
    ) -> None:
        """Take the message's share away: its cases are not counted any more. Raises Stale."""
        if part is not None:
            await self._enter(organization, message, part, ReliabilityShare(), part.generation + 1)

    async def _enter(
        self, organization: str, message: str, part: ReliabilityPart, share: ReliabilityShare, generation: int
    ) -> None:
        share = share.model_copy(update={"generation": generation})
        await self._counting.enter_share(organization, part.month, message, share)

    async def _share_of(self, assessed: AssessedMessage) -> ReliabilityShare:
        """Count the message's cases. Where the organization counts without who, there are none."""
        if not assessed.names_recipients:
            return ReliabilityShare()
        cases, message = assessed.tallies.cases, assessed.message
        emails = dict(enumerate(each.email for each in message.recipients()))
        buckets = {
            number: int(await self._hashes.hash_address(assessed.organization, emails[number]), 16) % BUCKETS
            for number in cases
            if number in emails
        }
        words = await self._words(assessed)
        return ReliabilityShare(tally=tally_of(message.id, cases, assessed.kpis, buckets, words))

    async def _words(self, assessed: AssessedMessage) -> dict[str, tuple[str, str]]:
        """Read who said, and on which day, what makes cases; storage is asked only where a word makes one."""
        found = [case for slots in assessed.tallies.cases.values() for case in slots.values()]
        keys = [case.key for case in found if case.evidence == "feedback"]
        if not keys:
            return {}
        feedback = await self._feedback.load_feedback(assessed.organization, assessed.message.id)
        first = {key: feedback.first_user(key) for key in keys}
        return {key: (word[0], f"{word[1]:%Y-%m-%d}") for key, word in first.items() if word}
