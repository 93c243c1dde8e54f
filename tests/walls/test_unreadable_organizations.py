"""An organization whose rows cannot be read keeps no timer from the others."""

from __future__ import annotations

import pytest

from lib.storage import Row, Upsert, Value
from lib.storage.accounts import KnownAccounts
from lib.storage.documents import UnreadableRow
from lib.storage.layout import ORGANIZATION_ROW, table
from tests.support.heed import ADMIN_KEY, GMAIL, Heed
from tests.support.spoiling import spoil_organization

TIMERS = (
    "sweep_journal",
    "remove_old_data",
    "tidy_jobs",
    "tidy_engaged_records",
    "poll_mailboxes",
    "delete_kept_answers",
    "move_old_lists",
    "sweep_webhooks",
    "tell_of_cards",
)


@pytest.mark.parametrize("timer", TIMERS)
async def test_a_timer_goes_on_behind_an_organization_that_cannot_be_read(timer: str) -> None:
    heed = await Heed().start()
    await heed.sent()
    await heed.hit(heed.urls("o")[0], GMAIL)
    heed.clock.move(hours=2)
    await spoil_organization(heed)
    await heed.storage.tables.write_rows(table("acme", "privacy"), [Upsert(Row("job", "0" * 32, {"v": 1, "d0": "{}"}))])

    await heed.tick(timer)


async def test_the_administrators_list_shows_the_organizations_that_can_be_read() -> None:
    heed = await Heed().start()
    await heed.organization("globex")
    await spoil_organization(heed)

    listed = await heed.request("GET", "/api/orgs", key=ADMIN_KEY)

    assert listed.status == 200
    assert [each["id"] for each in listed.json["items"]] == ["globex"]


@pytest.mark.parametrize("values", [{"v": 1}, {"v": 1, "d0": "["}, {"v": 1, "d0": '{"storage": {"account": 1}}'}])
async def test_the_storage_of_an_organization_whose_row_has_no_form_is_not_guessed(values: dict[str, Value]) -> None:
    with pytest.raises(UnreadableRow):
        KnownAccounts().note_row("acme", Row("acme", ORGANIZATION_ROW, values))
