"""Signing in by OpenID Connect: the code flow with a real provider on loopback, and the ways in which it goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from tests.console.site import Visitor, browsing, new_tab, serving_heed
from tests.support.heed import ADMIN_KEY, BASE_URL, START, Heed, Response
from tests.support.identity_provider import AUDIENCE, IdentityProvider, running_provider

CLIENT = "console-of-heed"
BACK = "/console/sign-in/back"


@pytest.fixture
async def provider() -> AsyncIterator[IdentityProvider]:
    async with running_provider() as running:
        running.now = START.timestamp()
        yield running


@pytest.fixture
async def heed(provider: IdentityProvider) -> Heed:
    started = await Heed(settings={"HEED_LOOPBACK": "on"}).start()
    await have(started, provider)
    return started


async def have(heed: Heed, provider: IdentityProvider, **fields: Any) -> None:
    """Let the organization have the provider."""
    sign_in = {"issuer": provider.issuer, "audience": AUDIENCE, "client_id": CLIENT, **fields}
    answer = await heed.request("PATCH", "/api/orgs/acme", {"settings": {"sign_in": sign_in}}, key=ADMIN_KEY)
    assert answer.status == 200, answer.body


class Person:
    """A browser's cookies, and the steps of the flow."""

    def __init__(self, heed: Heed) -> None:
        self.heed = heed
        self.cookies: dict[str, str] = {}

    async def get(self, path: str) -> Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.heed.request("GET", path, headers={"cookie": cookie})
        if given := answer.headers.get("set-cookie"):
            name, _, value = given.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def leave(self, after: str = "/console/messages") -> str:
        """Go to the provider; its address."""
        answer = await self.get(f"/console/sign-in/provider?organization=acme&next={after}")
        assert answer.status == 303, answer.body
        return answer.headers["location"]

    async def come_back(self, address: str) -> str:
        """Let the provider sign the person in; the path and the query to which it sends them."""
        async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as answer:
            back = answer.headers["Location"]
        assert back.startswith(f"{BASE_URL}{BACK}?")
        return back.removeprefix(BASE_URL)


async def test_a_person_comes_back_signed_in_to_the_page_they_wanted(heed: Heed) -> None:
    person = Person(heed)

    answer = await person.get(await person.come_back(await person.leave()))

    assert (answer.status, answer.headers["location"]) == (303, "/console/messages")
    assert b"Rita Rep" in (await person.get("/console/")).body


async def test_the_provider_is_asked_as_the_standards_say(heed: Heed, provider: IdentityProvider) -> None:
    first, second = await Person(heed).leave(), await Person(heed).leave()

    query = dict(parse_qsl(urlsplit(first).query))
    assert first.startswith(f"{provider.issuer}/authorize?tenant=1&")
    assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
    assert (query["redirect_uri"], query["code_challenge_method"]) == (f"{BASE_URL}{BACK}", "S256")
    assert "openid" in query["scope"].split()
    other = dict(parse_qsl(urlsplit(second).query))
    assert all(query[name] != other[name] for name in ("state", "nonce", "code_challenge"))


async def test_the_provider_is_asked_once_however_many_sign_ins_are_begun(
    heed: Heed, provider: IdentityProvider
) -> None:
    person = Person(heed)
    for _ in range(20):
        await Person(heed).leave()
    assert (await person.get(await person.come_back(await person.leave()))).status == 303

    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_a_provider_that_is_down_is_left_alone_for_some_seconds(heed: Heed, provider: IdentityProvider) -> None:
    provider.is_down = True
    path = "/console/sign-in/provider?organization=acme"
    assert {(await Person(heed).get(path)).status for _ in range(10)} == {503}
    assert len(provider.asked) == 1

    provider.is_down = False
    heed.clock.move(seconds=5)
    assert (await Person(heed).get(path)).status == 303


async def test_an_answer_of_another_sign_in_is_refused(heed: Heed) -> None:
    mine, others = Person(heed), Person(heed)
    await mine.leave()
    back = await others.come_back(await others.leave())

    assert (await mine.get(back)).status == 403  # another state
    assert (await Person(heed).get(back)).status == 400  # a browser that has not left
    assert (await mine.get("/console/")).status == 303


async def test_a_code_counts_once(heed: Heed) -> None:
    person = Person(heed)
    back = await person.come_back(await person.leave())
    assert (await person.get(back)).status == 303

    assert (await person.get(back)).status == 403


async def test_a_sign_in_has_ten_minutes(heed: Heed) -> None:
    person = Person(heed)
    back = await person.come_back(await person.leave())
    heed.clock.move(minutes=11)

    assert "has taken too long" in (await person.get(back)).body.decode()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "another"}, "belongs to another sign-in"),
        ({"nonce": None}, "belongs to another sign-in"),
        ({"aud": AUDIENCE}, "another audience"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "another audience"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"exp": 1}, "has expired"),
        ({"sub": "nobody"}, "has no user nobody"),
        ({"sub": "a b"}, "holds no id of a user"),
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_is_refused(
    heed: Heed, provider: IdentityProvider, claims: dict[str, Any], said: str
) -> None:
    provider.id_claims = claims
    person = Person(heed)

    answer = await person.get(await person.come_back(await person.leave()))

    assert answer.status == 403
    assert said in answer.body.decode()
    assert "__Host-heed-session" not in person.cookies


