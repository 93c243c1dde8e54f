"""Serving of CRM-facing endpoints: a request is checked, handled and answered as its endpoint declares.

A POST that comes again with its Idempotency-Key gets the first answer.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from dataclasses import replace
from urllib.parse import urlencode

import azure.functions as func
from pydantic import BaseModel, ValidationError

from functions.api.authorization import authorize, check_open_to, is_open_to_all, principal_of
from functions.api.cors import cors_headers
from functions.api.csv_lists import CSV, asks_for_csv, columns_of, item_model
from functions.api.endpoint import Answer, Call, Endpoint
from functions.api.json_bodies import check_json_type, read_json
from functions.api.problems import Problem, invalid, invalid_fields, not_there, problem_answer, problem_of
from functions.api.rate_limits import authorize_within_limits
from functions.api.session_places import is_page_of_ours, note_session
from lib.ids import CHOSEN, MADE, ORGANIZATION, RECORD_TYPE, short_hash
from lib.organizations.idempotency import Answered, AnswerGone, Begun, OtherBody, UnderWay
from lib.organizations.keys import Caller
from lib.people.users import StoredUser
from lib.services import Services
from lib.storage import Missing
from lib.storage.versions import digest_of, etag_of_answer, names_etag
from lib.tracing import message_span

_MAKES_MESSAGE = "/{org}/messages"
"""Ends the route by which messages are made."""

_LONGEST_IDEMPOTENCY_KEY = 255
_EMAIL_SHAPE = re.compile(r"[^\s\\\x00-\x1f\x7f]{3,254}")
_USERS = "api/orgs/{org}/users"
_REST = re.compile(r"\{\*(\w+)\}")
_SLASH = re.compile(r"%2f", re.IGNORECASE)
_PATH_SHAPES = {"org": ORGANIZATION, "email": _EMAIL_SHAPE}


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
    endpoint: Endpoint,
    services: Services,
    request: func.HttpRequest,
    caller: Caller | None,
    zone: str,
    user: StoredUser | None = None,
) -> Answer:
    """Handle a call of the console, whose caller has signed in there, by the checks of the API. Raises what it raises.

    `caller` is None for the administrator of the deployment, else one `user`. `zone` is the caller's time zone.
    """
    if caller is not None:
        check_open_to(caller, endpoint.may)
    elif not endpoint.may & {"administrator", "anyone"}:
        raise Problem(403, "This takes a key of the organization.")
    call = Call(services, request, _path(endpoint, request), None, None, caller, endpoint.route)
    call.zone, call.known_user = zone, user
    _check_sees(endpoint, call)
    call.query = _checked_query(endpoint.query, request)
    raw = request.get_body()
    with _place(endpoint, call, raw):
        call.body = await _read_body(endpoint, call, raw)
        await _check_own(endpoint, call)
        return await _run(endpoint, call)


def _place(endpoint: Endpoint, call: Call, raw: bytes) -> AbstractContextManager[None]:
    """Return a place for the body, which is not too large. Raises Problem, Refusal."""
    largest = endpoint.largest_file or endpoint.largest_body
    if len(raw) > largest:
        raise Problem(413, f"The body has {len(raw)} bytes; at most {largest} are taken.")
    places = call.services.uploads if endpoint.largest_file else call.services.large_requests
    return places.place(call.path.get("org", ""), len(raw))


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
    _check_sees(endpoint, call)
    _ = call.if_match  # what is malformed is refused before anything is done
    await _check_user(call)
    raw = request.get_body()
    place = _place(endpoint, call, raw)
    call.query = _checked_query(endpoint.query, request)
    with place:
        answer = await _handled(endpoint, call, raw)
    if call.caller and call.caller.user and is_page_of_ours(request):
        note_session(services, request, call.caller.organization, call.caller.user)
    return answer


async def _handled(endpoint: Endpoint, call: Call, raw: bytes) -> Answer:
    if raw and endpoint.body is not None and not _takes_bytes(endpoint):
        check_json_type(call.request.headers.get("content-type"))
    call.body = await _read_body(endpoint, call, raw)
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
    is_root = endpoint.method == "POST" and endpoint.route.endswith(_MAKES_MESSAGE)
    message = call.made_id if is_root else call.path.get("message")
    with message_span(message, f"{endpoint.method} /{endpoint.route}", is_root=is_root):
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


def _check_sees(endpoint: Endpoint, call: Call) -> None:
    """Check that what concerns everybody's mail is asked by a caller who sees all of it. Raises Problem."""
    if endpoint.everybodys:
        call.check_sees_all()


async def _check_own(endpoint: Endpoint, call: Call) -> None:
    """Check that a caller who is one person changes and sends only mail of that person. Raises Problem."""
    if not call.is_one_person or endpoint.method == "GET":
        return
    sender = getattr(call.body, "sender", None)
    message = call.path.get("message", "")
    stored = await call.services.messages.load(call.org, message) if MADE.fullmatch(message) else None
    if stored and not call.sees_mail_of(stored.message.sender):
        raise not_there("message")
    for owner in (sender, stored.message.sender if stored else None):
        if owner and owner != call.user():
            raise Problem(403, f"This mail is of the user {owner}: people change and send their own mail alone.")


def _takes_bytes(endpoint: Endpoint) -> bool:
    """Whether the endpoint reads its body itself, a text or a file."""
    return endpoint.text_body or bool(endpoint.largest_file)


async def _read_body(endpoint: Endpoint, call: Call, raw: bytes) -> BaseModel | bytes | None:
    """Return the body as the endpoint takes it. Raises Problem."""
    if _takes_bytes(endpoint):
        return raw
    organization = call.path.get("org", "")
    return await call.services.off_loop.run(organization, len(raw), _checked_body, endpoint.body, raw)


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
