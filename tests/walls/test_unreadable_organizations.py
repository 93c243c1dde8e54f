"""An organization whose rows cannot be read keeps no timer from the others."""

from __future__ import annotations

import pytest

from lib.storage import Row, Upsert
from lib.storage.layout import table
from tests.support.heed import GMAIL, Heed
from tests.support.spoiling import spoil_organization


@pytest.mark.parametrize("timer", ["sweep_journal", "remove_old_data", "tidy_jobs", "tidy_engaged_records"])
async def test_a_timer_goes_on_behind_an_organization_that_cannot_be_read(timer: str) -> None:
    heed = await Heed().start()
    await heed.sent()
    await heed.hit(heed.urls("o")[0], GMAIL)
    heed.clock.move(hours=2)
    await spoil_organization(heed)
    await heed.storage.tables.write_rows(table("acme", "privacy"), [Upsert(Row("job", "0" * 32, {"v": 1, "d0": "{}"}))])

    await heed.tick(timer)
