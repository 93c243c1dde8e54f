"""Reliability in storage: accounts of the ledger (`lib.storage.ledger`), sixteen for each month.

All rows are one partition of the table `index`. Keys: `c|<month>|<digit>` the sum of the messages of that month whose
ids begin with that digit; `m|<month>|<message>` what a message gives. Sixteen sums let many messages change at once,
and a month is read whole by one request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lib.clock import Clock, month_of
from lib.reliability.experience import prior_shift
from lib.reliability.shares import ReliabilityShare, ReliabilityTally, total
from lib.storage import Change, Range, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.ledger import Ledger, Versioned
from lib.verdicts.weights import Side

PARTITION = "reliability"


class ReliabilityCounting:
    """Reads and enters what messages give to an organization's reliability."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._ledger = Ledger()

    async def load_share(self, organization: str, month: str, message: str) -> ReliabilityShare | None:
        """Read what the message gives. Raises StorageError."""
        return (await self._account(organization, month, message).read_share()).model

    async def enter_share(self, organization: str, month: str, message: str, share: ReliabilityShare) -> None:
        """Put what the message gives. A share of a lower generation changes nothing. Raises Stale, StorageError."""
        await self._ledger.enter_share(organization, self._account(organization, month, message), share)

    async def load_month(self, organization: str, month: str) -> ReliabilityTally:
        """Read the sum of a month's messages, in one request for at most sixteen rows. Raises StorageError."""
        rows = self._tables.query(table(organization, "index"), PARTITION, Range.prefix(f"c|{month}|"))
        return total([unpack(ReliabilityTally, row) async for row in rows])

    async def load_prior_shift(self, organization: str) -> dict[Side, float]:
        """Return by how much the organization's cases of this month and the last move the priors, by side."""
        months = [await self.load_month(organization, month) for month in _two_months(self._clock.now())]
        return prior_shift(total(months))

    def _account(self, organization: str, month: str, message: str) -> _MonthAccount:
        return _MonthAccount(self._tables, table(organization, "index"), month, message)


def _two_months(now: datetime) -> Iterable[str]:
    first = now.astimezone(UTC).replace(day=1)
    return month_of(first), month_of(first - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class _MonthAccount:
    """The account of a month, for the share of one message."""

    tables: Tables
    table: str
    month: str
    message: str

    @property
    def name(self) -> str:
        return f"reliability {self._sum_key}"

    @property
    def _sum_key(self) -> str:
        return f"c|{self.month}|{self.message[0]}"

    @property
    def _share_key(self) -> str:
        return f"m|{self.month}|{self.message}"

    async def read_sum(self) -> Versioned[ReliabilityTally]:
        row = await self.tables.read_row(self.table, PARTITION, self._sum_key)
        return Versioned(unpack(ReliabilityTally, row), row.etag) if row else Versioned(None, None)

    async def read_share(self) -> Versioned[ReliabilityShare]:
        row = await self.tables.read_row(self.table, PARTITION, self._share_key)
        return Versioned(unpack(ReliabilityShare, row), row.etag) if row else Versioned(None, None)

    async def exchange(
        self, there: Versioned[ReliabilityTally], old: Versioned[ReliabilityShare], new: ReliabilityShare
    ) -> None:
        before = old.model or ReliabilityShare()
        after = (there.model or ReliabilityTally()).minus(before.tally).plus(new.tally)
        share_row = put_if_unchanged(Row(PARTITION, self._share_key, pack(new), old.etag))
        await self.tables.write_rows(self.table, [self._sum_row(after, there.etag), share_row])

    async def recount(self) -> None:
        _, etag = await self.read_sum()
        rows = self.tables.query(self.table, PARTITION, Range.prefix(f"m|{self.month}|{self.message[0]}"))
        shares = [unpack(ReliabilityShare, row) async for row in rows]
        await self.tables.write_rows(self.table, [self._sum_row(total(each.tally for each in shares), etag)])

    def _sum_row(self, tally: ReliabilityTally, etag: str | None) -> Change:
        return put_if_unchanged(Row(PARTITION, self._sum_key, pack(tally), etag))
