"""One share of a record's engagement in place of another, and the roll-up with it: all of it, or nothing."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from lib.clock import Clock
from lib.organizations.registry import Organizations
from lib.people.store import People
from lib.records.repair import recount
from lib.records.rollups import Rollup, exchanged
from lib.records.rows import RecordRows, key_changes, last_keys_of, share_change
from lib.records.shares import LastOf, Share, record_of
from lib.storage import Conflict, Missing

log = logging.getLogger("heed.engagement")


class OtherParent(Exception):
    """A record has another parent than the message knows of; nothing was written."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """`share` is what `message` gives to `record` from now on.

    `parent` is the record's, as the message knows it; `sure`: nobody asks whether it is right.
    """

    organization: str
    record: str
    message: str
    share: Share
    parent: str | None
    sure: bool


class Exchanges:
    def __init__(self, rows: RecordRows, people: People, organizations: Organizations, clock: Clock) -> None:
        self._rows = rows
        self._people = people
        self._organizations = organizations
        self._clock = clock

    async def do(self, wanted: Exchange) -> None:
        """Raises Conflict, for another try, and OtherParent.

        Both rows are replaced on condition of their versions, so that a share is counted once, whoever else writes.
        """
        organization, record, new = wanted.organization, wanted.record, wanted.share
        (rollup, etag), (found, share_etag) = await asyncio.gather(
            self._rows.rollup(organization, record), self._rows.share(organization, record, wanted.message)
        )
        if found and found.generation >= new.generation:
            return
        old, is_first = found or Share(), rollup is None and found is None
        if rollup is None and old.sent_at is not None:
            await self.recount(organization, record)
            raise Conflict("the roll-up was missing, and was counted anew")
        share_row = share_change(record, wanted.message, new, share_etag)
        try:
            if rollup is None:
                rollup = Rollup()
                etag = await self._rows.write_rows(organization, record, None, None, rollup)
            before = rollup if rollup.messages else await self._begun(wanted, rollup)
            if not (wanted.sure or before.parent == before.told == wanted.parent):
                raise OtherParent
            after = await self._after(wanted, before, old)
            last_rows = key_changes(
                last_keys_of(record, wanted.message, old), last_keys_of(record, wanted.message, new)
            )
            await self._rows.write_rows(organization, record, rollup, etag, after, [share_row, *last_rows])
        except Missing as missing:
            if is_first:
                log.info("organization %s is gone: %s", organization, missing)
                return
            log.error("rows of the engagement of %s were missing: it is counted anew", record)
            await self.recount(organization, record)
            raise Conflict("it was counted anew") from missing

    async def _begun(self, wanted: Exchange, rollup: Rollup) -> Rollup:
        """The roll-up with the record as it is now: before its first message, nobody who puts the record tells it.

        It is in storage by now. Who puts the record from here on finds it there, and changes its version.
        """
        stored = await self._people.stored_record(wanted.organization, record_of(wanted.record))
        record, etag = stored or (None, None)
        begun = rollup.model_copy(update={"record": record, "etag": etag})
        return begun.model_copy(update={"told": begun.parent})

    async def _after(self, wanted: Exchange, rollup: Rollup, old: Share) -> Rollup:
        last, now = await self._last(wanted, rollup, old), self._clock.now()
        weights = (await self._organizations.settings(wanted.organization)).score
        return exchanged(rollup, old, wanted.share, last, now).placed(weights, now)

    async def _last(self, wanted: Exchange, rollup: Rollup, old: Share) -> dict[LastOf, int]:
        """The roll-up's last times after the exchange. Other messages are asked only where the last of all goes."""
        last, before, after = dict(rollup.last), old.last_times(), wanted.share.last_times()
        for kind in before.keys() | after.keys():
            latest = max(last.get(kind, 0), after.get(kind, 0))
            if before.get(kind) == latest and after.get(kind) != latest:
                other = await self._rows.latest(wanted.organization, wanted.record, kind, but=wanted.message)
                latest = max(other or 0, after.get(kind, 0))
            last[kind] = latest
        return {kind: at for kind, at in last.items() if at}

    async def recount(self, organization: str, record: str) -> None:
        """Put the record's roll-up as its shares have it. Raises Conflict."""
        weights = (await self._organizations.settings(organization)).score
        stored = await self._people.stored_record(organization, record_of(record))
        await recount(self._rows, organization, record, stored, weights, self._clock.now())
