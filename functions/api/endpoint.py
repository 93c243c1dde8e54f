"""CRM-facing endpoints: one decorator says who may call, what comes in and what goes out.

An endpoint is a coroutine that takes a `Call` and returns an `Answer` or raises a `Problem`. The same declaration
registers it with the Functions host, by the table of endpoints, and describes it in the OpenAPI document.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import azure.functions as func
from pydantic import BaseModel

from functions.api.authorization import Who
from functions.api.csv_lists import write_csv
from functions.api.problems import Problem
from functions.api.table import Method
from lib.ids import CHOSEN, new_id
from lib.organizations.audit import Actor, Detail
from lib.organizations.keys import Caller
from lib.organizations.registry import Organization
from lib.people.users import StoredUser
from lib.services import Services
from lib.storage.versions import IfMatch

AnswerShape = type[BaseModel] | type[str] | str | None

WRITERS: tuple[Who, ...] = ("full", "user")
"""The callers of methods that change something, where an endpoint names no others."""

READERS: tuple[Who, ...] = (*WRITERS, "read")
"""The callers of GET, where an endpoint names no others."""

LARGEST_BODY = 256 * 1024
"""Bytes. Most bodies are far smaller; an endpoint that takes more says so."""


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
    known_user: StoredUser | None = None
    """The acting user, where they are known without a look."""

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
    def sees_only(self) -> str | None:
        """The user whose mail alone the caller sees; None where the caller sees everybody's."""
        return self.caller.sees_only if self.caller else None

    def sees_mail_of(self, user: str) -> bool:
        """Tell whether the caller sees the mail of a user; an empty id stands for mail that belongs to no user."""
        return self.sees_only in (None, user)

    def check_sees_all(self) -> None:
        """Check that the caller sees everybody's mail. Raises Problem."""
        if self.sees_only is not None:
            raise Problem(403, "People of this organization see their own mail alone, and this is about everybody's.")

    @property
    def is_one_person(self) -> bool:
        """Whether the caller changes only what is one person's own."""
        if self.caller is None:
            return False
        return self.sees_only is not None or not self.caller.scopes & {"full", "admin"}


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
    everybodys: bool = False
    """Whether it shows or decides what concerns everybody's mail: people who see their own mail alone are refused."""
    description: str = ""
    """What there is to say beyond the summary, in Markdown."""


class Endpoints:
    """The endpoints of a resource.

    `may` names the callers that they are open to, where an endpoint does not name its own. Without either, GET is open
    to the scopes `full`, `read` and `user`, and every other method to `full` and `user`. `everybodys` says of all of
    them, as an endpoint's own says of that one, that they are closed to people who see their own mail alone.
    """

    def __init__(
        self,
        tag: str,
        may: tuple[Who, ...] | None = None,
        prefix: str = "api/orgs/{org}",
        *,
        everybodys: bool = False,
    ) -> None:
        self.tag = tag
        self.all: list[Endpoint] = []
        self._may = may
        self._prefix = prefix
        self._everybodys = everybodys

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
        everybodys: bool = False,
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
                everybodys or self._everybodys,
                description.strip(),
            )
            self.all.append(Endpoint(name, method, route, callers, handler, summary, *shape))
            return handler

        return declare
