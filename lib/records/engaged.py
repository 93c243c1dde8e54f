"""The list of records that were engaged lately, by score: one query a page, and no request for a record."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from lib.clock import Clock
from lib.errors import Stale
from lib.organizations.registry import Organizations
from lib.records.rollups import Rollup
from lib.records.rows import PARTITION, RecordRows
from lib.storage import Delete, Missing, StorageError
from lib.storage.documents import UnreadableRow
from lib.storage.sifted_pages import Sifted, SiftedPage, sifted_page

log = logging.getLogger("heed.engagement")


class EngagedRecords:
    """Lists the records that were engaged lately, by score."""

    def __init__(self, rows: RecordRows, organizations: Organizations, clock: Clock) -> None:
        self._rows = rows
        self._organizations = organizations
        self._clock = clock

    async def page(
        self, organization: str, after: str | None, limit: int, record_type: str | None = None
    ) -> SiftedPage[Rollup]:
        """Records that `Rollup.was_engaged` in the last week, highest score first; of one type where it is given.

        Rows of other types, and of records that are engaged no more, are passed over, so that a page may be short.
        """
        now = self._clock.now()

        def sift(place: str, rollup: Rollup) -> Sifted:
            is_wanted = record_type in (None, place.split("|")[1]) and rollup.was_engaged(now)
            return "show" if is_wanted else "pass"

        def read(place: str | None, most: int) -> AsyncIterator[tuple[str, Rollup]]:
            return self._rows.listed(organization, place, most)

        return await sifted_page(read, sift, after, limit, passes_many=record_type is not None)

    async def tidy(self) -> int:
        """Take records off the list whose week is over, and move those whose weights have changed; for a timer.

        Returns how many rows have changed. An organization that fails is left for the next time."""
        changed = 0
        async for organization in self._organizations.list_organizations():
            try:
                changed += await self._tidy(organization)
            except (StorageError, Stale, UnreadableRow) as error:
                log.error("the engaged records of organization %s could not be tidied: %s", organization, error)
        return changed

    async def _tidy(self, organization: str) -> int:
        now, weights, changed = self._clock.now(), (await self._organizations.settings(organization)).score, 0
        async for place, listed in self._rows.listed(organization):
            if listed.placed(weights, now).place == place:
                continue
            record = place.split("|", 1)[1]

            async def renew(place: str = place, record: str = record) -> None:
                rollup, etag = await self._rows.rollup(organization, record)
                if rollup and rollup.place == place:
                    await self._rows.write_rows(organization, record, rollup, etag, rollup.placed(weights, now))
                else:
                    # It has changed since it was listed here; a row that was left behind must go.
                    with suppress(Missing):
                        await self._rows.change(organization, [Delete(PARTITION, f"v|{place}")])

            await self._rows.attempt(organization, record, renew)
            changed += 1
        return changed
