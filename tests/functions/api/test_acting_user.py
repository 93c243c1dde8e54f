"""The acting user must be one of the organization's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure
from tests.support.heed import Heed

USER = {"email": "new@acme.example", "time_zone": "Asia/Tokyo"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/cards", None),
        ("GET", "/messages", None),
        ("GET", "/messages/{message}", None),
        ("POST", "/messages", {"from": "rep1"}),
        ("POST", "/messages/{message}/send", None),
        ("DELETE", "/messages/{message}", None),
        ("PUT", "/consents/ada@example.com", {"follow": "allow"}),
        ("GET", "/templates", None),
        ("POST", "/simulate", {"from": "rep1"}),
    ],
)
async def test_an_unknown_user_cannot_act_and_is_told_what_to_do(heed: Heed, method: str, path: str, body: Any) -> None:
    path = path.format(message=await heed.draft())

    answer = await heed.api(method, path, body, x_heed_user="new")

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["header", "X-Heed-User"])
    assert "PUT /api/orgs/acme/users/new" in answer.json["detail"]
    assert len((await heed.get("/messages"))["items"]) == 1


async def test_a_user_can_act_as_soon_as_there_is_one_and_may_make_itself(heed: Heed) -> None:
    assert (await heed.api("GET", "/messages", x_heed_user="new")).status == 422

    assert (await heed.api("PUT", "/users/new", USER, x_heed_user="new")).status == 201
    assert (await heed.api("GET", "/users", x_heed_user="newer")).status == 200

    assert (await heed.api("GET", "/messages", x_heed_user="new")).status == 200


async def test_a_user_of_another_organization_is_unknown(heed: Heed) -> None:
    other = await heed.organization("other")

    answer = await heed.request("GET", "/api/orgs/other/messages", key=other, headers={"x-heed-user": "rep1"})

    assert answer.status == 422


async def test_a_name_that_is_no_id_is_malformed(heed: Heed) -> None:
    for name in ("a b", "../x", ""):
        assert (await heed.api("GET", "/messages", x_heed_user=name)).status == 400


async def test_a_user_who_calls_again_is_looked_up_once_a_minute() -> None:
    failure = Failure()
    heed = await disturbed_heed(failure)

    async def operations(**headers: str) -> int:
        failure.arm(0, "before")
        assert (await heed.api("GET", "/records/contact/none", **headers)).status == 404
        return failure.count

    without = await operations()
    first = await operations(x_heed_user="rep1")
    again = [await operations(x_heed_user="rep1") for _ in range(5)]
    heed.clock.move(seconds=61)
    later = await operations(x_heed_user="rep1")

    assert (first, again, later) == (without + 1, [without] * 5, without + 1)
