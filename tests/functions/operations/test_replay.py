"""Facts that only the log has, taken back."""

from __future__ import annotations

import logging

import pytest

from lib.storage import Unavailable
from tests.support.heed import ADMIN_KEY, Heed


class Down:
    """Storage that does not answer."""

    async def insert(self, *_: object) -> None:
        raise Unavailable("down")

    async def put_message(self, *_: object) -> None:
        raise Unavailable("down")


async def test_hits_while_storage_is_down_come_back_from_the_log(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    message = await heed.sent()
    pixel, link = heed.urls("o")[0], heed.urls("c")[0]
    down = await Heed(storage=heed.storage, writer=Down(), key=heed.key).start()
    with caplog.at_level(logging.ERROR, "heed.journal"):
        assert (await down.hit(pixel)).status == 200
        clicked = await down.hit(link)
        await down.services.journal.settle()
    assert clicked.headers["location"] == "https://example.com/a?b=1&c=2"
    log = "\n".join(f"2026-05-04 ERROR heed.journal {record.getMessage()} (host 1)" for record in caplog.records)

    answer = await heed.request("POST", "/api/ops/replay", (log + "\nheed.fact {broken\n").encode(), key=ADMIN_KEY)
    await heed.request("POST", "/api/ops/replay", log.encode(), key=ADMIN_KEY)
    await heed.work()

    assert answer.json == {"replayed": 2, "skipped": 1}
    kpis = (await heed.get(f"/messages/{message}"))["kpis"]
    assert (kpis["raw"]["opens"], kpis["raw"]["clicks"]) == (1, 1)
    noted = (await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)).json["items"]
    assert [item["details"] for item in noted if item["act"] == "facts.replayed"] == [{"facts": 2}] * 2


async def test_only_the_administrator_replays(heed: Heed) -> None:
    assert (await heed.request("POST", "/api/ops/replay", b"", key=heed.key)).status == 403
