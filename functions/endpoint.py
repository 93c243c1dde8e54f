"""How every CRM-facing endpoint is made: who may call, what comes in and what goes out stand in one decorator.

An endpoint is a coroutine of a `Call` that returns an `Answer` or raises a `Problem`. The same declaration registers
it with the Functions host and describes it in the OpenAPI document.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

import azure.functions as func
from pydantic import BaseModel, ValidationError

from functions.json_bodies import read_json
from functions.problems import Problem, invalid, invalid_fields, not_there
from lib.errors import Refusal, WrongField
from lib.ids import CHOSEN, ORGANIZATION, RECORD_TYPE, new_id
from lib.organizations.idempotency import Answered, Begun, OtherBody, UnderWay
from lib.organizations.keys import Caller
from lib.organizations.registry import Organization
from lib.services import Services
from lib.storage import Conflict, Missing, StorageError, Unavailable
from lib.workers.places import RETRY_AFTER

log = logging.getLogger("heed.api")

Who = Literal["nobody", "admin", "organization"]
Method = Literal["GET", "PUT", "POST", "PATCH", "DELETE"]

LARGEST_BODY = 256 * 1024
"""Bytes. Most bodies need far less; an endpoint that takes more says so."""

_LONGEST_IDEMPOTENCY_KEY = 255
_EMAIL_SHAPE = re.compile(r"[^\s\\\x00-\x1f\x7f]{3,254}")
_REST = re.compile(r"\{\*(\w+)\}")
_SLASH = re.compile(r"%2f", re.IGNORECASE)
_PATH_SHAPES = {"org": ORGANIZATION, "type": RECORD_TYPE, "email": _EMAIL_SHAPE}


class NoQuery(BaseModel):
    model_config = {"extra": "forbid"}


@dataclass(slots=True)
class Call:
    """One request, checked: the caller may do this, and body and query are of the declared models."""

    services: Services
    request: func.HttpRequest
    path: Mapping[str, str]
    query: Any
    body: Any
    caller: Caller | None = None
    made_id: str = field(default_factory=new_id)
    """The id for what this call makes; the same again when a POST is repeated with its Idempotency-Key."""

    @property
    def org(self) -> str:
        return self.path["org"]

    @property
    def organization(self) -> Organization:
        assert self.caller is not None
        return self.caller.organization

    @property
    def if_match(self) -> str | None:
        value: str | None = self.request.headers.get("if-match")
        return value

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    def acting_user(self) -> str:
        """The acting user, who must be named. Raises Problem."""
        user = self.user()
        if user is None:
            raise Problem(400, "Name the acting user in the header X-Heed-User.")
        return user

    def user(self) -> str | None:
        """The acting user, if the call names one. Raises Problem for a name that is no id."""
        user: str | None = self.request.headers.get("x-heed-user")
        if user is not None and not CHOSEN.fullmatch(user):
            raise Problem(400, "The header X-Heed-User is not a user id.")
        return user


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is what becomes JSON, JSON already, or a page's HTML. `size`: roughly its characters, if many."""

    status: int
    body: BaseModel | Mapping[str, Any] | bytes | str | None = None
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0

    def payload(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        if isinstance(self.body, BaseModel):
            return self.body.model_dump_json(by_alias=True).encode()
        return json.dumps(self.body).encode()


class Deleted(BaseModel):
    """The id of what is gone."""

    deleted: str


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, as declared. `answers` are the models by status; None: no body, `str`: a page.

    A body has at most `largest_body` bytes. With `largest_file` it is a file, of at most so many bytes.
    """

    name: str
    method: Method
    route: str
    who: Who
    handler: Handler
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel]
    answers: Mapping[int, type[BaseModel] | type[str] | None]
    text_body: bool
    largest_file: int | None = None
    largest_body: int = LARGEST_BODY


class Endpoints:
    """A resource's endpoints."""

    def __init__(self, tag: str, who: Who = "organization", prefix: str = "api/orgs/{org}") -> None:
        self.tag = tag
        self.all: list[Endpoint] = []
        self._who = who
        self._prefix = prefix

    def __call__(
        self,
        method: Method,
        path: str,
        *,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] = NoQuery,
        answers: Mapping[int, type[BaseModel] | type[str] | None],
        text_body: bool = False,
        largest_file: int | None = None,
        largest_body: int = LARGEST_BODY,
    ) -> Callable[[Handler], Handler]:
        """Declare an endpoint; its function's docstring is the summary."""

        def declare(handler: Handler) -> Handler:
            name, summary = handler.__name__, (handler.__doc__ or "").strip().splitlines()[0]
            route = self._prefix + path
            shape = (body, query, answers, text_body, largest_file, largest_body)
            self.all.append(Endpoint(name, method, route, self._who, handler, summary, *shape))
            return handler

        return declare

    def blueprint(self, services: Services) -> func.Blueprint:
        blueprint = func.Blueprint()
        for endpoint in self.all:
            _register(blueprint, endpoint, services)
        return blueprint


