"""Reads as raw requests: what the service may answer, and what becomes of it. (Azurite is asked elsewhere.)"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from multidict import MultiMapping

from lib.storage import Range, Row, Storage, StorageError, Unavailable
from lib.storage.azure.account import Account
from lib.storage.azure.tables import azure_storage, close_storage
from tests.support.storage_suite import rows_of

ETAG = "W/\"datetime'2026-05-04T09%3A30%3A01.4474015Z'\""

# As "Payload format for Table service operations" shows it, with minimal metadata.
ENTITY = {
    "odata.etag": ETAG,
    "PartitionKey": "p",
    "RowKey": "r",
    "Timestamp@odata.type": "Edm.DateTime",
    "Timestamp": "2026-05-04T09:30:01.4474015Z",
    "w": "0123456789ab",
    "text": "2026-05-04T09:30:00Z",
    "small": 7,
    "large@odata.type": "Edm.Int64",
    "large": "9223372036854775807",
    "whole": 1.0,
    "double@odata.type": "Edm.Double",
    "double": "-Infinity",
    "yes": True,
    "day@odata.type": "Edm.DateTime",
    "day": "2026-05-04T00:00:00Z",
}
ROW = Row(
    "p",
    "r",
    {
        "text": "2026-05-04T09:30:00Z",
        "small": 7,
        "large": 2**63 - 1,
        "whole": 1.0,
        "double": float("-inf"),
        "yes": True,
        "day": "2026-05-04T00:00:00Z",
    },
    ETAG,
)


def page(*keys: str) -> dict[str, Any]:
    return {"value": [{**ENTITY, "RowKey": key} for key in keys]}


def following(**names: str) -> dict[str, str]:
    return {f"x-ms-continuation-{name}": value for name, value in names.items()}


@dataclass(slots=True)
class Service:
    """Answers every read with the next of its answers, the last one again and again, and keeps what it was asked."""

    answers: list[tuple[int, Any, Mapping[str, str]]]
    storage: Storage
    asked: list[tuple[str, MultiMapping[str]]] = field(default_factory=list)

    def answer(self, *answers: Any, status: int = 200) -> None:
        self.answers = [each if isinstance(each, tuple) else (status, each, {}) for each in answers]

    async def keys(self, limit: int | None = None) -> list[str]:
        return [row.key for row in await rows_of(self.storage.tables.query("table", "p", Range(low="a"), limit))]


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr("lib.storage.azure.tables._PAUSES", (0.0, 0.0, 0.0))

    async def serve(request: web.Request) -> web.Response:
        made.asked.append((request.path, request.query))
        status, content, headers = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
        text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    made = Service([(200, {}, {})], azure_storage(Account("acct", url, url, url, key=b"key")))
    yield made
    await close_storage(made.storage)
    await runner.cleanup()


async def test_every_column_has_its_type_and_what_the_service_adds_is_none(service: Service) -> None:
    service.answer(ENTITY)
    found = await service.storage.tables.read_row("table", "p", "r")
    assert found == ROW
    assert {name: type(value) for name, value in found.values.items()} == {
        name: type(value) for name, value in ROW.values.items()
    }

    service.answer({"value": [ENTITY]})
    assert await rows_of(service.storage.tables.query("table", "p")) == [ROW]


async def test_an_answer_without_rows_may_have_one_after_it(service: Service) -> None:
    service.answer(
        (200, page("a"), following(NextPartitionKey="1!4!cA--", NextRowKey="1!4!YQ--")),
        (200, page(), following(NextPartitionKey="1!4!cQ--")),
        (200, page("b"), {}),
    )

    assert await service.keys() == ["a", "b"]
    first, second, third = (dict(query) for _, query in service.asked)
    assert first == {"$top": "250", "$filter": "PartitionKey eq 'p' and RowKey ge 'a'"}
    assert second == {**first, "NextPartitionKey": "1!4!cA--", "NextRowKey": "1!4!YQ--"}
    assert third == {**first, "NextPartitionKey": "1!4!cQ--"}


async def test_no_more_is_asked_for_than_the_limit_leaves(service: Service) -> None:
    service.answer((200, page("a", "b"), following(NextPartitionKey="p", NextRowKey="c")))

    assert await service.keys(limit=4) == ["a", "b", "a", "b"]
    assert [query["$top"] for _, query in service.asked] == ["4", "2"]


@pytest.mark.parametrize("code", ["ResourceNotFound", "TableNotFound"])
async def test_what_is_missing_is_no_row(service: Service, code: str) -> None:
    service.answer({"odata.error": {"code": code}}, status=404)

    assert await service.storage.tables.read_row("table", "p", "r") is None
    assert await service.keys() == []


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [(400, StorageError, 1), (403, StorageError, 1), (408, Unavailable, 4), (429, Unavailable, 4),
     (500, Unavailable, 4), (503, Unavailable, 4)],
)  # fmt: skip
async def test_a_read_that_is_refused_says_what_can_be_done(
    service: Service, status: int, error: type[StorageError], requests: int
) -> None:
    service.answer({"odata.error": {"code": "ItsReason", "message": {"value": "About secret key"}}}, status=status)

    with pytest.raises(StorageError) as caught:
        await service.storage.tables.read_row("table", "p", "secret key")
    assert type(caught.value) is error
    assert "ItsReason" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(service.asked) == requests


@pytest.mark.parametrize(
    "broken",
    ["", '{"value":[{"PartitionK', "<html>", "[]", "null", "{}", '{"value":null}', '{"value":[{}]}', "[" * 9_999],
)
async def test_an_answer_that_cannot_be_read_is_asked_for_again(service: Service, broken: str) -> None:
    service.answer((200, broken, {}), (200, page("a"), {}))

    assert await service.keys() == ["a"]


async def test_a_fault_between_two_answers_neither_loses_nor_repeats_a_row(service: Service) -> None:
    service.answer(
        (200, page("a", "b"), following(NextPartitionKey="p", NextRowKey="c")),
        (503, {}, {}),
        (200, page("c"), {}),
    )

    assert await service.keys() == ["a", "b", "c"]
