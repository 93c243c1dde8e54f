"""Health, the OpenAPI document, its page, and replaying the log."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lib.storage import Row, Storage, Unavailable
from lib.storage.memory import MemoryTables, memory_storage
from tests.support.heed import ADMIN_KEY, BASE_URL, Heed


class Down:
    """Storage that does not answer."""

    async def insert(self, *_: object) -> None:
        raise Unavailable("down")

    async def put_message(self, *_: object) -> None:
        raise Unavailable("down")

    async def read_row(self, *_: object) -> None:
        raise Unavailable("down")


async def test_health_is_ok_while_storage_answers(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/health")

    assert answer.status == 200
    assert answer.json == {
        "status": "ok",
        "checks": {"storage": "ok", "mail": "ok", "reminders": "ok"},
        "oldest_overdue_seconds": {"mail": 0, "reminders": 0},
    }


async def test_health_says_what_does_not_answer() -> None:
    memory = memory_storage()
    heed = Heed(storage=Storage(Down(), memory.blobs, memory.queues))  # type: ignore[arg-type]

    answer = await heed.request("GET", "/api/health")

    assert (answer.status, answer.json["checks"]) == (503, {"storage": "does not answer"})


async def test_health_fails_while_a_mail_should_have_gone_five_minutes_ago(heed: Heed) -> None:
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")  # and the queue is not worked off

    heed.clock.move(minutes=5)
    assert (await heed.request("GET", "/api/health")).status == 200
    heed.clock.move(minutes=1)
    answer = await heed.request("GET", "/api/health")

    assert (answer.status, answer.json["status"]) == (503, "failing")
    assert answer.json["oldest_overdue_seconds"] == {"mail": 360, "reminders": 0}
    assert answer.json["checks"] == {
        "storage": "ok",
        "mail": "the oldest should have gone 360 s ago",
        "reminders": "ok",
    }
    await heed.work()
    heed.clock.move(seconds=10)
    assert (await heed.request("GET", "/api/health")).status == 200


async def test_health_fails_while_a_reminder_should_have_come_five_minutes_ago(heed: Heed) -> None:
    at = "2026-05-04T10:00:00Z"
    await heed.draft(reminder={"title": "Call", "condition": "always", "at": at})

    heed.clock.move(minutes=40)
    answer = await heed.request("GET", "/api/health")
    assert (answer.status, answer.json["oldest_overdue_seconds"]) == (503, {"mail": 0, "reminders": 600})

    await heed.tick("remind")
    heed.clock.move(seconds=10)
    assert (await heed.request("GET", "/api/health")).status == 200


class Counted(MemoryTables):
    queries = 0

    def query(self, *arguments: Any, **named: Any) -> AsyncIterator[Row]:
        self.queries += 1
        return super().query(*arguments, **named)


async def test_however_often_health_is_asked_the_due_index_is_read_once_in_five_seconds() -> None:
    tables = Counted()
    heed = await Heed(storage=replace(memory_storage(), tables=tables)).start()
    before = tables.queries

    for _ in range(20):
        await heed.request("GET", "/api/health")
        heed.clock.move(seconds=0.2)

    assert tables.queries - before == 3  # mail, reminders, snoozed cards


async def test_each_sweep_tells_as_a_metric_how_long_the_oldest_item_has_been_due(
    heed: Heed, caplog: pytest.LogCaptureFixture
) -> None:
    message = await heed.draft(reminder={"title": "Call", "condition": "always", "at": "2026-05-04T10:00:00Z"})
    await heed.post(f"/messages/{message}/send")
    heed.clock.move(minutes=31)

    with caplog.at_level(logging.INFO, "heed.metrics"):
        await heed.tick("sweep_due")
        await heed.tick("remind")

    lines = [json.loads(record.getMessage().removeprefix("heed.metric ")) for record in caplog.records]
    assert lines == [
        {"name": "oldest_overdue_seconds", "kind": "mail", "value": 31 * 60},
        {"name": "oldest_overdue_seconds", "kind": "reminders", "value": 60},
    ]


async def test_the_api_says_503_and_when_to_come_again_while_storage_is_down() -> None:
    memory = memory_storage()
    heed = Heed(storage=Storage(Down(), memory.blobs, memory.queues))  # type: ignore[arg-type]

    answer = await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_an_unforeseen_error_tells_a_number_and_nothing_else(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(heed.services.people, "user", broken)

    answer = await heed.api("POST", "/messages", {"from": "rep1"})

    assert answer.status == 500
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    number = re.search(r"number ([0-9a-f]{12})", answer.json["detail"])
    assert number
    assert number[1] in caplog.text


async def test_the_document_describes_every_endpoint_with_its_shapes(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": BASE_URL}]
    post = document["paths"]["/api/orgs/{org}/messages"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/MessageSpec"}
    assert {"/o/{token}.gif", "/c/{token}", "/api/health"} <= set(document["paths"])
    spec = document["components"]["schemas"]["MessageSpec"]
    assert "from" in spec["properties"]
    assert spec["additionalProperties"] is False


async def test_every_reference_in_the_document_leads_somewhere(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            found = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return found + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    names = {ref.removeprefix("#/components/schemas/") for ref in references(document)}
    assert names <= set(document["components"]["schemas"])
    ids = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(ids) == len(set(ids))


async def test_every_shape_says_what_it_is_and_times_are_called_times(heed: Heed) -> None:
    document = (await heed.request("GET", "/api/openapi.json")).json

    shapes = document["components"]["schemas"]
    assert [name for name, shape in shapes.items() if not shape.get("description")] == []
    assert shapes["MessageRead"]["properties"]["created_at"] == {
        "type": "string",
        "format": "date-time",
        "title": "Created At",
    }


async def test_the_page_shows_the_document_and_loads_nothing_from_elsewhere(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/docs")

    page = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert "/api/orgs/{org}/messages/{message}/timeline" in page
    assert "<script" not in page
    assert not re.search(r"""(?:src|href)=["']https?:""", page)


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


async def test_only_the_administrator_replays(heed: Heed) -> None:
    assert (await heed.request("POST", "/api/ops/replay", b"", key=heed.key)).status == 403


def test_the_domain_knows_nothing_of_azure_functions() -> None:
    root = Path(__file__).parents[2] / "lib"
    guilty = [
        path for path in root.rglob("*.py") if re.search(r"azure\.functions|^from functions", path.read_text(), re.M)
    ]

    assert guilty == []
