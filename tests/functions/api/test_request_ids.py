"""Ids of requests: in every answer of the API, and in every line of the log about it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from lib.operations.logs import name_requests
from tests.support.heed import Heed

MADE = re.compile(r"[A-Za-z0-9_-]{22,64}")


@pytest.fixture
def named_lines() -> Iterator[None]:
    """Log lines as the started app writes them."""
    before = logging.getLogRecordFactory()
    name_requests()
    yield
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize(
    "path", ["/api/health", "/api/openapi.json", "/api/docs", "/api/errors", "/api/nothing", "/api/orgs/acme/users"]
)
async def test_every_answer_of_the_api_has_an_id_of_its_own(heed: Heed, path: str) -> None:
    first, second = [(await heed.request("GET", path)).headers["x-request-id"] for _ in range(2)]

    assert MADE.fullmatch(first)
    assert first != second


async def test_recipients_get_no_id(heed: Heed) -> None:
    for path in ("/o/x.gif", "/c/x", "/o/health"):
        assert "x-request-id" not in (await heed.request("GET", path)).headers


@pytest.mark.parametrize("given", ["abc", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a" * 64])
async def test_a_plain_short_id_comes_back(heed: Heed, given: str) -> None:
    assert (await heed.api("GET", "/users", x_request_id=given)).headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["", " ", "a" * 65, "a" * 10_000, "a b", "a\r\nSet-Cookie: b=c", "a\nb", "é", "-a", "%s", "<b>", "{0}"]
)
async def test_any_other_id_is_replaced(heed: Heed, given: str) -> None:
    answer = await heed.api("GET", "/users", x_request_id=given)

    assert answer.status == 200
    assert MADE.fullmatch(answer.headers["x-request-id"])
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("named_lines")
async def test_a_line_of_the_log_begins_with_the_id(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        logging.getLogger("heed.test").warning("%d %s", 7, "100 %")
        raise RuntimeError("broken")

    monkeypatch.setattr(heed.services.people, "user", broken)

    answer = await heed.api("POST", "/messages", {"from": "rep1"}, x_request_id="abc-1")
    logging.getLogger("heed.test").warning("later")

    assert answer.headers["x-request-id"] == "abc-1"
    said = [record.getMessage() for record in caplog.records if record.name.startswith("heed.")]
    assert said[0] == "request abc-1: 7 100 %"
    assert [each.partition(",")[0] for each in said[1:]] == ["request abc-1: unforeseen RuntimeError", "later"]
