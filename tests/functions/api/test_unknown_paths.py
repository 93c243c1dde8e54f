"""Whatever is asked under /api: an answer that a program can read."""

from __future__ import annotations

from typing import Any

import pytest

from functions.app import make_app
from infra.local.host.application import list_functions
from infra.local.host.routing import Router, shadowed_routes
from tests.support.heed import ADMIN_KEY, Heed, Response


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/organizations", "/api/orgs/acme/nothing/here/at/all"]
)
async def test_a_path_that_there_is_not_is_404_with_a_problem_document(heed: Heed, method: str, path: str) -> None:
    answer = await heed.request(method, path)

    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (answer.json["status"], answer.json["title"]) == (404, "Not Found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/health", "GET, HEAD, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
        ("/api/docs", "GET, HEAD, OPTIONS"),
        ("/api/orgs", "GET, HEAD, OPTIONS"),
        ("/api/orgs/acme", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/api/orgs/acme/messages/abc/schedule", "DELETE, OPTIONS, PUT"),
        ("/api/orgs/acme/messages/abc/send/", "OPTIONS, POST"),
        ("/API/Orgs/acme/consents/ada%40example.com", "GET, HEAD, OPTIONS, PUT"),
        ("/api/orgs/acme/consents/a/b@example.com", "GET, HEAD, OPTIONS, PUT"),
        ("/api/ops/replay", "OPTIONS, POST"),
    ],
)
async def test_a_method_that_a_path_has_not_is_405_and_options_names_those_it_has(
    heed: Heed, path: str, allowed: str
) -> None:
    options = await heed.request("OPTIONS", path)
    missing = next(method for method in ("DELETE", "POST", "PATCH", "GET") if method not in allowed)
    answer = await heed.request(missing, path)

    assert (options.status, options.headers["allow"], options.body) == (204, allowed, b"")
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/problem+json"
    assert missing in answer.json["detail"]


async def test_head_is_answered_like_get(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada"})
    for path in ("/records/contact/c1", "/users", "/users/nobody"):
        get, head = [await heed.api(method, path) for method in ("GET", "HEAD")]
        assert (head.status, without_rate(head)) == (get.status, without_rate(get))
    assert (await heed.request("HEAD", "/api/health")).status == 200
    assert (await heed.request("HEAD", "/api/openapi.json")).status == 200
    assert (await heed.request("HEAD", "/api/orgs/acme/users")).status == 401


async def test_refused_callers_get_problem_documents(heed: Heed) -> None:
    reader = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)).json["key"]
    requests: list[tuple[int, Any]] = [
        (401, await heed.request("GET", "/api/orgs/acme/users")),
        (403, await heed.request("PUT", "/api/orgs/acme/users/x", {"email": "x@acme.example"}, key=reader)),
        (404, await heed.request("GET", "/api/orgs/other/users", key=heed.key)),
        (400, await heed.api("PUT", "/users/x", b"{")),
    ]
    for status, answer in requests:
        assert (answer.status, answer.json["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_what_goes_wrong_inside_is_500_and_tells_nothing_of_it(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(heed.services.people, "set_opt_in", fail)
    answer = await heed.api("POST", "/users/opt-in", {"users": "all", "opt_in": True})

    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.body.decode()


async def test_the_functions_host_tries_every_endpoint_before_the_answer_for_unknown_paths(heed: Heed) -> None:
    """It tries routes in the order of the functions' names."""
    router = Router()
    for function in list_functions(make_app(heed.services.recipients)):
        if function.trigger_type == "httpTrigger":
            router.add_route(function.name, function.trigger.route, [each.value for each in function.trigger.methods])

    assert shadowed_routes(router.routes) == []


async def test_what_recipients_request_is_no_business_of_the_api(heed: Heed) -> None:
    assert (await heed.request("GET", "/o/x.gif")).status == 200
    assert (await heed.request("GET", "/c/x")).headers["content-type"].startswith("text/html")


def without_rate(answer: Response) -> dict[str, str]:
    """The headers but for those that each answer has of its own."""
    return {name: value for name, value in answer.headers.items() if name not in ("ratelimit", "x-request-id")}
