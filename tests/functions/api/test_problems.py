"""Answers to requests that fail for reasons of Heed."""

from __future__ import annotations

import re

import pytest

from lib.storage import Storage, Unavailable
from lib.storage.memory import memory_storage
from tests.support.heed import ADMIN_KEY, Heed


class Down:
    """Storage that does not answer."""

    async def read_row(self, *_: object) -> None:
        raise Unavailable("down")


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
