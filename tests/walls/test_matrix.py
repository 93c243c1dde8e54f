"""Every route, called as rival for what is acme's: rival learns nothing, and acme keeps all that it had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

from functions.api.endpoint import NoQuery
from functions.app import make_app
from functions.endpoints import ENDPOINTS
from infra.local.host.application import list_functions
from tests.support.heed import Heed, Response
from tests.walls.cases import CASES, FOR_ALL, FOR_RECIPIENTS, FOR_SIGNED_IN, NAMES_NOTHING, Case
from tests.walls.two_organizations import SECRET, TwoOrganizations, contents_of, two_organizations

KEYS = ("full", "read", "inbound", "admin", "user")


class Route(NamedTuple):
    """A route of the app, as it is registered with the host."""

    name: str
    method: str
    path: str


@pytest.fixture
async def world() -> TwoOrganizations:
    return await two_organizations()


def registered_routes(heed: Heed) -> Iterator[Route]:
    """List the routes and methods of all functions of the app."""
    for function in list_functions(make_app(heed.services.recipients, heed.services)):
        if function.trigger_type == "httpTrigger":
            for method in function.trigger.methods or ("GET",):
                yield Route(function.name, str(getattr(method, "value", method)), str(function.trigger.route))


def api_routes(world: TwoOrganizations) -> list[Route]:
    """List the routes of the API; those come last that make something of rival's own with an id of acme's."""
    routes = [each for each in registered_routes(world.heed) if each.name in CASES]
    return sorted(routes, key=lambda route: 201 in CASES[route.name].becomes)


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """Fill acme's ids into the texts of a value."""
    if isinstance(value, str):
        for name, each in ids.items():
            value = value.replace("{" + name + "}", each)
        return value
    if isinstance(value, bytes):
        return filled(value.decode("latin-1"), ids).encode("latin-1")
    if isinstance(value, dict):
        return {name: filled(each, ids) for name, each in value.items()}
    return [filled(each, ids) for each in value] if isinstance(value, list) else value


def paths_of(route: Route, case: Case, world: TwoOrganizations, **ids: str) -> list[str]:
    """List the paths, with queries, of the calls, with acme's ids but for those that are given."""
    known = {**world.ids, **{name: filled(value, world.ids) for name, value in case.ids.items()}, **ids}
    path = "/" + filled(route.path.replace("{*", "{"), {name: quote(each, safe="@") for name, each in known.items()})
    return [f"{path}?{urlencode(filled(query, known))}" for query in case.queries]


async def answers_to(
    world: TwoOrganizations, route: Route, key: str, org: str, **headers: str
) -> AsyncIterator[Response]:
    """Call the route with a key of rival's, in one of the organizations, with acme's ids."""
    case = CASES[route.name]
    for path in paths_of(route, case, world, org=org):
        body = filled(case.body, world.ids)
        yield await world.as_rival(route.method, path, body, key, webhook_request_origin="x", **headers)


async def test_every_route_that_is_registered_has_a_case(world: TwoOrganizations) -> None:
    names = {route.name for route in registered_routes(world.heed)}

    assert CASES.keys() | FOR_RECIPIENTS | FOR_SIGNED_IN | FOR_ALL == names


def test_every_parameter_of_a_query_is_in_a_case_or_names_nothing() -> None:
    missing = [
        (endpoint.name, name)
        for endpoint in ENDPOINTS.values()
        if endpoint.query is not NoQuery
        for name in endpoint.query.model_fields
        if name not in NAMES_NOTHING
        and not any(name in query for query in CASES[endpoint.name].queries)
        and name != "key"
    ]

    assert missing == []


async def test_each_call_in_acme_with_a_key_of_rival_finds_nothing(world: TwoOrganizations) -> None:
    before, wrong = await world.contents(), []
    for route in api_routes(world):
        for key in KEYS if "{org}" in route.path else ():
            async for answer in answers_to(world, route, key, "acme"):
                if answer.status != 404 or SECRET.encode() in answer.body:
                    wrong.append((route, key, answer.status, answer.body[:200]))

    assert not wrong, "\n".join(map(str, wrong))
    assert await world.contents() == before


async def test_each_call_in_rival_with_ids_of_acme_is_about_nothing_of_acmes(world: TwoOrganizations) -> None:
    before, wrong = await world.contents(), []
    for route in api_routes(world):
        becomes, statuses = CASES[route.name].becomes, set()
        for key in KEYS:
            async for answer in answers_to(world, route, key, "rival", **acting(route)):
                statuses.add(answer.status)
                if SECRET.encode() in answer.body or answer.status not in becomes | {403}:
                    wrong.append((route, key, answer.status, answer.body[:200]))
        if not statuses & becomes:
            wrong.append((route, "any key", max(statuses), b""))
        await world.heed.work()

    assert not wrong, "\n".join(map(str, wrong))
    assert await world.contents() == before
    assert SECRET not in f"{await contents_of(world.heed.storage, 'rival')}"


