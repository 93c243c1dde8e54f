"""Authorization: the caller of a request, and whether the endpoint is open to that caller.

Proofs come in the header `Authorization: Bearer …`: the administrator's key, a key of an organization, a user's token
that such a key has made, or a token of the organization's identity provider. Where the platform's own sign-in is on,
its header names a person, too.
"""

from __future__ import annotations

import hmac
from collections.abc import Set
from typing import Literal

import azure.functions as func

from functions.api.problem_kinds import ProblemCode
from functions.api.problems import ExpiredProof, Problem, not_there
from lib.organizations.keys import Caller
from lib.organizations.scopes import Scope
from lib.organizations.sign_in.refusals import BadToken, Expired, NotEntitled, ProviderDown
from lib.organizations.sign_in.signatures import looks_like_token
from lib.services import Services

_PRINCIPAL = "x-ms-client-principal"

Who = Literal["anyone", "administrator"] | Scope
"""A kind of caller: `anyone` needs no proof, `administrator` has the deployment's key, others have a scope."""


def is_open_to_all(may: Set[Who]) -> bool:
    """Whether an endpoint needs no proof."""
    return "anyone" in may


def principal_of(services: Services, request: func.HttpRequest) -> str | None:
    """Return the header by which the platform names a person; None where its sign-in is off, or a key comes, too."""
    if not services.settings.platform_sign_in or "authorization" in request.headers:
        return None
    header: str | None = request.headers.get(_PRINCIPAL)
    return header or None


async def authorize(
    services: Services, request: func.HttpRequest, may: Set[Who], organization: str | None, key_in_query: str | None
) -> Caller | None:
    """Return the caller; None for the administrator, and where no proof is needed.

    `organization` is the one that the path names. Raises Problem: 401 for a missing or wrong proof, 404 for another
    organization's, 403 for a caller that the endpoint is not open to.
    """
    if is_open_to_all(may):
        return None
    principal = principal_of(services, request)
    if principal and organization:
        return check_open_to(await _person(services, organization, principal, from_platform=True), may)
    proof = _proof(request, key_in_query)
    if is_administrator(services, proof):
        if "administrator" in may:
            return None
        raise Problem(403, "This takes a key of the organization; make one with POST /api/orgs/{org}/keys.")
    if looks_like_token(proof):
        return check_open_to(await _person(services, organization, proof), may)
    try:
        caller = await services.api_keys.authenticate(proof) or await services.user_tokens.authenticate(proof)
    except Expired as refusal:
        raise _bad_token(refusal) from None
    if caller is None:
        raise unauthorized("The key is unknown, or was revoked.")
    if organization not in (None, caller.organization.id):
        raise not_there("organization")
    if caller.user:
        await _check_known(services, caller.organization.id, caller.user)
    return check_open_to(caller, may)


def is_administrator(services: Services, proof: str) -> bool:
    """Tell whether a key is the administrator's."""
    admin_key = services.settings.admin_key
    return admin_key is not None and _is_same(proof, admin_key.get_secret_value())


def check_open_to(caller: Caller, may: Set[Who]) -> Caller:
    """Check that the endpoint is open to the caller, and return the caller. Raises Problem."""
    if caller.scopes & may:
        return caller
    if may <= {"administrator"}:
        raise Problem(403, "This takes the administrator's key.")
    raise Problem(403, f"A caller of scope {' '.join(sorted(caller.scopes))} may not do this.")


async def _person(services: Services, organization: str | None, proof: str, *, from_platform: bool = False) -> Caller:
    """Return the person who has signed in with the organization's provider. Raises Problem."""
    found = await services.organizations.load_organization(organization) if organization else None
    if found is None or found[0].settings.sign_in is None:
        raise unauthorized("The organization accepts no tokens of an identity provider.", "token_refused")
    try:
        if from_platform:
            person = services.sign_in.check_principal(found[0], proof)
        else:
            person = await services.sign_in.check_token(found[0], proof)
        await _check_known(services, found[0].id, person.user)
    except BadToken as refusal:
        await services.audit.note_refusal(found[0].id, f"{refusal}")
        raise _bad_token(refusal) from None
    except NotEntitled as refusal:
        await services.audit.note_refusal(found[0].id, f"{refusal}")
        raise Problem(403, f"{refusal}") from None
    except ProviderDown as failure:
        raise Problem(503, f"{failure} Try again.", headers={"Retry-After": "5"}) from None
    found[0].check_open()
    return Caller(organization=found[0], scopes=person.scopes, user=person.user)


async def _check_known(services: Services, organization: str, user: str) -> None:
    """Check that the person is a user of the organization. Raises Problem."""
    if not await services.known_users.is_known(organization, user):
        await services.audit.note_refusal(organization, "The person is no user of the organization.")
        raise Problem(403, f"There is no user {user} here: an administrator makes one by PUT …/users/{user}.")


def _is_same(one: str, other: str) -> bool:
    """Compare two secrets in a time that tells nothing about them."""
    return hmac.compare_digest(one.encode(), other.encode())


def _proof(request: func.HttpRequest, key_in_query: str | None) -> str:
    """Return the secret that a request sends. Raises Problem where there is none."""
    header: str = request.headers.get("authorization", "")
    if not header and key_in_query:
        header = f"Bearer {key_in_query}"
    scheme, _, proof = header.partition(" ")
    proof = proof.strip()
    if scheme.lower() != "bearer" or not proof:
        raise unauthorized("Send the key in the header Authorization, as: Bearer <key>.", "key_missing")
    return proof


def unauthorized(detail: str, code: ProblemCode = "key_unknown") -> Problem:
    """Make a 401. The challenge is that of RFC 6750, 3."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"}, code=code)


def _bad_token(refusal: BadToken) -> Problem:
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    if isinstance(refusal, Expired):
        return ExpiredProof(401, f"{refusal}", headers=headers, code="token_expired")
    return Problem(401, f"{refusal}", headers=headers, code="token_refused")
