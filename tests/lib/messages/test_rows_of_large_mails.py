"""Whatever servers say of however many recipients, what is stored of it fits into rows of Azure's tables."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lib.people.records import StoredRecord
from lib.storage import Change, Storage
from lib.storage.memory import MemoryBlobs, MemoryQueues, MemoryTables
from lib.transports import Accepted, Envelope, Outcome, RecipientRefusal, Refused, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.copying import deliver
from tests.support.heed import Heed

_LARGEST_ROW = 1024 * 1024
_LARGEST_TRANSACTION = 4 * 1024 * 1024
_LONGEST_COLUMN = 32 * 1024
"""https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model"""

LONG = '"\N{PILE OF POO}\\' * 100


class MeasuredTables(MemoryTables):
    """Notes the largest row and transaction, in bytes as Azure counts them."""

    largest_row = 0
    largest_transaction = 0

    async def write_rows(self, table: str, changes: Sequence[Change]) -> list[str | None]:
        rows = [getattr(change, "row", None) for change in changes]
        sizes = [self._size(row.values) for row in rows if row is not None]
        self.largest_row = max(self.largest_row, *sizes, 0)
        self.largest_transaction = max(self.largest_transaction, sum(sizes))
        return await super().write_rows(table, changes)

    def _size(self, values: object) -> int:
        assert isinstance(values, dict)
        for value in values.values():
            assert not isinstance(value, str) or len(value.encode("utf-16-le")) <= 2 * _LONGEST_COLUMN
        return sum(
            8 + 2 * len(name) + (len(value.encode("utf-16-le")) + 4 if isinstance(value, str) else 8)
            for name, value in values.items()
        )


class RefusesEverybody(MemoryTransport):
    """Each recipient for a long reason of their own; or all for one."""

    outcome = "accepted"

    async def send(self, envelope: Envelope) -> Outcome:
        self.sent.append(envelope)
        refusals = tuple(RecipientRefusal(each, "550", LONG, temporary=False) for each in envelope.recipients[1:])
        if self.outcome == "accepted":
            return Accepted(refused=refusals)
        if self.outcome == "refused":
            return Refused(False, "550", LONG, recipients=refusals)
        return Unknown(LONG, refused=refusals)


@pytest.mark.parametrize("outcome", ["accepted", "refused", "unknown"])
async def test_five_hundred_long_reasons_fit(outcome: str) -> None:
    transport, tables = RefusesEverybody(), MeasuredTables()
    transport.outcome = outcome
    heed = Heed(transport=transport, storage=Storage(tables, MemoryBlobs(), MemoryQueues()))
    await heed.start()
    to = [{"email": f"{'a' * 60}@{number:03d}{'.example' * 20}.com"} for number in range(500)]
    await heed.put(f"/consents/{to[0]['email']}", {"follow": "do_not_allow"})
    message = await heed.draft(to=to)
    await heed.post(f"/messages/{message}/send")

    loaded = await deliver(heed, message)
    await heed.services.assessor.refresh("acme", message)

    assert loaded.message.delivery
    assert loaded.message.delivery.refused >= 499
    assert tables.largest_row < _LARGEST_ROW * 5 / 8
    assert tables.largest_transaction < _LARGEST_TRANSACTION * 3 / 4


async def test_five_hundred_records_that_were_found_by_address_fit() -> None:
    tables = MeasuredTables()
    heed = Heed(storage=Storage(tables, MemoryBlobs(), MemoryQueues()))
    await heed.start()
    emails = [f"{'a' * 60}@{number:03d}{'.example' * 20}.com" for number in range(500)]
    for number, email in enumerate(emails):
        record = StoredRecord(type="t" * 40, id=f"{number:0100d}", emails=[email])
        await heed.services.address_index.save_record("acme", record, None)
    message = await heed.draft(to=[{"email": email} for email in emails])
    await heed.post(f"/messages/{message}/send")

    loaded = await deliver(heed, message)
    await heed.services.assessor.refresh("acme", message)

    assert loaded.message.matched
    assert len(loaded.message.matched.records) == 500
    assert tables.largest_row < _LARGEST_ROW * 5 / 8
    assert tables.largest_transaction < _LARGEST_TRANSACTION * 3 / 4
