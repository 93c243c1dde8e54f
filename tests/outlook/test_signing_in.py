"""Signing in from Outlook: in a dialog by the organization's provider, or by the session that Outlook has itself."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.outlook.stage import HTML, Stage, staged, written
from tests.support.heed import ADMIN_KEY, BASE_URL, START, Heed, Response
from tests.support.identity_provider import AUDIENCE, IdentityProvider, running_provider, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENT = "console-of-heed"
NONCE = "a-number-used-once"
MICROSOFT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("outlook")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def provider() -> AsyncIterator[IdentityProvider]:
    async with running_provider() as running:
        running.now = START.timestamp()
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def heed(stage: Stage, provider: IdentityProvider) -> Heed:
    """Heed with an organization that has the provider, as the stage's tabs see it."""
    stage.heed = await Heed(settings={"HEED_LOOPBACK": "on"}).start()
    await have(stage.heed, provider.issuer)
    return stage.heed


async def have(heed: Heed, issuer: str) -> None:
    sign_in = {"issuer": issuer, "audience": AUDIENCE, "client_id": CLIENT}
    answer = await heed.request("PATCH", "/api/orgs/acme", {"settings": {"sign_in": sign_in}}, key=ADMIN_KEY)
    assert answer.status == 200, answer.body


async def leave(heed: Heed, query: str = f"?nonce={NONCE}") -> Response:
    return await heed.request("GET", f"/outlook/acme/sign-in{query}")


async def come_back(heed: Heed, left: Response, query: str) -> Response:
    cookie = left.headers["set-cookie"].partition(";")[0]
    return await heed.request("GET", f"/outlook/-/sign-in/back?{query}", headers={"cookie": cookie})


async def test_a_person_signs_in_in_a_dialog_and_sees_the_mail(
    stage: Stage, heed: Heed, provider: IdentityProvider
) -> None:
    shown = await stage.open("pane", written())
    before = await shown.ready()

    await shown.tab.get_by_role("button", name="Sign in").click()
    await shown.tab.get_by_text("Opens and clicks will be recorded.").wait_for()

    assert "Sign in to see" in before
    token = await shown.tab.evaluate("sessionStorage.getItem('heed.token')")
    assert token.count(".") == 2
    assert await shown.tab.evaluate("localStorage.length") == 0
    assert (await shown.item())["properties"] == {}
    await shown.tab.context.close()


async def test_a_person_with_another_address_than_the_mailbox_can_sign_in_as_another(
    stage: Stage, heed: Heed, provider: IdentityProvider
) -> None:
    await heed.put("/users/rep2", {"email": "assistant@acme.example", "name": "Ann", "opt_in": True})
    shown = await stage.open("pane", written(), token=await stage.token("rep2"))
    assert "a person with another address" in await shown.ready()

    await shown.tab.get_by_role("button", name="Sign in").click()

    await shown.tab.get_by_text("Opens and clicks will be recorded.").wait_for()
    await shown.tab.context.close()


async def test_a_dialog_that_is_closed_leaves_the_way_in(stage: Stage, heed: Heed) -> None:
    shown = await stage.open("pane", written())
    await shown.ready()
    await shown.tab.context.route("**/sign-in?*", lambda route: route.fulfill(body="Not now"))

    async with shown.tab.expect_popup():
        await shown.tab.get_by_role("button", name="Sign in").click()
    await shown.tab.evaluate("standIn.closeDialog()")

    await shown.tab.get_by_text("You are not signed in.").wait_for()
    await shown.tab.get_by_role("button", name="Sign in").wait_for()
    await shown.tab.context.close()


async def test_the_reason_why_a_provider_lets_nobody_in_stands_in_the_pane(
    stage: Stage, heed: Heed, provider: IdentityProvider
) -> None:
    provider.access_token = None
    shown = await stage.open("pane", written())
    await shown.ready()

    await shown.tab.get_by_role("button", name="Sign in").click()

    await shown.tab.get_by_text("has given no token").wait_for()
    await shown.tab.context.close()


