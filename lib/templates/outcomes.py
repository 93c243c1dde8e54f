"""Outcomes of sales: a closed sale counts, as won or lost, for the templates of the mails sent about it before.

A sale counts once for a template, however many mails were made of it. An outcome is counted anew whenever it changes: a
sale that is open again counts for no template.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from pydantic import BaseModel

from lib.clock import Clock, month_of
from lib.fields import Moment, RecordRef
from lib.lists.store import Lists, scope_of
from lib.messages.models import StoredMessage
from lib.storage import Conflict, Missing, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.retry import Attempts
from lib.templates.counting import TemplateCounting
from lib.templates.shares import TemplateShare, sender_code
from lib.templates.store import Templates
from lib.templates.tallies import Tally

OPPORTUNITY = "opportunity"

_PARTITION = f"outcome|{OPPORTUNITY}"
_PAGE = 200
_MOST_PAGES = 5


class UsedTemplate(BaseModel):
    """The last use of a template in the mails about a sale."""

    series: int = 1
    """The number of the version that began the content."""
    sender: str = ""
    """What stands for the sender in counts."""


class StoredOutcome(BaseModel):
    """A row, beside the opportunity's."""

    won: bool | None = None
    """True: won; False: lost; None: open again."""
    at: Moment
    """When the sale was closed, or opened again."""
    templates: list[str] = []
    """Templates for which it counts."""
    used: dict[str, UsedTemplate] = {}
    """How each of them was used last before."""
    former: list[str] = []
    """Templates for which it has counted and counts no more."""
    generation: int = 1
    """Grows whenever the outcome is another one."""

    def share_of(self, template: str) -> TemplateShare:
        """Return the sale's share in the counts of the template."""
        counts = self.won is not None and template in self.templates
        tally = Tally(won=bool(self.won), closed=1) if counts else Tally()
        use = self.used.get(template, UsedTemplate())
        return TemplateShare(
            generation=self.generation,
            series=use.series,
            regarding=OPPORTUNITY,
            sender=use.sender,
            month=month_of(self.at),
            numbers=tally.numbers(),
        )


class Outcomes:
    """Outcomes of sales, and the mails that count as their causes."""

    def __init__(
        self, tables: Tables, lists: Lists, counts: TemplateCounting, templates: Templates, clock: Clock
    ) -> None:
        self._tables = tables
        self._templates = templates
        self._lists = lists
        self._counts = counts
        self._clock = clock
        self._attempts = Attempts()

    async def save_outcome(
        self, organization: str, opportunity: str, won: bool | None, at: datetime | None = None
    ) -> StoredOutcome:
        """Say that the sale was won (True) or lost, or is open again (None); again is the same. Raises Stale.

        Mails that were sent after `at`, now by default, do not count. Where it dies half-way, saying it again brings
        the counts in order.
        """
        note = partial(self._note, organization, opportunity, won, at)
        outcome = await self._attempts.attempt_change(organization, f"the outcome of {opportunity}", note)
        for template in (*outcome.templates, *outcome.former):
            await self._counts.enter_sale_share(organization, template, opportunity, outcome.share_of(template))
        return outcome

    async def _note(self, organization: str, opportunity: str, won: bool | None, at: datetime | None) -> StoredOutcome:
        """Raises Conflict."""
        row = await self._tables.read_row(table(organization, "people"), _PARTITION, opportunity)
        there = unpack(StoredOutcome, row) if row else None
        if there is not None and there.won is won and at in (None, there.at):
            return there
        before = [*there.templates, *there.former] if there else []
        closed_at = at or self._clock.now()
        used = {} if won is None else await self._templates_of(organization, opportunity, closed_at)
        outcome = StoredOutcome(
            won=won,
            at=closed_at,
            templates=list(used),
            used=used,
            former=[each for each in dict.fromkeys(before) if each not in used],
            generation=there.generation + 1 if there else 1,
        )
        new = Row(_PARTITION, opportunity, pack(outcome), row.etag if row else None)
        try:
            await self._tables.write_rows(table(organization, "people"), [put_if_unchanged(new)])
        except Missing as missing:
            raise Conflict("it went away meanwhile") from missing
        return outcome

    async def _templates_of(self, organization: str, opportunity: str, before: datetime) -> dict[str, UsedTemplate]:
        """The templates of the newest 1,000 mails that are about it and were sent before, with their last use."""
        record = RecordRef(type=OPPORTUNITY, id=opportunity)
        found: dict[str, StoredMessage] = {}
        after: str | None = None
        for _ in range(_MOST_PAGES):
            rows = self._lists.page(organization, scope_of(record=record), "all", "-sent_at", after, _PAGE)
            page = [(cursor, listed.message) async for cursor, listed in rows]
            for _, message in page:
                if (
                    message.template
                    and message.state == "sent"
                    and message.sort_time() <= before
                    and message.regarding
                    and (message.regarding.type, message.regarding.id) == (record.type, record.id)
                ):
                    found.setdefault(message.template, message)
            if len(page) < _PAGE:
                break
            after = page[-1][0]
        return {
            template: UsedTemplate(
                series=await self._templates.find_series(organization, template, message.template_version),
                sender=sender_code(message.sender),
            )
            for template, message in found.items()
        }
