"""The way into the console and out of it: by a key of the organization and a user, or by its identity provider."""

from __future__ import annotations

import re
from urllib.parse import unquote

import azure.functions as func

from functions.api.authorization import is_administrator
from functions.api.problems import Problem, problem_of
from functions.api.rate_limits import authorize_within_limits
from functions.console.cookies import SESSION, SIGNING_IN, read_cookie, write_cookie
from functions.console.posts import read_door
from functions.console.rendering import render
from functions.console.screen import EVERYBODY
from functions.console.visit import HOME
from lib.console.sessions import COOKIE_LASTS
from lib.ids import CHOSEN, ORGANIZATION
from lib.organizations.keys import Caller
from lib.organizations.registry import Organization, StoredOrganization
from lib.organizations.sign_in.claims import Person
from lib.organizations.sign_in.code_flow import LASTS, Attempt
from lib.organizations.sign_in.refusals import BadToken, NotEntitled, ProviderDown
from lib.services import Services
from lib.storage import StorageError
from lib.tracking.requests import client_address, network_of

_IN, _OUT, _PROVIDER, _BACK = "sign-in", "sign-out", "sign-in/provider", "sign-in/back"
_LONGEST_PATH = 1_000
_UNKNOWN = "The key is unknown, or was revoked."
_OF_OPERATOR = "This is the key of those who operate the deployment: it opens their pages alone, by the link below."
_NO_PROVIDER = "No organization of this name has a sign-in of its own here. Look at the name, or sign in with a key."


def is_sign_in(rest: str) -> bool:
    """Tell whether a path, below `/console/`, leads in or out."""
    return rest in (_IN, _OUT, _PROVIDER, _BACK)


async def answer_sign_in(services: Services, request: func.HttpRequest, rest: str) -> func.HttpResponse:
    """Answer a request by which a person signs in or out. Raises Problem, StorageError."""
    if rest == _OUT:
        if request.method != "POST":
            return _to(HOME)
        return _to(f"{HOME}sign-in?left=yes", write_cookie(services, SESSION, "", 0))
    if rest == _PROVIDER:
        return await _to_provider(services, request)
    if rest == _BACK:
        return await _from_provider(services, request)
    if request.method == "POST":
        return await _by_key(services, request)
    name, after = request.params.get("organization", "").strip(), _after(request.params.get("next", ""))
    return _page({"name": name, "after": after, "has_left": "left" in request.params, "leads_on": bool(name)})


async def _organization(services: Services, name: str) -> StoredOrganization | None:
    found = await services.organizations.load_organization(name) if ORGANIZATION.fullmatch(name) else None
    return found[0] if found else None


