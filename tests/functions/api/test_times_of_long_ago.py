"""Rows of the days when any year was taken: what CRMs meant by "never" can still be read, listed and mended."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from functions.shapes.text import status_text
from lib.messages.models import StoredMessage
from lib.storage import Range, Replace, Row
from lib.storage.layout import KINDS, table
from lib.verdicts.kpis import Kpis
from tests.support.cards import TOMORROW, cards, opened, scheduled
from tests.support.heed import START, Heed

NEVER = "9999-12-31T23:30:00.000Z"
LAST = "2200-12-31T23:59:59.999Z"


async def write_never(heed: Heed, instead_of: str) -> int:
    """Put the year 9999 into every row that holds a time; how many did."""
    changed = 0
    for name in (table("acme", kind) for kind in KINDS):
        for row in [each async for each in heed.storage.tables.query(name, Range())]:
            values = {
                column: value.replace(instead_of, NEVER) if isinstance(value, str) else value
                for column, value in row.values.items()
            }
            if values != row.values:
                await heed.storage.tables.write_rows(name, [Replace(Row(row.partition, row.key, values, row.etag))])
                changed += 1
    return changed


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Tokyo", "UTC", "America/Los_Angeles"])
async def test_a_message_that_is_never_to_go_out_can_be_read_and_listed(heed: Heed, zone: str) -> None:
    await heed.put("/users/rep1", {"email": "rep@acme.example", "opt_in": True, "time_zone": zone})
    reminder = {"title": "Call", "condition": "always", "at": "2026-05-06T07:00:00Z"}
    message = await scheduled(heed, reminder=reminder)
    assert await write_never(heed, TOMORROW.replace("Z", ".000Z"))
    assert await write_never(heed, "2026-05-06T07:00:00.000Z")

    read = await heed.get(f"/messages/{message}", x_heed_user="rep1")
    assert (read["deliver_at"], read["reminder"]["at"]) == (LAST, LAST)
    for query in ("", "?view=scheduled", "?sort=sent_at", "?owner=rep1"):
        [item] = (await heed.get(f"/messages{query}", x_heed_user="rep1"))["items"]
        assert item["status_text"].startswith("Scheduled to send ")
        assert "2201" in item["status_text"] or "2200" in item["status_text"]


async def test_a_message_that_is_never_to_go_out_can_be_given_another_time(heed: Heed) -> None:
    message = await scheduled(heed)
    await write_never(heed, TOMORROW.replace("Z", ".000Z"))

    moved = await heed.put(f"/messages/{message}/schedule", {"deliver_at": "2026-05-07T07:00:00Z"})

    assert moved["deliver_at"] == "2026-05-07T07:00:00.000Z"
    assert len((await heed.get("/messages?view=scheduled"))["items"]) == 1


async def test_a_card_that_was_put_away_for_ever_can_be_read_and_woken(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)
    body = {"until": "2026-06-01T00:00:00Z"}
    await heed.api("POST", f"/cards/{card['id']}/snooze", body, x_heed_user="rep1")
    assert await write_never(heed, "2026-06-01T00:00:00.000Z")

    [snoozed] = await cards(heed, "snoozed")
    assert snoozed["snoozed_until"] == LAST
    undone = await heed.api("POST", f"/cards/{card['id']}/undo", x_heed_user="rep1")
    assert (undone.status, undone.json["status"]) == (200, "open")


@pytest.mark.parametrize("due", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_words_are_found_for_every_time_there_is(due: datetime, zone: str) -> None:
    message = StoredMessage.model_construct(id="m", sender="rep1", created_at=START, due_at=due)

    for now in (START, due):
        for state in ("scheduled", "sent"):
            shown = message.model_copy(update={"state": state})
            assert status_text(shown, Kpis(), now, zone)
            assert status_text(shown, Kpis.model_construct(last_opened_at=due), now, zone)