async def test_roles_decide_what_a_person_may_do(heed: Heed, provider: IdentityProvider) -> None:
    await have(heed, provider, role_claim="roles", roles={"readers": "read"})
    provider.id_claims = {"roles": ["readers"]}
    person = Person(heed)
    await person.get(await person.come_back(await person.leave()))
    reader = Visitor(heed)
    reader.cookie = f"__Host-heed-session={person.cookies['__Host-heed-session']}"
    assert (await reader.get("messages")).status == 200
    assert (await reader.post("cards/c/dismiss")).status == 403

    provider.id_claims = {"roles": ["strangers"]}
    other = Person(heed)
    assert (await other.get(await other.come_back(await other.leave()))).status == 403


async def test_what_the_provider_says_in_an_error_is_not_repeated(heed: Heed) -> None:
    person = Person(heed)
    state = dict(parse_qsl(urlsplit(await person.leave()).query))["state"]

    answer = await person.get(f"{BACK}?error=access_denied&error_description=<b>x</b>&state={state}")

    assert answer.status == 403
    assert b"<b>x</b>" not in answer.body


async def test_another_issuers_answer_is_refused(heed: Heed) -> None:
    person = Person(heed)
    back = await person.come_back(await person.leave())
    mixed_up = back.partition("&iss=")[0] + "&iss=https%3A%2F%2Fevil.example"

    assert (await person.get(mixed_up)).status == 403


async def test_a_provider_that_is_down_is_told_from_a_refusal(heed: Heed, provider: IdentityProvider) -> None:
    person = Person(heed)
    back = await person.come_back(await person.leave())
    provider.is_down = True

    assert (await person.get(back)).status == 503


async def test_another_provider_ends_the_sessions_of_the_first(heed: Heed, provider: IdentityProvider) -> None:
    person = Person(heed)
    await person.get(await person.come_back(await person.leave()))
    assert (await person.get("/console/")).status == 200

    async with running_provider() as second:
        await have(heed, second)
        assert (await person.get("/console/")).status == 303


async def answers_to(heed: Heed, name: str) -> list[tuple[int, dict[str, str], str]]:
    """What strangers are told of an organization, with its name left out."""
    paths = [f"/console/sign-in?organization={name}", f"/console/sign-in/provider?organization={name}&next=/console/"]
    answers = [await Person(heed).get(path) for path in paths]
    return [(each.status, dict(each.headers), each.body.decode().replace(name, "NAME")) for each in answers]


async def test_strangers_cannot_tell_which_organizations_there_are(heed: Heed, provider: IdentityProvider) -> None:
    page_of_one_with_a_provider = (await answers_to(heed, "acme"))[0]
    await heed.organization("qqqq")  # it has no provider at all
    await have(heed, provider, client_id=None)  # one for the API alone

    nobody = await answers_to(heed, "nono")

    assert nobody == await answers_to(heed, "acme") == await answers_to(heed, "qqqq")
    assert page_of_one_with_a_provider == nobody[0]
    assert nobody[1][0] == 404
    assert "No organization of this name has a sign-in of its own here." in nobody[1][2]


async def test_the_storage_is_asked_the_same_for_a_name_that_nobody_has(
    heed: Heed, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await have(heed, provider, client_id=None)
    asked: list[str] = []
    read_row = type(heed.storage.tables).read_row

    async def noting(self: Any, table: str, partition: str, key: str) -> Any:
        asked.append(f"{table} {key}")
        return await read_row(self, table, partition, key)

    monkeypatch.setattr(type(heed.storage.tables), "read_row", noting)
    of_acme = [await answers_to(heed, "acme"), asked.copy()][1]
    asked.clear()
    await answers_to(heed, "nono")
    assert asked == of_acme != []


async def test_how_many_names_a_network_tries_is_bounded(heed: Heed) -> None:
    statuses = [
        (await Person(heed).get(f"/console/sign-in/provider?organization=guess{number}")).status for number in range(40)
    ]

    assert statuses[:20] == [404] * 20
    assert statuses[-1] == 429
    for _ in range(40):  # those who know their name are not counted
        heed.clock.move(seconds=1)
        assert (await Person(heed).get("/console/sign-in/provider?organization=acme")).status == 303


async def test_a_person_signs_in_by_clicking(heed: Heed, tmp_path: Path) -> None:
    async with serving_heed(heed, tmp_path) as port, browsing(port) as browser:
        page = await new_tab(browser)
        await page.goto(f"{BASE_URL}/console/messages?view=all")

        await page.get_by_text("Use your organization’s own sign-in").click()
        await page.get_by_label("Name of your organization").fill("acme")
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_role("link", name="Continue to the sign-in of acme").click()

        await page.get_by_role("heading", name="Messages", exact=True).wait_for()
        assert page.url == f"{BASE_URL}/console/messages?view=all"
