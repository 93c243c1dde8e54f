"""Counts of templates in storage: accounts of the ledger (`lib.storage.ledger`), one for each template and month.

All rows are one partition of the table `templates`. Keys: `c|<template>|<month>` the counts; `m|<template>|<month>|
<message>` what a message gives to them. The sales that a template's mails were about are an account of their own, with
`sales` in place of the month: `s|<template>|sales|<opportunity>` is what a sale gives.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from lib.storage import Change, Range, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.ledger import Ledger, Versioned
from lib.templates.shares import CountsByTemplate, TemplateCounts, TemplateShare, joined

PARTITION = "tallies"
"""Release 0.1.0 counts in the partition `counts`, without what is needed to compare templates fairly."""

_SALES = "sales"


class TemplateCounting:
    """Reads and enters what messages and sales give to templates."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ledger = Ledger()

    async def load_message_share(
        self, organization: str, template: str, month: str, message: str
    ) -> TemplateShare | None:
        """Read what the message gives to the template. Raises StorageError."""
        return (await self._account(organization, template, month, message).read_share()).model

    async def enter_message_share(
        self, organization: str, template: str, month: str, message: str, share: TemplateShare
    ) -> None:
        """Put what the message gives to the template. A share of a lower generation changes nothing. Raises Stale."""
        await self._ledger.enter_share(organization, self._account(organization, template, month, message), share)

    async def enter_sale_share(self, organization: str, template: str, sale: str, share: TemplateShare) -> None:
        """Put what the sale gives to the template. A share of a lower generation changes nothing. Raises Stale."""
        await self._ledger.enter_share(organization, self._account(organization, template, _SALES, sale), share)

    async def load_counts(self, organization: str) -> CountsByTemplate:
        """Read the counts of all templates. A template without messages has none. Raises StorageError."""
        rows: dict[str, list[TemplateCounts]] = defaultdict(list)
        async for row in self._tables.query(table(organization, "templates"), PARTITION, Range.prefix("c|")):
            rows[row.key.split("|")[1]].append(unpack(TemplateCounts, row))
        return {template: joined(some) for template, some in rows.items()}

    def _account(self, organization: str, template: str, month: str, thing: str) -> _TemplateAccount:
        return _TemplateAccount(self._tables, table(organization, "templates"), template, month, thing)


@dataclass(frozen=True, slots=True)
class _TemplateAccount:
    """The account of a template and a month, for the share of one message or sale."""

    tables: Tables
    table: str
    template: str
    month: str
    thing: str

    @property
    def name(self) -> str:
        return f"template {self.template}"

    @property
    def _sum_key(self) -> str:
        return f"c|{self.template}|{self.month}"

    @property
    def _share_prefix(self) -> str:
        return f"{'s' if self.month == _SALES else 'm'}|{self.template}|{self.month}|"

    async def read_sum(self) -> Versioned[TemplateCounts]:
        row = await self.tables.read_row(self.table, PARTITION, self._sum_key)
        return Versioned(unpack(TemplateCounts, row), row.etag) if row else Versioned(None, None)

    async def read_share(self) -> Versioned[TemplateShare]:
        row = await self.tables.read_row(self.table, PARTITION, self._share_prefix + self.thing)
        return Versioned(unpack(TemplateShare, row), row.etag) if row else Versioned(None, None)

    async def exchange(
        self, there: Versioned[TemplateCounts], old: Versioned[TemplateShare], new: TemplateShare
    ) -> None:
        after = (there.model or TemplateCounts()).exchanged(old.model or TemplateShare(), new)
        share_row = put_if_unchanged(Row(PARTITION, self._share_prefix + self.thing, pack(new), old.etag))
        await self.tables.write_rows(self.table, [self._sum_row(after, there.etag), share_row])

    async def recount(self) -> None:
        _, etag = await self.read_sum()
        rows = self.tables.query(self.table, PARTITION, Range.prefix(self._share_prefix))
        shares = [unpack(TemplateShare, row) async for row in rows]
        await self.tables.write_rows(self.table, [self._sum_row(TemplateCounts.total(shares), etag)])

    def _sum_row(self, counts: TemplateCounts, etag: str | None) -> Change:
        return put_if_unchanged(Row(PARTITION, self._sum_key, pack(counts), etag))
