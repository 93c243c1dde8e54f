"""Every answer tells browsers what they must not do with it."""

from __future__ import annotations

import pytest

from functions.app import make_app
from infra.local.host.application import list_functions
from tests.support.heed import ADMIN_KEY, Heed, Response

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}


async def answers(heed: Heed) -> dict[str, Response]:
    await heed.put("/templates/t1", {"name": "t", "subject": "s", "html": "<p>x</p>", "text": "x", "language": "en"})
    await heed.sent()
    return {
        "pixel": await heed.hit(heed.urls("o")[0]),
        "the pixel again": await heed.hit(heed.urls("o")[0]),
        "click": await heed.hit(heed.urls("c")[0]),
        "dead link": await heed.hit("/c/nothing"),
        "dead attachment": await heed.hit("/a/nothing/x.pdf"),
        "image": await heed.hit("/i/nothing/x.png"),
        "start": await heed.request("GET", "/", headers={"accept": "text/html"}),
        "start as text": await heed.request("GET", "/"),
        "docs": await heed.request("GET", "/api/docs"),
        "text for models": await heed.request("GET", "/api/llms.txt"),
        "document": await heed.request("GET", "/api/openapi.json"),
        "health": await heed.request("GET", "/api/health"),
        "JSON": await heed.api("GET", "/users"),
        "page": await heed.api("GET", "/templates/t1/preview"),
        "problem": await heed.request("GET", "/api/orgs/acme/users"),
        "unknown path": await heed.request("GET", "/api/nothing"),
        "options": await heed.request("OPTIONS", "/api/health"),
    }


async def test_every_answer_has_them(heed: Heed) -> None:
    for what, answer in (await answers(heed)).items():
        assert EVERYWHERE.items() <= answer.headers.items(), what
        assert answer.headers["permissions-policy"].startswith("camera=()"), what
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), what
        assert "frame-ancestors 'none'" in policy or "sandbox" in policy, what
        assert "script-src" not in policy.replace("script-src 'none'", ""), what


async def test_pages_may_show_their_own_styles_and_other_answers_show_nothing(heed: Heed) -> None:
    found = await answers(heed)
    pages = {"dead link", "dead attachment", "start", "start as text", "docs", "page"}

    assert {what for what, answer in found.items() if "style-src" in answer.headers["content-security-policy"]} == pages


async def test_what_a_caller_is_told_is_stored_nowhere(heed: Heed) -> None:
    for answer in (await heed.api("GET", "/users"), await heed.request("GET", "/api/orgs", key=ADMIN_KEY)):
        assert answer.headers["cache-control"] == "no-store"


async def test_a_deployment_without_https_does_not_ask_for_it() -> None:
    heed = await Heed(settings={"HEED_BASE_URL": "http://heed.test"}).start()

    assert "strict-transport-security" not in (await heed.api("GET", "/users")).headers


async def test_every_http_function_has_them_around_it(heed: Heed) -> None:
    functions = list_functions(make_app(heed.services.recipients, heed.services))
    wrapped = {function.name for function in functions if hasattr(function.handler, "__wrapped__")}

    assert wrapped == {function.name for function in functions if function.trigger_type == "httpTrigger"}


@pytest.mark.parametrize("path", ["/api/orgs/acme/users", "/c/x", "/api/health"])
async def test_head_has_them_too(heed: Heed, path: str) -> None:
    assert EVERYWHERE.items() <= (await heed.request("HEAD", path)).headers.items()
