"""Outcomes of sales: a sale that was won counts for the templates of the mails that were sent about it before."""

from __future__ import annotations

from functools import partial

from pydantic import BaseModel

from lib.clock import Clock
from lib.fields import Moment, RecordRef
from lib.lists.store import Lists, scope_of
from lib.storage import Conflict, Missing, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.retry import Attempts
from lib.templates.counting import TemplateCounting
from lib.templates.shares import Tally, TemplateShare

OPPORTUNITY = "opportunity"

_PARTITION = f"outcome|{OPPORTUNITY}"
_PAGE = 200
_MOST_PAGES = 5


class StoredOutcome(BaseModel):
    """A row, beside the opportunity's. `templates` are those that it counts, or has ever counted, for; `generation`
    grows whenever the outcome is another one."""

    won: bool
    at: Moment
    templates: list[str] = []
    generation: int = 1


class Outcomes:
    def __init__(self, tables: Tables, lists: Lists, counts: TemplateCounting, clock: Clock) -> None:
        self._tables = tables
        self._lists = lists
        self._counts = counts
        self._clock = clock
        self._attempts = Attempts()

    async def save_outcome(self, organization: str, opportunity: str, won: bool) -> StoredOutcome:
        """Say that the sale was won, or was not; again is the same. Raises Stale.

        Where it dies half-way, saying it again brings the counts in order.
        """
        note = partial(self._note, organization, opportunity, won)
        outcome = await self._attempts.attempt_change(organization, f"the outcome of {opportunity}", note)
        tally = Tally(won=1) if outcome.won else Tally()
        share = TemplateShare(generation=outcome.generation, regarding=OPPORTUNITY, tally=tally)
        for template in outcome.templates:
            await self._counts.enter_sale_share(organization, template, opportunity, share)
        return outcome

    async def _note(self, organization: str, opportunity: str, won: bool) -> StoredOutcome:
        """Raises Conflict."""
        row = await self._tables.read_row(table(organization, "people"), _PARTITION, opportunity)
        there = unpack(StoredOutcome, row) if row else None
        if there is not None and there.won is won:
            return there
        before = there.templates if there else []
        used = await self._templates_of(organization, opportunity) if won else []
        outcome = StoredOutcome(
            won=won,
            at=self._clock.now(),
            templates=list(dict.fromkeys([*before, *used])),
            generation=there.generation + 1 if there else 1,
        )
        new = Row(_PARTITION, opportunity, pack(outcome), row.etag if row else None)
        try:
            await self._tables.write_rows(table(organization, "people"), [put_if_unchanged(new)])
        except Missing as missing:
            raise Conflict("it went away meanwhile") from missing
        return outcome

    async def _templates_of(self, organization: str, opportunity: str) -> list[str]:
        """The templates of the newest 1,000 mails that are about it."""
        record = RecordRef(type=OPPORTUNITY, id=opportunity)
        found: list[str] = []
        after: str | None = None
        for _ in range(_MOST_PAGES):
            rows = self._lists.page(organization, scope_of(record=record), "all", "-sent_at", after, _PAGE)
            page = [(cursor, listed.message) async for cursor, listed in rows]
            found += [
                message.template
                for _, message in page
                if message.template
                and message.state == "sent"
                and message.regarding
                and (message.regarding.type, message.regarding.id) == (record.type, record.id)
            ]
            if len(page) < _PAGE:
                break
            after = page[-1][0]
        return list(dict.fromkeys(found))
