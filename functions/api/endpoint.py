"""CRM-facing endpoints: one decorator says who may call, what comes in and what goes out.

An endpoint is a coroutine that takes a `Call` and returns an `Answer` or raises a `Problem`. The same declaration
registers it with the Functions host, by the table of endpoints, and describes it in the OpenAPI document.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import azure.functions as func
from pydantic import BaseModel, ValidationError

from functions.api.authorization import Who, authorize, check_open_to, is_open_to_all, principal_of
from functions.api.cors import cors_headers
from functions.api.csv_lists import CSV, asks_for_csv, columns_of, item_model, write_csv
from functions.api.json_bodies import check_json_type, read_json
from functions.api.problems import Problem, invalid, invalid_fields, not_there, problem_answer, problem_of
from functions.api.rate_limits import authorize_within_limits
from functions.api.table import Method
from lib.ids import CHOSEN, MADE, ORGANIZATION, RECORD_TYPE, new_id, short_hash
from lib.organizations.audit import Actor, Detail
from lib.organizations.idempotency import Answered, AnswerGone, Begun, OtherBody, UnderWay
from lib.organizations.keys import Caller
from lib.organizations.registry import Organization
from lib.services import Services
from lib.storage import Missing
from lib.storage.versions import IfMatch, digest_of, etag_of_answer, names_etag

log = logging.getLogger("heed.api")

AnswerShape = type[BaseModel] | type[str] | str | None

WRITERS: tuple[Who, ...] = ("full", "user")
"""The callers of methods that change something, where an endpoint names no others."""

READERS: tuple[Who, ...] = (*WRITERS, "read")
"""The callers of GET, where an endpoint names no others."""

LARGEST_BODY = 256 * 1024
"""Bytes. Most bodies are far smaller; an endpoint that takes more says so."""

_LONGEST_IDEMPOTENCY_KEY = 255
_EMAIL_SHAPE = re.compile(r"[^\s\\\x00-\x1f\x7f]{3,254}")
_USERS = "api/orgs/{org}/users"
_REST = re.compile(r"\{\*(\w+)\}")
_SLASH = re.compile(r"%2f", re.IGNORECASE)
_PATH_SHAPES = {"org": ORGANIZATION, "email": _EMAIL_SHAPE}


class NoQuery(BaseModel):
    model_config = {"extra": "forbid"}


class AuditNote(NamedTuple):
    """An administrative act of a call."""

    organization: str
    act: str
    target: str | None
    details: Mapping[str, Detail]


@dataclass(slots=True)
class Call:
    """One request, after its checks: the caller may do this, and body and query have the declared shapes."""

    services: Services
    request: func.HttpRequest
    path: Mapping[str, str]
    query: Any
    body: Any
    caller: Caller | None = None
    route: str = ""
    """The endpoint's route, such as `api/orgs/{org}/users`."""
    made_id: str = field(default_factory=new_id)
    """The id of the thing that this call makes. A POST repeated with its Idempotency-Key has the same one."""
    notes: list[AuditNote] = field(default_factory=list)
    """Entries for the audit log, which are written once the call has succeeded."""
    zone: str | None = None
    """The acting user's time zone, where it is known without a look."""

    @property
    def org(self) -> str:
        return self.path["org"]

    @property
    def organization(self) -> Organization:
        assert self.caller is not None
        return self.caller.organization

    @property
    def if_match(self) -> IfMatch | None:
        """The versions that the caller changes. Raises Problem for a header that names none."""
        header: str | None = self.request.headers.get("if-match")
        if header is None:
            return None
        try:
            return IfMatch.parse(header)
        except ValueError as error:
            detail = f'The header If-Match is {error}: send the field etag as it is, such as "1f0c…".'
            raise Problem(400, detail, code="malformed_header") from None

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    def acting_user(self) -> str:
        """Return the acting user. Raises Problem where the call names none."""
        user = self.user()
        if user is None:
            raise Problem(400, "Name the acting user in the header X-Heed-User.", code="acting_user_missing")
        return user

    def user(self) -> str | None:
        """Return the acting user, if the call names one. Raises Problem for a name that is no id.

        A person who has signed in acts as that person alone: another name raises Problem, too.
        """
        user: str | None = self.request.headers.get("x-heed-user")
        if user is not None and not CHOSEN.fullmatch(user):
            raise Problem(400, "The header X-Heed-User is not a user id.", code="malformed_header")
        alone = self.caller.user if self.caller else None
        if alone and user not in (None, alone):
            raise Problem(403, "The header X-Heed-User names another user than the token: leave it out.")
        return user or alone

    def note(self, act: str, target: str | None = None, *, organization: str | None = None, **details: Detail) -> None:
        """Have an act noted in the audit log, by default that of the path's organization, if the call succeeds.

        `target` and `details` hold no secrets and no addresses.
        """
        self.notes.append(AuditNote(organization or self.org, act, target, details))

    @property
    def actor(self) -> Actor:
        """The caller, as the audit log names it."""
        if self.caller is None:
            return Actor(kind="administrator")
        if self.caller.user:
            return Actor(kind="user", id=self.caller.user)
        return Actor(kind="key", id=self.caller.key, name=self.caller.key_name, user=self.user())

    @property
    def is_one_person(self) -> bool:
        """Whether the caller changes only what is one person's own."""
        return self.caller is not None and not self.caller.scopes & {"full", "admin"}


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a call."""

    status: int
    body: BaseModel | Mapping[str, Any] | bytes | str | None = None
    """A model or mapping that becomes JSON, JSON or a file as bytes, or the HTML of a page."""
    version: str | None = None
    """The version of what the body shows, as storage names it; callers see its etag."""
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    """The message that the body shows, where the path names none: what is kept of the answer goes with it."""
    media_type: str | None = None
    """The type of a body that is a file; else the body is JSON or a page."""
    size: int = 0
    """Roughly the characters of a large body; a large one is written by another process."""
    columns: Sequence[str] = ()
    """The columns of a list, a body in JSON, that is to be written as CSV."""

    def payload(self) -> bytes:
        """Return the body as it goes over the wire."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return write_csv(self.body, self.columns) if self.columns else self.body
        if isinstance(self.body, str):
            return self.body.encode()
        if isinstance(self.body, BaseModel):
            return self.body.model_dump_json(by_alias=True).encode()
        return json.dumps(self.body).encode()


