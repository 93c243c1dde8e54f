"""Counts of templates in storage: accounts of the ledger (`lib.storage.ledger`).

Counts and shares are one partition of the table `templates`. Keys: `c|<template>` the counts;
`m|<template>|<message>` what a message gives to them; `w|<template>|<opportunity>` what a sale gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from lib.storage import Change, Range, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.ledger import Ledger, Versioned
from lib.templates.shares import CountsByTemplate, TemplateCounts, TemplateShare, total

PARTITION = "counts"


class TemplateCounting:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ledger = Ledger()

    async def load_message_share(self, organization: str, template: str, message: str) -> TemplateShare | None:
        """Read what the message gives to the template."""
        return (await self._account(organization, template, f"m|{template}|{message}").read_share()).model

    async def enter_message_share(self, organization: str, template: str, message: str, share: TemplateShare) -> None:
        """Put what the message gives to the template. A share of a lower generation changes nothing. Raises Stale."""
        account = self._account(organization, template, f"m|{template}|{message}")
        await self._ledger.enter_share(organization, account, share)

    async def enter_sale_share(self, organization: str, template: str, sale: str, share: TemplateShare) -> None:
        """Put what the sale gives to the template. A share of a lower generation changes nothing. Raises Stale."""
        account = self._account(organization, template, f"w|{template}|{sale}")
        await self._ledger.enter_share(organization, account, share)

    async def load_counts(self, organization: str, template: str) -> TemplateCounts:
        counts, _ = await self._account(organization, template).read_sum()
        return counts or TemplateCounts()

    async def all(self, organization: str) -> CountsByTemplate:
        """Counts by template. A template without messages has none."""
        rows = self._tables.query(table(organization, "templates"), PARTITION, Range.prefix("c|"))
        return {row.key.removeprefix("c|"): unpack(TemplateCounts, row) async for row in rows}

    def _account(self, organization: str, template: str, share_key: str = "") -> _TemplateAccount:
        return _TemplateAccount(self._tables, table(organization, "templates"), template, share_key)


@dataclass(frozen=True, slots=True)
class _TemplateAccount:
    """The account of a template, for the share of one message or sale."""

    tables: Tables
    table: str
    template: str
    share_key: str

    @property
    def name(self) -> str:
        return f"template {self.template}"

    async def read_sum(self) -> Versioned[TemplateCounts]:
        row = await self.tables.read_row(self.table, PARTITION, f"c|{self.template}")
        return Versioned(unpack(TemplateCounts, row), row.etag) if row else Versioned(None, None)

    async def read_share(self) -> Versioned[TemplateShare]:
        row = await self.tables.read_row(self.table, PARTITION, self.share_key)
        return Versioned(unpack(TemplateShare, row), row.etag) if row else Versioned(None, None)

    async def exchange(
        self, there: Versioned[TemplateCounts], old: Versioned[TemplateShare], new: TemplateShare
    ) -> None:
        after = (there.model or TemplateCounts()).exchanged(old.model or TemplateShare(), new)
        share_row = put_if_unchanged(Row(PARTITION, self.share_key, pack(new), old.etag))
        await self.tables.write_rows(self.table, [self._counts_row(after, there.etag), share_row])

    async def recount(self) -> None:
        _, etag = await self.read_sum()
        shares = [
            unpack(TemplateShare, row)
            for kind in "mw"
            async for row in self.tables.query(self.table, PARTITION, Range.prefix(f"{kind}|{self.template}|"))
        ]
        await self.tables.write_rows(self.table, [self._counts_row(total(shares), etag)])

    def _counts_row(self, counts: TemplateCounts, etag: str | None) -> Change:
        return put_if_unchanged(Row(PARTITION, f"c|{self.template}", pack(counts), etag))