def acting(route: Route) -> dict[str, str]:
    """Name rival's user, but not where users are made."""
    return {} if "/users" in route.path else {"x_heed_user": "eve"}


async def test_no_call_of_rivals_acts_as_a_user_of_acme(world: TwoOrganizations) -> None:
    before, wrong = await world.contents(), []
    for route in api_routes(world):
        if not ENDPOINTS[route.name].may & {"full"} or "/users" in route.path or "{org}" not in route.path:
            continue
        async for answer in answers_to(world, route, "full", "rival", x_heed_user="acme-rep"):
            if answer.status not in (404, 422) or SECRET.encode() in answer.body:
                wrong.append((route, answer.status, answer.body[:200]))

    assert not wrong, "\n".join(map(str, wrong))
    assert await world.contents() == before


async def test_no_list_of_rivals_goes_on_where_one_of_acmes_ended(world: TwoOrganizations) -> None:
    for route in api_routes(world):
        if "cursor" not in ENDPOINTS[route.name].query.model_fields or "{org}" not in route.path:
            continue
        may = ENDPOINTS[route.name].may
        if not may & {"admin", "full"}:
            continue
        key = "admin" if "admin" in may else "full"
        for path in paths_of(route, CASES[route.name], world, org="rival"):
            query = f"{path}&cursor={world.cursor}"
            answer = await world.as_rival(route.method, query, key=key, **acting(route))

            assert answer.status in (400, 404), (route, answer.body)
            assert SECRET.encode() not in answer.body


async def test_an_idempotency_key_of_acmes_is_a_new_one_in_rival(world: TwoOrganizations) -> None:
    body = {"from": "eve", "to": [], "subject": "x"}
    of_acme = {**body, "from": "acme-rep"}
    heed = world.heed
    first = await heed.api("POST", "/messages", of_acme, Idempotency_Key="same")
    before = await world.contents()

    own = await world.as_rival("POST", "/api/orgs/rival/messages", body, Idempotency_Key="same")
    again = await world.as_rival("POST", "/api/orgs/rival/messages", of_acme, Idempotency_Key="same")

    assert (first.status, own.status, again.status) == (201, 201, 422)
    assert own.json["id"] != first.json["id"]
    assert await world.contents() == before


async def test_a_version_of_acmes_is_none_of_rivals(world: TwoOrganizations) -> None:
    path = "/templates/acme-thing"
    etag = (await world.heed.get(path))["etag"]
    body = {"name": "E", "language": "en", "subject": "x"}
    made = await world.as_rival("PUT", f"/api/orgs/rival{path}", body)

    changed = await world.as_rival("PUT", f"/api/orgs/rival{path}", body, if_match=etag)

    assert (made.status, changed.status) == (201, 412)


async def test_two_organizations_with_the_same_ids_each_read_their_own(world: TwoOrganizations) -> None:
    things = {
        "/users/acme-rep": {"email": "eve2@rival.example", "name": "Own"},
        "/records/contact/acme-thing": {"name": "Own", "emails": ["ada@example.com"]},
        "/templates/acme-thing": {"name": "Own", "language": "en", "subject": "x"},
    }
    for path in things:
        await world.heed.get(path)  # what is remembered of acme's must not serve rival
    for path, body in things.items():
        await world.as_rival("PUT", f"/api/orgs/rival{path}", body)

    for path in things:
        own = await world.as_rival("GET", f"/api/orgs/rival{path}")
        assert (own.json["name"], (await world.heed.get(path))["name"]) == ("Own", SECRET)


async def test_links_that_were_tampered_with_record_nothing_of_acmes(world: TwoOrganizations) -> None:
    before = await world.contents()
    for link in world.links:
        kind, token = link[1], link.split("/")[2].removesuffix(".gif")
        tampered = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (0, 3, -9)]
        foreign = [f"/{other}/{token}" for other in "ocai" if other != kind]
        for path in [*(f"/{kind}/{each}" for each in tampered), *foreign]:
            for form in (path, f"{path}.gif", f"{path}/x.txt"):
                answer = await world.heed.hit(form)
                assert answer.status in (200, 404), form
                assert SECRET.encode() not in answer.body
    await world.heed.work()

    assert await world.contents() == before
