"""Hostile ids, filters, headers and bodies: each is answered as the OpenAPI document says, and never with a 5xx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.api.endpoint import Endpoint, NoQuery
from functions.api.table import methods_of
from functions.endpoints import ENDPOINTS, document
from tests.support.heed import ADMIN_KEY, BASE_URL, Response
from tests.walls.cases import CASES
from tests.walls.hostile import header_values, json_values, raw_encodings, texts
from tests.walls.test_matrix import Route, filled, paths_of
from tests.walls.two_organizations import TwoOrganizations, two_organizations

PATHS = json.loads(document(BASE_URL))["paths"]
ALL = sorted(ENDPOINTS)
"""Names of all endpoints."""

HEADERS = ("X-Heed-User", "If-Match", "Idempotency-Key", "Content-Type", "Authorization", "Origin", "X-Forwarded-For")


class Caller:
    """The organization acme, called in an event loop of its own, which hypothesis can do again and again."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.world: TwoOrganizations = self._runner.run(two_organizations())

    def call(self, endpoint: Endpoint, path: str, body: Any = None, **headers: str) -> Response:
        """Call with a key that may, as acme's user where users can act."""
        heed = self.world.heed
        key = heed.key if endpoint.may & {"full", "user", "read"} else ADMIN_KEY
        if "{org}" in endpoint.route and "/users" not in endpoint.route and key != ADMIN_KEY:
            headers = {"X-Heed-User": "acme-rep", **headers}
        method = methods_of(endpoint.method)[0]
        return self._runner.run(heed.request(method, path, body, key=key, headers=headers))

    def usual_path(self, endpoint: Endpoint, **ids: str) -> str:
        """Return the path of a usual call."""
        route = Route(endpoint.name, endpoint.method, endpoint.route)
        return paths_of(route, CASES[endpoint.name], self.world, **ids)[0]

    def usual_body(self, endpoint: Endpoint) -> Any:
        """Return the body of a usual call."""
        return filled(deepcopy(CASES[endpoint.name].body), self.world.ids)

    def close(self) -> None:
        """End the loop."""
        self._runner.close()


@pytest.fixture(scope="module")
def caller() -> Iterator[Caller]:
    made = Caller()
    yield made
    made.close()


def is_declared(endpoint: Endpoint, answer: Response) -> bool:
    """Whether the document has the status for this operation, and the type of the body for the status."""
    declared = PATHS["/" + endpoint.route.replace("{*", "{")][endpoint.method.lower()]["responses"]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    types = declared.get(f"{answer.status}", {}).get("content", {})
    if answer.status == 404 and not answer.body:
        return True  # the host's own answer to a path that no route has
    return f"{answer.status}" in declared and (kind in types or not types)


def check_declared(endpoint: Endpoint, answer: Response) -> None:
    assert is_declared(endpoint, answer), (endpoint.name, answer.status, answer.body[:500])


def parameters_of(endpoint: Endpoint) -> list[str]:
    """List the parameters of the path, without the organization where there is another one."""
    parts = endpoint.route.replace("{*", "{").split("/")
    names = [part[1:-1] for part in parts if part.startswith("{")]
    return [name for name in names if name != "org"] or names


@given(name=st.sampled_from([each for each in ALL if "{" in ENDPOINTS[each].route]), data=st.data())
def test_hostile_ids_in_paths_are_refused_as_documented(caller: Caller, name: str, data: st.DataObject) -> None:
    endpoint = ENDPOINTS[name]
    parameter = data.draw(st.sampled_from(parameters_of(endpoint)))
    marker = "hostile-value"
    path = caller.usual_path(endpoint, **{parameter: marker})
    value = data.draw(raw_encodings | texts.map(lambda text: quote(text, safe="")))

    answer = caller.call(endpoint, path.replace(marker, value, 1), caller.usual_body(endpoint))

    if answer.status != 405:  # a path such as `/users/` is another one than `/users/{user}`
        check_declared(endpoint, answer)


@given(name=st.sampled_from([each for each in ALL if ENDPOINTS[each].query is not NoQuery]), data=st.data())
def test_hostile_filters_are_refused_or_find_nothing(caller: Caller, name: str, data: st.DataObject) -> None:
    endpoint = ENDPOINTS[name]
    field = data.draw(st.sampled_from([*endpoint.query.model_fields, "unknown"]))
    value = data.draw(raw_encodings | texts.map(lambda text: quote(text, safe="")))
    usual = {} if field in ("owner", "record") else dict(CASES[name].queries[0])
    usual.pop(field, None)
    path = caller.usual_path(endpoint).partition("?")[0]

    answer = caller.call(
        endpoint, f"{path}?{urlencode(filled(usual, caller.world.ids))}&{field}={value}", caller.usual_body(endpoint)
    )

    check_declared(endpoint, answer)


@given(name=st.sampled_from(ALL), header=st.sampled_from(HEADERS), value=header_values)
def test_hostile_headers_are_refused_as_documented(caller: Caller, name: str, header: str, value: str) -> None:
    endpoint = ENDPOINTS[name]

    answer = caller.call(endpoint, caller.usual_path(endpoint), caller.usual_body(endpoint), **{header: value})

    check_declared(endpoint, answer)


def places_in(body: Any, model_fields: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """List the places of values in a body, those of fields that it lacks too."""
    places: list[tuple[Any, ...]] = [(name,) for name in model_fields]
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), body)]
    while waiting:
        place, value = waiting.pop()
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*place, name), child) for name, child in children]
        places.append(place)
    return places


def with_value(body: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return the body with another value at the place."""
    if not place:
        return value
    inside = body
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    return body


@given(name=st.sampled_from([each for each in ALL if ENDPOINTS[each].body]), data=st.data())
def test_hostile_bodies_are_refused_as_documented(caller: Caller, name: str, data: st.DataObject) -> None:
    endpoint = ENDPOINTS[name]
    assert endpoint.body is not None
    fields = {field.alias or key: field for key, field in endpoint.body.model_fields.items()}
    body = caller.usual_body(endpoint)
    body = body if isinstance(body, dict) else {}
    place = data.draw(st.sampled_from(places_in(body, fields)))

    changed = with_value(body, place, data.draw(json_values))
    answer = caller.call(endpoint, caller.usual_path(endpoint), json.dumps(changed).encode())

    check_declared(endpoint, answer)
