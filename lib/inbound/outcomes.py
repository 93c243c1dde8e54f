"""Outcomes of inbound mail: what became of each mail, and why.

Rows of the table `threads`, partition `inbound`, key = the mail's id. A row holds no word and no address of the mail.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lib.messages.models import MailCorrelation, ReceivedKind
from lib.storage import Conflict, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table

_PARTITION = "inbound"
_MOST_ARRIVALS = 50

ERASED_WRITER = "Its writer was erased after it was written."
"""Why nothing is kept of a mail that comes again after an erasure."""

OutcomeName = Literal["tracked", "ignored", "duplicate", "queued", "unreadable"]


class InboundOutcome(BaseModel):
    """The outcome of an inbound mail."""

    id: str
    outcome: OutcomeName = Field(
        description="`tracked`: it is an activity, which `message` names; `ignored`: nothing of it is kept; "
        "`duplicate`: it was known before; `queued`: it is still to be read; `unreadable`: it could not be read, as "
        "`because` says"
    )
    message: str | None = Field(None, description="the id of the message that it became, or was before")
    correlation: MailCorrelation | None = Field(None, description="null where it was not read")
    kind: ReceivedKind | None = None
    because: str = Field("", description="why, in sentences")
    tracked_by: list[str] = Field(
        default_factory=list,
        description="every way that tracks it: `hand`, `folder`, `category`, `queue`, the name of its correlation, or "
        "`all` and `known`, which its user has chosen",
    )


class OutcomeRow(InboundOutcome):
    """A row."""

    arrivals: list[str] = Field(default_factory=list)
    """The places from which it came, as hashes (`lib.inbound.orders`)."""

    def has_come_from(self, arrival: str) -> bool:
        """Whether all is done about the mail as it came from this place."""
        return self.outcome != "queued" and arrival in self.arrivals

    def with_arrival(self, arrival: str) -> OutcomeRow:
        """Return the outcome with one more place; of very many the last ones are remembered."""
        others = [each for each in self.arrivals if each != arrival]
        return self.model_copy(update={"arrivals": [*others, arrival][-_MOST_ARRIVALS:]})

    def shown(self) -> InboundOutcome:
        """Return what the API shows of it."""
        return InboundOutcome(**{name: getattr(self, name) for name in InboundOutcome.model_fields})


class InboundOutcomes:
    """Outcomes in storage."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def load_outcome(self, organization: str, mail: str) -> tuple[OutcomeRow, str] | None:
        """Load an outcome with its etag; None where the mail is unknown."""
        row = await self._tables.read_row(table(organization, "threads"), _PARTITION, mail)
        return None if row is None else (unpack(OutcomeRow, row), row.etag or "")

    async def save_outcome(self, organization: str, outcome: OutcomeRow, etag: str | None) -> None:
        """Put the outcome in place of the version `etag`, or a first one. Raises Conflict where another was faster."""
        row = Row(_PARTITION, outcome.id, pack(outcome), etag)
        await self._tables.write_rows(table(organization, "threads"), [put_if_unchanged(row)])

    async def note_queued(self, organization: str, mail: str) -> None:
        """Note that a mail waits to be read, unless more is known of it."""
        try:
            await self.save_outcome(organization, OutcomeRow(id=mail, outcome="queued", because=_WAITS), None)
        except Conflict:
            return


_WAITS = "It is still to be read."
