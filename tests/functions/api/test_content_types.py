"""Bodies say that they are JSON, or say nothing; anything else is 415."""

from __future__ import annotations

import pytest

from tests.support.heed import Heed

USER = b'{"email": "new@acme.example"}'


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json ; version=2; charset=utf8",
        "application/merge-patch+json",
        "application/vnd.acme.user+json; charset=utf-8",
    ],
)
async def test_json_is_read(heed: Heed, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content_type": content_type}

    assert (await heed.api("PUT", "/users/new", USER, **headers)).status == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/xml",
        "application/octet-stream",
        "text/json",
        "json",
        "application/",
        "application/jsonx",
        "x-application/json",
        "image/svg+json",
        "application/json, text/plain",
        "application/json; charset=latin1",
        'application/json; charset="utf-16"',
        "application/json; " + "x" * 5000,
    ],
)
async def test_another_body_is_415_and_changes_nothing(heed: Heed, content_type: str) -> None:
    answer = await heed.api("PUT", "/users/new", USER, content_type=content_type)

    assert (answer.status, answer.headers["content-type"]) == (415, "application/problem+json")
    assert "Content-Type: application/json" in answer.json["detail"]
    assert answer.headers["accept"] == "application/json"
    assert (await heed.api("GET", "/users/new")).status == 404


async def test_what_has_no_body_or_a_file_or_a_text_may_have_any_type(heed: Heed) -> None:
    message = await heed.draft()

    assert (await heed.api("GET", "/users", content_type="text/plain")).status == 200
    assert (await heed.api("POST", f"/messages/{message}/send", content_type="text/plain")).status == 202
    other = await heed.draft()
    path = f"/messages/{other}/attachments?filename=a.txt"
    assert (await heed.api("POST", path, b"Hi", content_type="application/x-www-form-urlencoded")).status == 201


async def test_a_byte_order_mark_before_the_body_is_passed_over(heed: Heed) -> None:
    assert (await heed.api("PUT", "/users/new", b"\xef\xbb\xbf" + USER)).status == 201
    assert (await heed.api("PUT", "/users/new", b"\xef\xbb\xbf\xef\xbb\xbf" + USER)).status == 400
    assert (await heed.api("PUT", "/users/new", b"\xef\xbb\xbf")).status == 400


async def test_a_body_of_the_right_type_that_is_no_json_is_400(heed: Heed) -> None:
    assert (await heed.api("PUT", "/users/new", b"email=x", content_type="application/json")).status == 400


async def test_the_document_tells_of_415_and_the_others(heed: Heed) -> None:
    paths = (await heed.request("GET", "/api/openapi.json")).json["paths"]

    put = paths["/api/orgs/{org}/users/{user}"]["put"]["responses"]
    listed = paths["/api/orgs/{org}/users"]["get"]["responses"]
    assert {"400", "401", "403", "404", "409", "412", "413", "415", "422"} <= set(put)
    assert {"400", "401", "403", "404", "422"} <= set(listed)
    assert not {"409", "412", "413", "415"} & set(listed)
