"""Followers: what is brought up to date with every assessment of a message (lists, records, templates, cards).

A follower has a part of the message's summary. The assessor asks every follower for its plan, writes the summary with
all parts on condition that no other assessor has written one meanwhile, and only then has the plans applied. To add a
follower, write a class of this protocol in a module `follower.py` of the package that it belongs to, no higher than
this one, and name it in `Judging.followers` (`lib.services.judging`); docs/adding.md lists all that belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter

from lib.messages.models import StoredMessage
from lib.verdicts.assessed import AssessedMessage, Plan, SummaryPart

_OLD_NAMES = {"list_places": "places", "shown_cards": "cards"}
"""Names under which release 0.1.0 has these parts. It would fail at what they hold now, and sees nothing of them: an
assessment writes its own parts alone, so a summary has them under one name, that of whose assessment was the last."""


class Follower(Protocol[SummaryPart]):
    """One thing that follows assessments. Every method may be called again with the same arguments, to no effect."""

    part_name: str
    """Name of the follower's part in the summary; it is stored."""

    part_type: TypeAdapter[SummaryPart]

    async def plan(self, assessed: AssessedMessage, before: SummaryPart | None) -> Plan[SummaryPart]:
        """Find what follows from the assessment; `before` is the part in the summary, None where there is none.

        Another assessor may win the race for the summary afterwards, and this process may die. So `plan` writes nothing
        but what the next plan puts right, whatever its summary says: rows with fences of their own, cards with
        deterministic ids. All other writing belongs to `apply`. Raises Stale.
        """

    async def apply(self, assessed: AssessedMessage, part: SummaryPart) -> None:
        """Write what `plan` has found. The summary says so by now, and no later assessment was refused for it.

        A process may die before this: the next `plan` has to notice that what its part says was not written. Raises
        Stale.
        """

    async def forget(
        self, organization: str, message: str, part: SummaryPart | None, planned_before: Sequence[StoredMessage] = ()
    ) -> None:
        """Undo what was written for a message that is about to be deleted, or is gone.

        `planned_before` are versions of the message for which this assessor has planned in vain.
        """


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans of all followers, in their order."""

    steps: Sequence[tuple[Follower[Any], Plan[Any]]]

    def parts(self) -> dict[str, Any]:
        """Parts for the summary, by name, as JSON values."""
        return {
            follower.part_name: follower.part_type.dump_python(plan.part, mode="json", exclude_none=True)
            for follower, plan in self.steps
        }

    @property
    def again_at(self) -> datetime | None:
        """The earliest time at which one of the followers may want something else."""
        return min((plan.again_at for _, plan in self.steps if plan.again_at), default=None)

    async def apply(self, assessed: AssessedMessage) -> None:
        """Apply all plans, in the order of the followers: each may be repeated. Raises StorageError, Stale."""
        for follower, plan in self.steps:
            await follower.apply(assessed, plan.part)


async def plan_all(followers: Sequence[Follower[Any]], assessed: AssessedMessage, before: Mapping[str, Any]) -> Plans:
    """Ask every follower for its plan; `before` are the parts of the summary. Raises Stale."""
    steps = list[tuple[Follower[Any], Plan[Any]]]()
    for follower in followers:
        planned = {done.part_name: plan.part for done, plan in steps}
        plan = await follower.plan(replace(assessed, planned=planned), read_part(follower, before))
        steps.append((follower, plan))
    return Plans(steps)


def read_part(follower: Follower[SummaryPart], parts: Mapping[str, Any]) -> SummaryPart | None:
    """The follower's part, read from its JSON value; None where there is none."""
    stored = stored_part(follower.part_name, parts)
    return None if stored is None else follower.part_type.validate_python(stored)


def unsettled(value: Any) -> Any:
    """The JSON value of a part, in which no share was ever seen in storage: every share is planned and entered anew."""
    if isinstance(value, list):
        return [unsettled(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    found = {name: unsettled(each) for name, each in value.items()}
    return {**found, "digest": "", "settled": False} if {"digest", "generation"} <= found.keys() else found


def stored_part(name: str, parts: Mapping[str, Any]) -> Any:
    """The JSON value of a part, under its name or the one of release 0.1.0; None where there is none."""
    return parts.get(name, parts.get(_OLD_NAMES.get(name, name)))