async def _by_key(services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """Sign in with the key and the user of the form."""
    form = read_door(request)
    key, name, after = form.text("key"), form.text("user"), _after(form.text("next"))
    values = {"user": name, "after": after}

    async def authenticate() -> Caller:
        caller = await services.api_keys.authenticate(key)
        if caller is None:
            raise Problem(
                401, _OF_OPERATOR if is_administrator(services, key) else "The key is unknown, or was revoked."
            )
        return caller

    if not key or not name:
        return _page({**values, "wrong": "Give the key and the user."}, 422)
    try:
        caller = await authorize_within_limits(services, request.headers, {}, f"Bearer {key}", "", authenticate)
    except (Problem, StorageError) as error:
        problem = problem_of(error, has_if_match=False)
        return _page({**values, "wrong": problem.document.detail}, problem.document.status)
    if not caller.scopes & EVERYBODY:
        return _page({**values, "wrong": "This key hands in mail alone. Take another one."}, 403)
    user = await _find_user(services, caller.organization.id, name)
    if user is None:
        return _page({**values, "wrong": f"{caller.organization.name} has no user {name}."}, 422)
    session = services.sessions.begin_session(caller.organization.id, user, caller.scopes, key=caller.key)
    return _to(after, write_cookie(services, SESSION, session, int(COOKIE_LASTS.total_seconds())))


async def _find_user(services: Services, organization: str, name: str) -> str | None:
    """Find a user by id or by mail address."""
    if CHOSEN.fullmatch(name) and await services.known_users.is_known(organization, name):
        return name
    return await services.user_addresses.find_user(organization, [name]) if "@" in name else None


async def _to_provider(services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """Send the person to the organization's provider.

    An organization without one gets the answer of a name that nobody has, after the same read of storage. How many
    such names a network may try is bounded like its wrong keys.
    """
    name, after = request.params.get("organization", "").strip(), _after(request.params.get("next", ""))
    network = network_of(client_address(request.headers, services.settings.trusted_hops))
    if wait := services.rate_limits.admit_unknown_key(network):
        return _page({"name": name, "wrong": f"Too many names came from your network: try again in {wait} s."}, 429)
    organization = await _organization(services, name)
    sign_in = organization.settings.sign_in if organization else None
    if organization is None or sign_in is None or sign_in.client_id is None:
        return _page({"name": name, "wrong": _NO_PROVIDER}, 404)
    services.rate_limits.forgive_network(network)
    try:
        attempt, address = await services.code_flow.begin(organization, _way_back(services), after)
    except (NotEntitled, ProviderDown) as refusal:
        return await _refused(services, organization, refusal)
    return _to(address, write_cookie(services, SIGNING_IN, attempt.seal(services.ring), int(LASTS.total_seconds())))


async def _from_provider(services: Services, request: func.HttpRequest) -> func.HttpResponse:
    """Begin the session of a person who comes back from the provider."""
    attempt = Attempt.unseal(services.ring, read_cookie(services, request, SIGNING_IN))
    organization = await _organization(services, attempt.organization) if attempt else None
    if attempt is None or organization is None:
        return _page({"wrong": "This sign-in is over, or was begun in another browser. Begin again."}, 400)
    organization.check_open()
    try:
        back = _way_back(services)
        person = (await services.code_flow.complete(organization, attempt, dict(request.params), back)).person
        await _check_user(services, organization, person)
    except (BadToken, NotEntitled, ProviderDown) as refusal:
        return await _refused(services, organization, refusal)
    sign_in = organization.settings.sign_in
    assert sign_in is not None
    session = services.sessions.begin_session(organization.id, person.user, person.scopes, issuer=sign_in.issuer)
    return _to(attempt.next, write_cookie(services, SESSION, session, int(COOKIE_LASTS.total_seconds())))


async def _check_user(services: Services, organization: Organization, person: Person) -> None:
    """Check that the person is a user of the organization. Raises NotEntitled."""
    if not await services.known_users.is_known(organization.id, person.user):
        raise NotEntitled(f"{organization.name} has no user {person.user}: an administrator makes one.")


async def _refused(services: Services, organization: Organization, refusal: Exception) -> func.HttpResponse:
    """Say why the person was not signed in."""
    is_down = isinstance(refusal, ProviderDown)
    if not is_down:
        await services.audit.note_refusal(organization.id, f"{refusal}")
    return _page({"name": organization.id, "wrong": f"{refusal}"}, 503 if is_down else 403)


def _way_back(services: Services) -> str:
    return f"{services.settings.base_url}{HOME}{_BACK}"


def _after(path: str) -> str:
    """Return the page to go to after the sign-in: a page of the console, whatever the address says."""
    is_ours = path.startswith(HOME) and len(path) <= _LONGEST_PATH and path.isascii() and path.isprintable()
    leads_up = any(unquote(part) in (".", "..") for part in re.split(r"[/?#]", path))  # as browsers read it
    return path if is_ours and not leads_up and "\\" not in path and not path.startswith(f"{HOME}sign-") else HOME


def _to(address: str, headers: dict[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(status_code=303, headers={"Location": address, **(headers or {})})


def _page(values: dict[str, object], status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(render("sign_in.html", values), status_code=status, mimetype="text/html")