async def test_a_token_of_another_sign_in_is_not_taken(stage: Stage, heed: Heed) -> None:
    shown = await stage.open("pane", written())
    await shown.ready()
    said = json.dumps({"token": "a.b.c", "seconds": 3600, "nonce": "another"})
    page = f"<script>opener.postMessage({{saidInDialog: {json.dumps(said)}}}, '{BASE_URL}')</script>"
    await shown.tab.context.route("**/sign-in?*", lambda route: route.fulfill(body=page, content_type="text/html"))

    await shown.tab.get_by_role("button", name="Sign in").click()

    await shown.tab.get_by_text("You are not signed in.").wait_for()
    assert await shown.tab.evaluate("sessionStorage.getItem('heed.token')") is None
    await shown.tab.context.close()


async def test_outlooks_own_session_signs_in_without_a_dialog(stage: Stage, heed: Heed) -> None:
    """MSAL.js as it is, with a stand-in for the bridge to Outlook. The token is for the API, and Heed gets it."""
    await have(heed, f"{MICROSOFT}/v2.0")
    heard: list[str | None] = []
    bridge = {"token": "from.outlook.itself", "identity": signed({"aud": CLIENT, "oid": "1", "tid": "2", "sub": "3"})}
    shown = await stage.open("launch", written(), supported={"NestedAppAuth": True}, bridge=bridge)

    async def hear(route: Any) -> None:
        heard.append(route.request.headers.get("authorization"))
        await route.fulfill(status=503, body="{}")

    await shown.tab.route("**/api/**", hear)
    await shown.send()
    left = await shown.left()

    assert left["body"] == HTML
    assert heard[0] == "Bearer from.outlook.itself"
    [asked] = await shown.tab.evaluate("standIn.askedFor")
    assert (asked["clientId"], asked["scope"]) == (CLIENT, f"{AUDIENCE}/.default")
    assert shown.complaints == [each for each in shown.complaints if "503" in each]
    await shown.tab.context.close()


async def test_the_way_back_hands_the_token_to_a_page_of_this_host_alone(
    stage: Stage, heed: Heed, provider: IdentityProvider
) -> None:
    left = await leave(heed)
    answer = await come_back(heed, left, await _query_back(left))

    page = answer.body.decode()
    assert answer.status == 200
    assert f'data-nonce="{NONCE}"' in page
    assert re.search(r'data-token="[\w.-]+"', page)
    assert answer.headers["cache-control"] == "no-store"
    for each in (left, answer):
        assert each.headers["cross-origin-opener-policy"] == "unsafe-none"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def _query_back(left: Response) -> str:
    """What the provider sends the person back with."""
    import aiohttp

    async with (
        aiohttp.ClientSession() as session,
        session.get(left.headers["location"], allow_redirects=False) as answer,
    ):
        return answer.headers["Location"].partition("?")[2]


async def test_microsofts_provider_is_asked_for_a_token_of_the_api(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    await have(heed, f"{MICROSOFT}/v2.0")

    async def endpoint(*_: object) -> str:
        return f"{MICROSOFT}/oauth2/v2.0/authorize"

    monkeypatch.setattr("lib.organizations.sign_in.code_flow.CodeFlow._endpoint", endpoint)
    address = (await leave(heed)).headers["location"]

    assert "scope=openid+profile+api%3A%2F%2Fheed%2F.default" in address


@pytest.mark.parametrize("query", ["", "?nonce=", "?nonce=short", f"?nonce={'x' * 65}", "?nonce=%3Cscript%3Ealert(1)"])
async def test_a_sign_in_that_no_pane_has_begun_is_refused(heed: Heed, query: str) -> None:
    answer = await leave(heed, query)

    assert answer.status == 400
    assert "set-cookie" not in answer.headers


async def test_a_way_back_of_another_browser_is_refused(heed: Heed) -> None:
    left = await leave(heed)
    query = await _query_back(left)

    without = await heed.request("GET", f"/outlook/-/sign-in/back?{query}")
    forged = await come_back(heed, left, "code=x&state=another")

    assert (without.status, forged.status) == (400, 403)
    assert b'data-token=""' in without.body
    assert b'data-token=""' in forged.body


async def test_a_provider_without_a_token_for_the_api_is_said(heed: Heed, provider: IdentityProvider) -> None:
    provider.access_token = None
    left = await leave(heed)

    answer = await come_back(heed, left, await _query_back(left))

    assert answer.status == 403
    assert b"has given no token" in answer.body


async def test_without_a_provider_nobody_can_sign_in(stage: Stage) -> None:
    stage.heed = await Heed().start()
    shown = await stage.open("pane", written())

    assert "Nobody can sign in here" in await shown.ready()
    assert (await leave(stage.heed)).status == 403
    await shown.tab.context.close()
