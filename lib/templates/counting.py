"""The counts of templates: brought up to date with every assessment of a message, exactly once.

Counts and shares are one partition of the table `templates`. Keys: `c|<template>` the counts;
`m|<template>|<message>` what a message gives to them; `w|<template>|<opportunity>` what a sale gives. A share and the
counts change in one transaction, by the difference to what stood there, on condition of both versions: so a share
counts once, whoever else writes.

As with the engagement of records, a message's summary says what the message gives: `follow` says what will stand and
writes nothing; the assessor puts that into the summary, on condition that nobody else has put one meanwhile; only
then `write` changes rows. An assessor that was held up finds a higher generation, and changes nothing. Whoever dies
before the rows are written leaves a use that is not settled, and the next one who follows the message finds it so.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from lib.messages.models import StoredMessage
from lib.storage import Change, Conflict, Missing, Range, Row, Tables, put_if_unchanged
from lib.storage.documents import pack, unpack
from lib.storage.layout import table
from lib.storage.retry import Attempts
from lib.templates.shares import Counts, CountsByTemplate, Share, TemplateUse, share_of, total
from lib.verdicts.kpis import Kpis

log = logging.getLogger("heed.templates")

PARTITION = "counts"


@dataclass(frozen=True, slots=True)
class _Exchange:
    """`share` is what stands in the row `key` of a template from now on."""

    organization: str
    template: str
    key: str
    share: Share


class TemplateCounts:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._attempts = Attempts()

    async def follow(
        self, organization: str, message: StoredMessage, kpis: Kpis, before: TemplateUse | None
    ) -> TemplateUse | None:
        """What the message gives to its template now; `before` is what the last call said. Writes nothing.

        The answer goes into the message's summary, and then to `write`.
        """
        share = share_of(message, kpis)
        if before is None:
            return (
                TemplateUse(template=message.template, digest=share.digest(), generation=1)
                if (share and message.template)
                else None
            )
        digest = share.digest() if share else ""
        if digest == before.digest and (before.settled or await self._stands(organization, message.id, before)):
            return before.model_copy(update={"settled": True})
        generation = before.generation + 1
        return before.model_copy(update={"digest": digest, "generation": generation, "settled": False})

    async def _stands(self, organization: str, message: str, use: TemplateUse) -> bool:
        found, _ = await self._share(organization, _message_key(use.template, message))
        return found is not None and found.generation >= use.generation

    async def write(self, organization: str, message: StoredMessage, kpis: Kpis, use: TemplateUse | None) -> None:
        """Bring storage up to date with what `follow` has said, once the summary says so, too. Again is the same.

        Raises Stale where others would not let it.
        """
        if use is None or use.settled:
            return
        share = share_of(message, kpis) or Share()
        await self._put(organization, use.template, _message_key(use.template, message.id), share, use.generation)

    async def put_sale(self, organization: str, template: str, sale: str, share: Share) -> None:
        """What a sale gives to a template; one of a lower generation than what stands there changes nothing.

        Raises Stale.
        """
        await self._put(organization, template, f"w|{template}|{sale}", share, share.generation)

    async def load_counts(self, organization: str, template: str) -> Counts:
        counts, _ = await self._counts(organization, template)
        return counts or Counts()

    async def all(self, organization: str) -> CountsByTemplate:
        """By template; nothing of those that no message was made of."""
        rows = self._tables.query(table(organization, "templates"), PARTITION, Range.prefix("c|"))
        return {row.key.removeprefix("c|"): unpack(Counts, row) async for row in rows}

    async def rebuild(self, organization: str, template: str) -> None:
        """Count anew from all that messages and sales have given: for repair, never for an event. Raises Stale."""
        await self._attempts.attempt_change(
            organization, f"template {template}", lambda: self._recount(organization, template)
        )

    async def _put(self, organization: str, template: str, key: str, share: Share, generation: int) -> None:
        wanted = _Exchange(organization, template, key, share.model_copy(update={"generation": generation}))
        await self._attempts.attempt_change(organization, f"template {template}", lambda: self._exchange(wanted))

    async def _exchange(self, wanted: _Exchange) -> None:
        """Raises Conflict, for another try."""
        organization, template, new = wanted.organization, wanted.template, wanted.share
        (counts, etag), (found, share_etag) = await asyncio.gather(
            self._counts(organization, template), self._share(organization, wanted.key)
        )
        if found and found.generation >= new.generation:
            return
        if counts is None and found is not None:
            log.error("the counts of template %s were missing: they are counted anew", template)
            await self._recount(organization, template)
            raise Conflict("they were counted anew")
        after = (counts or Counts()).exchanged(found or Share(), new)
        changes = [_change(f"c|{template}", after, etag), _change(wanted.key, new, share_etag)]
        try:
            await self._tables.write_rows(table(organization, "templates"), changes)
        except Missing as missing:
            if counts is not None:
                raise Conflict("rows went away meanwhile") from missing
            log.info("organization %s is gone: %s", organization, missing)

    async def _recount(self, organization: str, template: str) -> None:
        _, etag = await self._counts(organization, template)
        shares = [
            unpack(Share, row)
            for kind in "mw"
            async for row in self._tables.query(
                table(organization, "templates"), PARTITION, Range.prefix(f"{kind}|{template}|")
            )
        ]
        await self._tables.write_rows(table(organization, "templates"), [_change(f"c|{template}", total(shares), etag)])

    async def _counts(self, organization: str, template: str) -> tuple[Counts | None, str | None]:
        row = await self._tables.read_row(table(organization, "templates"), PARTITION, f"c|{template}")
        return (unpack(Counts, row), row.etag) if row else (None, None)

    async def _share(self, organization: str, key: str) -> tuple[Share | None, str | None]:
        row = await self._tables.read_row(table(organization, "templates"), PARTITION, key)
        return (unpack(Share, row), row.etag) if row else (None, None)


def _message_key(template: str, message: str) -> str:
    return f"m|{template}|{message}"


def _change(key: str, model: Counts | Share, etag: str | None) -> Change:
    return put_if_unchanged(Row(PARTITION, key, pack(model), etag))