class Deleted(BaseModel):
    """The id of the thing that was deleted."""

    deleted: str


EndpointHandler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, as declared."""

    name: str
    method: Method
    route: str
    may: frozenset[Who]
    """Callers that it is open to."""
    handler: EndpointHandler
    summary: str
    body: type[BaseModel] | None
    query: type[BaseModel]
    answers: Mapping[int, AnswerShape]
    """The model of each status; None stands for no body, `str` for a page, a media type for a file."""
    text_body: bool
    largest_file: int | None = None
    """Bytes. Where it is set, the body is a file."""
    largest_body: int = LARGEST_BODY
    """Bytes."""
    media_type: str | None = None
    """The type of a body that is a text or a file, for the OpenAPI document; None: any."""
    key_in_query: bool = False
    """Whether the key may stand in the query, as `key`: for callers that cannot send a header."""
    description: str = ""
    """What there is to say beyond the summary, in Markdown."""


class Endpoints:
    """The endpoints of a resource.

    `may` names the callers that they are open to, where an endpoint does not name its own. Without either, GET is open
    to the scopes `full`, `read` and `user`, and every other method to `full` and `user`.
    """

    def __init__(self, tag: str, may: tuple[Who, ...] | None = None, prefix: str = "api/orgs/{org}") -> None:
        self.tag = tag
        self.all: list[Endpoint] = []
        self._may = may
        self._prefix = prefix

    def __call__(
        self,
        method: Method,
        path: str,
        *,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] = NoQuery,
        answers: Mapping[int, AnswerShape],
        text_body: bool = False,
        largest_file: int | None = None,
        largest_body: int = LARGEST_BODY,
        media_type: str | None = None,
        may: tuple[Who, ...] | None = None,
        key_in_query: bool = False,
    ) -> Callable[[EndpointHandler], EndpointHandler]:
        """Declare an endpoint; the docstring of its function is the summary, and what follows it the description."""

        def declare(handler: EndpointHandler) -> EndpointHandler:
            """Keep the declaration; the function stays as it is."""
            name = handler.__name__
            summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n")
            route = self._prefix + path
            callers = frozenset(may or self._may or (READERS if method == "GET" else WRITERS))
            shape = (
                body,
                query,
                answers,
                text_body,
                largest_file,
                largest_body,
                media_type,
                key_in_query,
                description.strip(),
            )
            self.all.append(Endpoint(name, method, route, callers, handler, summary, *shape))
            return handler

        return declare


async def serve(endpoint: Endpoint, services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """Check a request, handle it, and shape the answer. No exception leaves this function."""
    response = await _response(endpoint, services, request)
    headers = {
        "Cache-Control": "no-store",
        **await cors_headers(services, request, request.route_params.get("org", "")),
    }
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


async def call_endpoint(
    endpoint: Endpoint, services: Services, request: func.HttpRequest, caller: Caller, zone: str
) -> Answer:
    """Handle a call of the console, whose caller has signed in there, by the checks of the API. Raises what it raises.

    `zone` is the time zone of the caller, who is one user. The bodies of such calls are small.
    """
    check_open_to(caller, endpoint.may)
    call = Call(services, request, _path(endpoint, request), None, None, caller, endpoint.route, zone=zone)
    call.query = _checked_query(endpoint.query, request)
    raw = request.get_body()
    call.body = raw if endpoint.text_body or endpoint.largest_file else _checked_body(endpoint.body, raw)
    await _check_own(endpoint, call)
    return await _run(endpoint, call)


async def _response(endpoint: Endpoint, services: Services, request: func.HttpRequest) -> func.HttpResponse:
    headers: dict[str, str] = {}
    try:
        answer = _as_csv(endpoint, request, await _answer(endpoint, services, request, headers))
        payload, digest = await _payload(services, request.route_params.get("org", ""), answer)
    except Exception as error:
        problem = problem_of(error, has_if_match=request.headers.get("if-match") is not None)
        return problem_answer(problem, services.settings.base_url, headers)
    headers.update(answer.headers)
    if answer.version:
        headers["ETag"] = etag = etag_of_answer(answer.version, digest)
        if endpoint.method == "GET" and names_etag(request.headers.get("if-none-match"), etag):
            return func.HttpResponse(status_code=304, headers=headers)
    kind = answer.media_type or ("text/html" if isinstance(answer.body, str) else "application/json")
    return func.HttpResponse(payload, status_code=answer.status, mimetype=kind, headers=headers)


def _as_csv(endpoint: Endpoint, request: func.HttpRequest, answer: Answer) -> Answer:
    """Have a list written as CSV where the request asks for that. The header Link names the next page."""
    items = item_model(endpoint.answers.get(answer.status), endpoint.query) if endpoint.method == "GET" else None
    if items is None or not asks_for_csv(request.headers.get("accept")):
        return answer
    name = endpoint.name.removeprefix("list_")
    headers = {**answer.headers, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    if cursor := getattr(answer.body, "next", None):
        headers["Link"] = f'<?{urlencode({**request.params, "cursor": cursor})}>; rel="next"'
    page = answer.payload()
    return replace(answer, body=page, size=len(page), columns=columns_of(items), headers=headers, media_type=CSV)


async def _payload(services: Services, organization: str, answer: Answer) -> tuple[bytes, str]:
    """Return the body as it goes over the wire, and its digest."""
    return await services.off_loop.run(organization, answer.size, _written, answer)


def _written(answer: Answer) -> tuple[bytes, str]:
    payload = answer.payload()
    return payload, digest_of(payload) if answer.version else ""


async def _answer(
    endpoint: Endpoint, services: Services, request: func.HttpRequest, headers: MutableMapping[str, str]
) -> Answer:
    """Answer a request; `headers` get those that belong to the answer whatever it becomes."""
    call = Call(services, request, _path(endpoint, request), None, None, route=endpoint.route)
    organization = call.path.get("org")
    key = request.params.get("key") if endpoint.key_in_query else None
    proof = request.headers.get("authorization", "") or principal_of(services, request) or key or ""
    shown = "" if is_open_to_all(endpoint.may) else proof
    call.caller = await authorize_within_limits(
        services,
        request.headers,
        headers,
        shown,
        organization or "",
        lambda: authorize(services, request, endpoint.may, organization, key),
    )
    _ = call.if_match  # what is malformed is refused before anything is done
    await _check_user(call)
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
        if raw and endpoint.body is not None:
            check_json_type(call.request.headers.get("content-type"))
        call.body = await call.services.off_loop.run(organization, len(raw), _checked_body, endpoint.body, raw)
    await _check_own(endpoint, call)
    key = call.request.headers.get("idempotency-key")
    if endpoint.method != "POST" or key is None or "org" not in call.path:
        return await _run(endpoint, call)
    if not 0 < len(key) <= _LONGEST_IDEMPOTENCY_KEY:
        detail = f"The header Idempotency-Key has 1 to {_LONGEST_IDEMPOTENCY_KEY} characters."
        raise Problem(400, detail, code="malformed_header")
    return await _once(endpoint, call, key, raw)


async def _run(endpoint: Endpoint, call: Call) -> Answer:
    """Handle the call, and note its acts before it is answered: no act is acknowledged that the log lacks."""
    answer = await endpoint.handler(call)
    for note in call.notes:
        await call.services.audit.note(note.organization, call.actor, note.act, note.target, note.details)
    return answer


async def _once(endpoint: Endpoint, call: Call, key: str, raw: bytes) -> Answer:
    idempotency = call.services.idempotency
    path = endpoint.route.format(**call.path)
    try:
        query = urlencode(sorted(call.request.params.items()))
        sent_as = short_hash(call.request.headers.get("content-type", "").strip().lower(), call.user() or "")
        begun = await idempotency.begin(call.org, path, key, raw, query, sent_as)
    except OtherBody:
        detail = (
            "This Idempotency-Key came with another body or query string, content type or acting user before; take a "
            "new key."
        )
        raise Problem(422, detail, code="idempotency_key_reused") from None
    except UnderWay:
        raise Problem(
            409,
            "The first request with this Idempotency-Key is still under way.",
            headers={"Retry-After": "2"},
            code="request_under_way",
        ) from None
    except AnswerGone as error:
        raise Problem(409, f"{error}", code="answer_gone") from None
    except Missing:
        raise not_there("organization") from None
    if isinstance(begun, Answered):
        return Answer(begun.status, begun.body, begun.version, headers={"Idempotency-Replayed": "true"})
    return await _first(endpoint, call, begun)


async def _first(endpoint: Endpoint, call: Call, begun: Begun) -> Answer:
    call.made_id = begun.made_id
    try:
        answer = await _run(endpoint, call)
        payload, _ = await _payload(call.services, call.org, answer)
    except BaseException:
        await call.services.idempotency.abandon(call.org, begun)
        raise
    message = answer.message or call.path.get("message")
    await call.services.idempotency.complete(call.org, begun, answer.status, payload, answer.version, message)
    return replace(answer, body=payload, size=0)


def _path(endpoint: Endpoint, request: func.HttpRequest) -> dict[str, str]:
    """Return the path's parameters. Raises Problem for one of the wrong shape: 422 for a record's type, else 404.

    The Functions host decodes them, all but `%2F`. In Azure a front end decodes that too, before it looks for the
    route. A parameter that may hold a slash is therefore the last one, and takes the rest of the path: `{*name}`.
    """
    path = {name: _SLASH.sub("/", value) for name, value in request.route_params.items()}
    for name in _REST.findall(endpoint.route):
        path.setdefault(name, "")
    record_type = path.get("type")
    if record_type is not None and not RECORD_TYPE.fullmatch(record_type):
        raise invalid(["path", "type"], f"not a type of records, which matches {RECORD_TYPE.pattern}")
    for name, value in path.items():
        if not _PATH_SHAPES.get(name, CHOSEN).fullmatch(value):
            raise Problem(404, f"There is nothing of that name: {name} is not of the shape that ids have.")
    return path


async def _check_user(call: Call) -> None:
    """Check that the acting user exists. Raises Problem.

    A call about users needs none: it may be the one that makes the acting user.
    """
    user = call.user()
    if user is None or call.caller is None or call.caller.user or call.route.startswith(_USERS):
        return
    organization = call.caller.organization.id
    if not await call.services.known_users.is_known(organization, user):
        message = f"there is no user {user}: make one by PUT /api/orgs/{organization}/users/{user}, or name another one"
        raise invalid(["header", "X-Heed-User"], message)


async def _check_own(endpoint: Endpoint, call: Call) -> None:
    """Check that a caller who is one person changes and sends only mail of that person. Raises Problem."""
    if not call.is_one_person or endpoint.method == "GET":
        return
    sender = getattr(call.body, "sender", None)
    message = call.path.get("message", "")
    stored = await call.services.messages.load(call.org, message) if MADE.fullmatch(message) else None
    for owner in (sender, stored.message.sender if stored else None):
        if owner and owner != call.user():
            raise Problem(403, f"This mail is of the user {owner}: people change and send their own mail alone.")


def _checked_body(model: type[BaseModel] | None, raw: bytes) -> BaseModel | None:
    if model is None:
        if raw.strip() not in (b"", b"{}"):
            raise Problem(400, "This takes no body.", code="malformed_body")
        return None
    if not raw and not any(field.is_required() for field in model.model_fields.values()):
        raw = b"{}"
    return read_json(model, raw)


def _checked_query(model: type[BaseModel], request: func.HttpRequest) -> BaseModel:
    try:
        return model.model_validate(dict(request.params))
    except ValidationError as error:
        raise invalid_fields(error, ["query"], model) from None
