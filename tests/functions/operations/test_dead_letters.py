"""Messages that failed every time: the operator's list, the replay, and the alarm."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from lib.operations.dead_letters import dead_letter_kind
from lib.organizations.job_orders import DeletedUserOrder
from lib.sending.orders import Wake
from lib.storage.memory import MemoryDeadLetters
from lib.tracking.journal import queue_body
from tests.support.heed import ADMIN_KEY, Heed, Response

SECRET = b'{"v": 9, "to": "ada@example.com"}'


def dead_letters(heed: Heed) -> MemoryDeadLetters:
    found = heed.storage.queues.dead_letters
    assert isinstance(found, MemoryDeadLetters)
    return found


async def listing(heed: Heed) -> Response:
    return await heed.request("GET", "/api/ops/dead-letters", key=ADMIN_KEY)


async def replay(heed: Heed, **body: object) -> Response:
    return await heed.request("POST", "/api/ops/dead-letters/replay", body, key=ADMIN_KEY)


async def test_they_are_listed_with_what_they_are_about_and_not_what_they_say(heed: Heed) -> None:
    message = await heed.draft()
    since = heed.clock.now()
    dead_letters(heed).bury("outbox", Wake("acme", message).to_json().encode(), since)
    dead_letters(heed).bury("interactions", SECRET, since, tries=10)
    heed.clock.move(minutes=5)

    answer = await listing(heed)

    assert answer.status == 200
    assert answer.json["counts"] == {"interactions": 1, "outbox": 1, "inbound": 0, "jobs": 0, "webhooks": 0}
    assert answer.json["items"] == [
        {
            "queue": "interactions",
            "id": "dead2",
            "kind": "unreadable",
            "size": len(SECRET),
            "tries": 10,
            "since": "2026-05-04T09:30:00.000Z",
            "age_seconds": 300,
            "reason": "MaxDeliveryCountExceeded",
        },
        {
            "queue": "outbox",
            "id": "dead1",
            "kind": "wake",
            "size": len(Wake("acme", message).to_json()),
            "tries": 5,
            "since": "2026-05-04T09:30:00.000Z",
            "age_seconds": 300,
            "reason": "MaxDeliveryCountExceeded",
        },
    ]
    assert b"ada@" not in answer.body


async def test_a_replayed_message_is_worked_off_as_if_it_had_never_failed(heed: Heed) -> None:
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    heed.storage.queues.waiting.clear()  # type: ignore[attr-defined]
    dead_letters(heed).bury("outbox", Wake("acme", message).to_json().encode(), heed.clock.now())

    answer = await replay(heed, queue="outbox", ids="all")
    await heed.work()

    assert (answer.status, answer.json) == (200, {"replayed": 1})
    assert (await heed.get(f"/messages/{message}"))["status"] == "sent"
    assert (await listing(heed)).json == {
        "counts": {"interactions": 0, "outbox": 0, "inbound": 0, "jobs": 0, "webhooks": 0},
        "items": [],
    }


async def test_only_the_chosen_ones_are_replayed(heed: Heed) -> None:
    for _ in range(3):
        dead_letters(heed).bury("interactions", SECRET, heed.clock.now())

    answer = await replay(heed, queue="interactions", ids=["dead2", "dead9"])

    assert answer.json == {"replayed": 1}
    assert [item["id"] for item in (await listing(heed)).json["items"]] == ["dead1", "dead3"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"queue": "elsewhere", "ids": "all"}, "queue"),
        ({"queue": "outbox", "ids": "some"}, "ids"),
        ({"queue": "outbox"}, "ids"),
        ({"queue": "outbox", "ids": ["x"] * 1001}, "ids"),
        ({"queue": "outbox", "ids": "all", "more": 1}, "more"),
    ],
)
async def test_a_replay_that_makes_no_sense_is_refused_at_the_field(
    heed: Heed, body: dict[str, object], field: str
) -> None:
    answer = await replay(heed, **body)

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"][0] == field


async def test_they_are_the_administrators_alone(heed: Heed) -> None:
    for key, status in ((heed.key, 403), (None, 401), ("wrong", 401)):
        assert (await heed.request("GET", "/api/ops/dead-letters", key=key)).status == status
        body = {"queue": "outbox", "ids": "all"}
        assert (await heed.request("POST", "/api/ops/dead-letters/replay", body, key=key)).status == status


async def test_the_alarm_is_one_line_for_each_queue_that_has_any(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    await heed.tick("watch_dead_letters")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    for _ in range(2):
        dead_letters(heed).bury("outbox", SECRET, heed.clock.now() - timedelta(days=1))

    await heed.tick("watch_dead_letters")

    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line.startswith("heed.dead_letters {")
    assert json.loads(line.removeprefix("heed.dead_letters ")) == {"queue": "outbox", "count": 2}


async def test_a_metric_tells_how_many_each_queue_has(heed: Heed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "heed.metrics")
    dead_letters(heed).bury("outbox", SECRET, heed.clock.now())

    await heed.tick("watch_dead_letters")

    said = [
        json.loads(line.message.removeprefix("heed.metric ")) for line in caplog.records if line.levelno == logging.INFO
    ]
    assert {(value["queue"], value["value"]) for value in said if value["name"] == "dead_letters"} == {
        ("interactions", 0),
        ("inbound", 0),
        ("jobs", 0),
        ("webhooks", 0),
        ("outbox", 1),
    }


@pytest.mark.parametrize(
    ("queue", "body", "kind"),
    [
        ("outbox", Wake("acme", "0" * 32).to_json().encode(), "wake"),
        ("interactions", b'{"v": 1, "org": "acme", "facts": [], "messages": []}', "refresh"),
        ("interactions", queue_body("acme", [], ["2026050409-1777887000000a1b2c3d4e5f6"]).encode(), "facts"),
        ("interactions", b'{"v": 2, "org": "acme", "facts": []}', "unreadable"),
        ("jobs", DeletedUserOrder("acme", "rep1", "boss").to_json().encode(), "job"),
        ("jobs", DeletedUserOrder("acme", "rep1", None).to_json().encode(), "job"),
        ("jobs", b'{"v": 1, "org": "acme", "deleted_user": "a b"}', "unreadable"),
        ("jobs", b'{"v": 1, "org": "acme", "deleted_user": "rep1", "shown_to": 7}', "unreadable"),
        ("outbox", b"\xff\xfe\x00", "unreadable"),
        ("outbox", b"[" * 100_000, "unreadable"),
        ("interactions", b"[" * 100_000, "unreadable"),
    ],
    ids=range(11),
)
def test_the_kind_of_a_body_is_told_whatever_it_is(queue: str, body: bytes, kind: str) -> None:
    assert dead_letter_kind(queue, body) == kind
