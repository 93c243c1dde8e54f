"""A follower that was added to the tuple: when it is asked, what is stored for it, and when it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from lib.assessment.summary import summary_of
from lib.errors import Stale
from lib.messages.models import StoredMessage
from lib.services import Services
from lib.verdicts.assessed import AssessedMessage, Plan
from tests.support.heed import Heed


@dataclass
class Notebook:
    """Follows how often a message was assessed, and notes what the summary says whenever it is called."""

    part_name = "notes"
    part_type = TypeAdapter(int)
    services: Services
    refused: int = 0
    """How many of the next plans lose the race for the summary."""

    calls: list[tuple[str, int | None]] = field(default_factory=list)

    async def plan(self, assessed: AssessedMessage, before: int | None) -> Plan[int]:
        self.calls.append(("plan", before))
        if self.refused:
            self.refused -= 1
            raise Stale
        return Plan((before or 0) + 1)

    async def apply(self, assessed: AssessedMessage, part: int) -> None:
        loaded = await self.services.messages.load(assessed.organization, assessed.message.id)
        assert loaded
        assert summary_of(loaded).parts["notes"] == part
        self.calls.append(("apply", part))

    async def forget(
        self,
        organization: str,
        message: str,
        part: int | None,
        planned_before: Sequence[StoredMessage] = (),
    ) -> None:
        assert await self.services.messages.load(organization, message)
        self.calls.append(("forget", part))


async def heed_with_notebook() -> tuple[Heed, Notebook]:
    heed = Heed()
    notebook = Notebook(heed.services)
    heed.services.__dict__["followers"] = (*heed.services.followers, notebook)
    return await heed.start(), notebook


async def test_a_follower_plans_before_the_summary_and_applies_when_the_summary_says_so() -> None:
    heed, notebook = await heed_with_notebook()

    message = await heed.draft()
    await heed.services.assessor.refresh("acme", message)

    assert notebook.calls == [("plan", None), ("apply", 1), ("plan", 1), ("apply", 2)]


async def test_a_plan_that_lost_the_race_is_not_applied_but_made_anew() -> None:
    heed, notebook = await heed_with_notebook()
    message = await heed.draft()
    notebook.calls, notebook.refused = [], 1

    await heed.services.assessor.refresh("acme", message)

    assert notebook.calls == [("plan", 1), ("plan", 1), ("apply", 2)]


async def test_a_follower_forgets_a_message_before_it_is_deleted() -> None:
    heed, notebook = await heed_with_notebook()
    message = await heed.draft()
    notebook.calls = []

    await heed.api("DELETE", f"/messages/{message}")

    assert notebook.calls == [("forget", 1)]
