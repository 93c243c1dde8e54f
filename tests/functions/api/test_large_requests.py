"""Large requests: they hold up no recipient, and there is an end to how many are taken at once."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from lib.composing import bodies
from lib.workers.pool import INLINE
from tests.support.heed import Heed
from tests.support.off_loop_jobs import begun_file, hold

LARGE_HTML = "<p>word " * 20_000 + '<a href="https://example.com/offer">offer</a>'
BODY = {"from": "rep1", "to": [{"email": "ada@example.com"}], "subject": "Hello", "html": LARGE_HTML}


async def hold_the_loud(heed: Heed, path: Path) -> asyncio.Task[int]:
    """From now on acme's large work waits, until the file is gone."""
    path.touch()  # noqa: ASYNC240
    holding = asyncio.create_task(heed.services.off_loop.run("acme", INLINE + 1, hold, path))
    while not begun_file(path).exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.005)
    return holding


async def test_a_pixel_and_a_link_are_answered_while_large_work_waits(heed: Heed, tmp_path: Path) -> None:
    await heed.sent()
    path = tmp_path / "held"
    holding = await hold_the_loud(heed, path)
    simulating = asyncio.create_task(heed.api("POST", "/simulate", BODY))
    await asyncio.sleep(0)

    opened, clicked = await heed.hit(heed.urls("o")[0]), await heed.hit(heed.urls("c")[0])

    assert (opened.status, clicked.status) == (200, 302)
    assert not simulating.done()
    path.unlink()
    await holding
    assert (await simulating).status == 200


async def test_more_large_requests_than_are_taken_are_told_to_come_again(heed: Heed, tmp_path: Path) -> None:
    path = tmp_path / "held"
    holding = await hold_the_loud(heed, path)
    waiting = [asyncio.create_task(heed.api("POST", "/simulate", BODY)) for _ in range(4)]
    await asyncio.sleep(0)

    refused = await heed.api("POST", "/simulate", BODY)
    small = await heed.api("POST", "/simulate", {**BODY, "html": "<p>Hi"})

    assert (refused.status, refused.headers["retry-after"]) == (503, "3")
    assert "send fewer large requests" in refused.json["detail"]
    assert small.status == 200
    path.unlink()
    await holding
    assert [answer.status for answer in await asyncio.gather(*waiting)] == [200] * 4


async def test_another_organization_is_served_meanwhile(heed: Heed, tmp_path: Path) -> None:
    key = await heed.organization("other")
    await heed.request("PUT", "/api/orgs/other/users/rep1", {"email": "rep@other.example", "opt_in": True}, key=key)
    path = tmp_path / "held"
    holding = await hold_the_loud(heed, path)
    waiting = [asyncio.create_task(heed.api("POST", "/simulate", BODY)) for _ in range(4)]
    await asyncio.sleep(0)

    answer = await heed.request("POST", "/api/orgs/other/simulate", BODY, key=key)

    assert answer.status == 200
    path.unlink()
    await asyncio.gather(holding, *waiting)


async def test_a_large_mail_waits_for_its_turn_and_leaves(heed: Heed, tmp_path: Path) -> None:
    message = await heed.draft(html=LARGE_HTML)
    await heed.post(f"/messages/{message}/send")
    path = tmp_path / "held"
    holding = await hold_the_loud(heed, path)
    working = asyncio.create_task(heed.work())
    await asyncio.sleep(0.05)

    assert not working.done()
    path.unlink()
    await asyncio.gather(holding, working)
    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert len(heed.urls("c")) == 1


async def test_nothing_of_a_large_mail_is_worked_on_in_this_process(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_: Any, **__: Any) -> None:
        raise AssertionError("on the event loop")

    for name in ("rewrite", "cleaned", "plain_text", "compose"):
        monkeypatch.setattr(bodies, name, here)
    monkeypatch.setattr(base64, "b64encode", here)

    message = await heed.draft(html=LARGE_HTML)
    prepared = await heed.post(f"/messages/{message}/prepare")
    simulated = await heed.post("/simulate", BODY)

    for answer in (prepared, simulated):
        assert "/c/" in answer["copies"][0]["html"]
        assert b"offer" in base64.b64decode(answer["sender_copy"]["mime"])


async def test_a_repeated_large_request_gets_the_first_answer(heed: Heed) -> None:
    message = await heed.draft(html=LARGE_HTML)

    first = await heed.api("POST", f"/messages/{message}/prepare", idempotency_key="one")
    again = await heed.api("POST", f"/messages/{message}/prepare", idempotency_key="one")

    assert first.status == again.status == 200
    assert first.body == again.body


async def test_a_large_body_that_is_wrong_is_refused_field_by_field(heed: Heed) -> None:
    answer = await heed.api("POST", "/messages", {**BODY, "nonsense": 1})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["nonsense"])


async def test_a_mail_at_its_limits_can_be_drafted_and_a_larger_one_is_too_large(heed: Heed) -> None:
    message = await heed.draft(html="x" * 2_000_000, text="x" * 1_000_000)

    made = await heed.api("POST", "/messages", {**BODY, "html": "x" * 2_000_001})
    changed = await heed.api("PATCH", f"/messages/{message}", {"text": "€" * 333_334})

    assert (made.status, changed.status) == (413, 413)
    assert made.json["detail"] == "html: it has 2,000,001 bytes in UTF-8; at most 2,000,000 are taken."
    assert changed.json["detail"].startswith("text: it has 1,000,002 bytes")