def _register(blueprint: func.Blueprint, endpoint: Endpoint, services: Services) -> None:
    async def main(req: func.HttpRequest) -> func.HttpResponse:
        return await serve(endpoint, services, req)

    named = blueprint.function_name(endpoint.name)
    routed = blueprint.route(endpoint.route, methods=[endpoint.method], auth_level=func.AuthLevel.ANONYMOUS)
    named(routed(main))


async def serve(endpoint: Endpoint, services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """The whole of a call: check, do, shape the answer. No exception leaves it."""
    try:
        answer = await _answer(endpoint, services, request)
        payload = await _payload(services, request.route_params.get("org", ""), answer)
    except Exception as error:
        problem = _problem(error, request)
        return func.HttpResponse(
            problem.document.model_dump_json(exclude_none=True),
            status_code=problem.document.status,
            mimetype="application/problem+json",
            headers=problem.headers,
        )
    headers = dict(answer.headers)
    if answer.etag:
        headers["ETag"] = answer.etag
    kind = "text/html" if isinstance(answer.body, str) else "application/json"
    return func.HttpResponse(payload, status_code=answer.status, mimetype=kind, headers=headers)


async def _payload(services: Services, organization: str, answer: Answer) -> bytes:
    return await services.off_loop.run(organization, answer.size, answer.payload)


async def _answer(endpoint: Endpoint, services: Services, request: func.HttpRequest) -> Answer:
    call = Call(services, request, _path(endpoint, request), None, None)
    call.caller = await _authorize(endpoint, call)
    raw = request.get_body()
    largest = endpoint.largest_file or endpoint.largest_body
    if len(raw) > largest:
        raise Problem(413, f"The body has {len(raw)} bytes; at most {largest} are taken.")
    call.query = _checked_query(endpoint.query, request)
    places = services.uploads if endpoint.largest_file else services.large_requests
    with places.place(call.path.get("org", ""), len(raw)):
        return await _handled(endpoint, call, raw)


async def _handled(endpoint: Endpoint, call: Call, raw: bytes) -> Answer:
    if endpoint.text_body or endpoint.largest_file:
        call.body = raw
    else:
        organization = call.path.get("org", "")
        call.body = await call.services.off_loop.run(organization, len(raw), _checked_body, endpoint.body, raw)
    key = call.request.headers.get("idempotency-key")
    if endpoint.method != "POST" or key is None or "org" not in call.path:
        return await endpoint.handler(call)
    if not 0 < len(key) <= _LONGEST_IDEMPOTENCY_KEY:
        raise Problem(400, f"The header Idempotency-Key has 1 to {_LONGEST_IDEMPOTENCY_KEY} characters.")
    return await _once(endpoint, call, key, raw)


async def _once(endpoint: Endpoint, call: Call, key: str, raw: bytes) -> Answer:
    idempotency = call.services.idempotency
    path = endpoint.route.format(**call.path)
    try:
        query = urlencode(sorted(call.request.params.items()))
        begun = await idempotency.begin(call.org, path, key, raw, query)
    except OtherBody:
        detail = "This Idempotency-Key came with another body or query string before; take a new key."
        raise Problem(422, detail) from None
    except UnderWay:
        raise Problem(
            409,
            "The first request with this Idempotency-Key is still under way.",
            headers={"Retry-After": "2"},
        ) from None
    except Missing:
        raise not_there("organization") from None
    if isinstance(begun, Answered):
        return Answer(begun.status, begun.body, begun.etag)
    return await _first(endpoint, call, begun)


async def _first(endpoint: Endpoint, call: Call, begun: Begun) -> Answer:
    call.made_id = begun.made_id
    try:
        answer = await endpoint.handler(call)
        payload = await _payload(call.services, call.org, answer)
    except BaseException:
        await call.services.idempotency.abandon(call.org, begun)
        raise
    await call.services.idempotency.complete(call.org, begun, answer.status, payload, answer.etag)
    return replace(answer, body=payload, size=0)


def _path(endpoint: Endpoint, request: func.HttpRequest) -> dict[str, str]:
    """The path's parts, each of the shape that ids have: anything else is not there.

    The Functions host hands them over percent-decoded but for `%2F`. In Azure a front end has decoded that before it
    looks for the route, so what may hold a slash is the last part, and takes the rest of the path: `{*name}`.
    """
    path = {name: _SLASH.sub("/", value) for name, value in request.route_params.items()}
    for name in _REST.findall(endpoint.route):
        path.setdefault(name, "")
    for name, value in path.items():
        if not _PATH_SHAPES.get(name, CHOSEN).fullmatch(value):
            raise Problem(404, f"There is nothing of that name: {name} is not of the shape that ids have.")
    return path


async def _authorize(endpoint: Endpoint, call: Call) -> Caller | None:
    if endpoint.who == "nobody":
        return None
    scheme, _, key = call.request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise _unauthorized("Send the key in the header Authorization, as: Bearer <key>.")
    is_admin = hmac.compare_digest(key.encode(), call.services.settings.admin_key.get_secret_value().encode())
    if endpoint.who == "admin":
        if is_admin:
            return None
        if await call.services.api_keys.authenticate(key):
            raise Problem(403, "This takes the administrator's key.")
        raise _unauthorized("The key is not the administrator's.")
    if is_admin:
        raise Problem(403, "This takes a key of the organization; make one with POST /api/orgs/{org}/keys.")
    caller = await call.services.api_keys.authenticate(key)
    if caller is None:
        raise _unauthorized("The key is unknown, or was revoked.")
    if caller.organization.id != call.path.get("org"):
        raise not_there("organization")
    if caller.scope == "inbound" or (caller.scope == "read" and endpoint.method != "GET"):
        raise Problem(403, f"A key of scope {caller.scope} may not do this.")
    return caller


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def _checked_body(model: type[BaseModel] | None, raw: bytes) -> BaseModel | None:
    if model is None:
        if raw.strip() not in (b"", b"{}"):
            raise Problem(400, "This takes no body.")
        return None
    if not raw and not any(field.is_required() for field in model.model_fields.values()):
        raw = b"{}"
    return read_json(model, raw)


def _checked_query(model: type[BaseModel], request: func.HttpRequest) -> BaseModel:
    try:
        return model.model_validate(dict(request.params))
    except ValidationError as error:
        raise invalid_fields(error, ["query"]) from None


def _refused(refusal: Refusal, request: func.HttpRequest) -> Problem:
    """Map a refusal of the domain to its status."""
    match refusal.kind:
        case "stale" if request.headers.get("if-match"):
            return Problem(412, "It has changed since the version that If-Match names: read it again.")
        case "stale":
            return Problem(409, "It has changed meanwhile: read it again, and try once more.")
        case "not_allowed":
            return Problem(409, f"{refusal}")
        case "wrong_field":
            return invalid(refusal.loc if isinstance(refusal, WrongField) else [], f"{refusal}")
        case "not_found":
            return not_there(f"{refusal}")
        case "too_large":
            return Problem(413, f"{refusal}")
        case "busy":
            return Problem(503, f"{refusal}", headers={"Retry-After": f"{RETRY_AFTER}"})


def _problem(error: Exception, request: func.HttpRequest) -> Problem:
    """What the caller is told. The unforeseen goes to the log under a number, and nothing of it to the caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return invalid_fields(error)
    if isinstance(error, Refusal):
        return _refused(error, request)
    if isinstance(error, Unavailable):
        return Problem(503, "Storage does not answer; nothing is lost, try again.", headers={"Retry-After": "5"})
    if isinstance(error, Conflict | Missing):
        return Problem(409, "Somebody else changed it at the same moment: read it again, and try once more.")
    number = secrets.token_hex(6)
    log.error("unforeseen %s, number %s", type(error).__name__, number, exc_info=error)
    status = 503 if isinstance(error, StorageError) else 500
    return Problem(status, f"That should not have happened. The log has it under the number {number}.")
