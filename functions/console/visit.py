"""One visit of a page: who has signed in, what the address and the form say, and the way to the API's endpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import azure.functions as func
from pydantic import BaseModel

from functions.api.endpoint import Answer, Endpoint
from functions.api.problems import Problem
from functions.api.serving import call_endpoint
from functions.pages.forms import FormField
from lib.console.sessions import SignedIn
from lib.console.times import Times
from lib.organizations.scopes import Scope
from lib.people.users import StoredUser
from lib.services import Services
from lib.tokens import LONGEST, Purpose

HOME = "/console/"

_LONGEST_PAGE = 200
"""Items of the longest page of the API's lists."""

FORM_TOKEN = "form_token"  # noqa: S105 - the name of a field


_CANNOT_OPEN = (
    "This link cannot be opened: it was cut off, belongs to another organization, or was made with a key that is no "
    "longer in use. Look once more for what you want under People or Messages."
)

_MOST_SEALED = 3_000
"""Bytes of what a link seals: sealed, they have fewer characters than the longest token."""


class Form:
    """The fields of a form that was sent."""

    def __init__(self, fields: Sequence[FormField] = ()) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """Return the text of a field, without spaces around it; empty where there is none."""
        return next((each.value.strip() for each in self._fields if each.name == name), "")

    def texts(self, name: str) -> list[str]:
        """Return the texts of all fields of a name."""
        return [each.value.strip() for each in self._fields if each.name == name]

    def is_checked(self, name: str) -> bool:
        """Tell whether a box was checked."""
        return any(each.name == name for each in self._fields)

    @property
    def has_files(self) -> bool:
        """Whether files were chosen."""
        return any(each.filename for each in self._fields)

    def pairs(self) -> list[tuple[str, str]]:
        """Return all fields but files, to be sent once more. Each form has a token of its own."""
        return [(each.name, each.value) for each in self._fields if not each.filename and each.name != FORM_TOKEN]

    def file(self, name: str) -> FormField | None:
        """Return the file that was chosen; None where there is none."""
        return next(iter(self.files(name)), None)

    def files(self, name: str) -> list[FormField]:
        """Return all files that were chosen in a field."""
        return [each for each in self._fields if each.name == name and each.filename]


@dataclass(slots=True)
class Visit:
    """A request of a person who has signed in."""

    services: Services
    endpoints: Mapping[str, Endpoint]
    """Every endpoint of the API by its name."""

    request: func.HttpRequest
    address: str
    """The path and the query of the page, such as `/console/messages?view=followed`."""

    signed_in: SignedIn
    path: Mapping[str, str] = field(default_factory=dict)
    """The parameters of the path."""

    form: Form = field(default_factory=Form)
    """The form that was sent; empty until it is checked to be of this session."""

    sends_again_to: str = ""
    """The page to which a form that failed is sent once more; empty for the one to which it came."""

    @property
    def org(self) -> str:
        """The id of the organization."""
        return self.signed_in.organization.id

    @property
    def user(self) -> StoredUser:
        """The user who has signed in."""
        return self.signed_in.user

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes of the person's session."""
        return self.signed_in.session.scopes

    @property
    def may_write(self) -> bool:
        """Whether the person may change something beside settings."""
        return bool(self.scopes & {"full", "user"})

    @property
    def now(self) -> datetime:
        return self.services.clock.now()

    @property
    def times(self) -> Times:
        """Times in words, on the clock of the person."""
        return Times(self.now, self.user.time_zone)

    def query(self, name: str) -> str:
        """Return a parameter of the address; empty where there is none."""
        return str(self.request.params.get(name, "")).strip()

    def seal(self, words: str) -> str:
        """Seal an address, or words that were typed, for a link of this organization; empty where there are none.

        Links stand in histories of browsers and in logs of servers, where no address may be read. Raises Problem.
        """
        plain = words.encode()
        if len(plain) > _MOST_SEALED:
            raise Problem(422, "What you typed is too long for a search.")
        return self.services.ring.seal(Purpose.WORDS, plain, self.org) if plain else ""

    def sealed_query(self, name: str) -> str:
        """Return what `seal` has sealed into a parameter; empty where there is none. Raises Problem."""
        sealed = self.query(name)
        if not sealed:
            return ""
        plain = self.services.ring.unseal(Purpose.WORDS, sealed, self.org) if len(sealed) <= LONGEST else None
        if plain is None:
            raise Problem(404, _CANNOT_OPEN)
        return plain.decode()

    async def ask(
        self,
        endpoint: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | BaseModel | bytes | None = None,
        etag: str | None = None,
    ) -> Any:
        """Call an endpoint of the API by its name, as the person who has signed in; the body of its answer.

        `query` leaves out what is None or empty. `etag` is the version that is to be changed. Raises Problem and the
        refusals that endpoints raise, for which the console shows a page.
        """
        return (await self.call(endpoint, path, query, body, etag)).body

    async def ask_all(self, endpoint: str, most: int, query: Mapping[str, object] | None = None) -> list[Any]:
        """Ask for a list page by page, up to `most` items or a few more. Raises Problem and refusals."""
        found, cursor = list[Any](), None
        while True:
            asked = {**(query or {}), "limit": min(most, _LONGEST_PAGE), "cursor": cursor}
            page = await self.ask(endpoint, query=asked)
            found, cursor = [*found, *page.items], page.next
            if cursor is None or len(found) >= most:
                return found

    async def call(
        self,
        endpoint: str | Endpoint,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | BaseModel | bytes | None = None,
        etag: str | None = None,
    ) -> Answer:
        """Call an endpoint like `ask`; the whole answer. It may be one that the console alone has."""
        called = self.endpoints[endpoint] if isinstance(endpoint, str) else endpoint
        request = request_for(called, {"org": self.org, **(path or {})}, query, body, etag)
        user = self.user
        return await call_endpoint(called, self.services, request, self.signed_in.caller(), user.time_zone, user)


def request_for(
    endpoint: Endpoint,
    path: Mapping[str, str],
    query: Mapping[str, object] | None = None,
    body: Mapping[str, Any] | BaseModel | bytes | None = None,
    etag: str | None = None,
) -> func.HttpRequest:
    """Make a request for an endpoint, as a caller would send it over HTTP."""
    return func.HttpRequest(
        endpoint.method,
        endpoint.route,
        headers={} if etag is None else {"if-match": etag},
        params={name: f"{value}" for name, value in (query or {}).items() if value not in (None, "")},
        route_params=dict(path),
        body=_as_bytes(body),
    )


def _as_bytes(body: Mapping[str, Any] | BaseModel | bytes | None) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, BaseModel):
        return body.model_dump_json(by_alias=True, exclude_unset=True).encode()
    return json.dumps(body).encode()
