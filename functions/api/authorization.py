"""Authorization: the caller of a request, and whether the endpoint is open to that caller.

Proofs come in the header `Authorization: Bearer …`: the administrator's key, or a key of an organization.
"""

from __future__ import annotations

import hmac
from collections.abc import Set
from typing import Literal

import azure.functions as func

from functions.api.problems import Problem, not_there
from lib.organizations.keys import Caller
from lib.organizations.scopes import Scope
from lib.services import Services

Who = Literal["anyone", "administrator"] | Scope
"""A kind of caller: `anyone` needs no proof, `administrator` has the deployment's key, others have a scope."""


def is_open_to_all(may: Set[Who]) -> bool:
    """Whether an endpoint needs no proof."""
    return "anyone" in may


async def authorize(
    services: Services, request: func.HttpRequest, may: Set[Who], organization: str | None, key_in_query: str | None
) -> Caller | None:
    """Return the caller; None for the administrator, and where no proof is needed.

    `organization` is the one that the path names. Raises Problem: 401 for a missing or wrong proof, 404 for another
    organization's, 403 for a caller that the endpoint is not open to.
    """
    if is_open_to_all(may):
        return None
    proof = _proof(request, key_in_query)
    if _is_same(proof, services.settings.admin_key.get_secret_value()):
        if "administrator" in may:
            return None
        raise Problem(403, "This takes a key of the organization; make one with POST /api/orgs/{org}/keys.")
    caller = await services.api_keys.authenticate(proof)
    if caller is None:
        raise unauthorized("The key is unknown, or was revoked.")
    if organization not in (None, caller.organization.id):
        raise not_there("organization")
    if not caller.scopes & may:
        raise _not_open(caller, may)
    return caller


def _is_same(one: str, other: str) -> bool:
    """Compare two secrets in a time that tells nothing about them."""
    return hmac.compare_digest(one.encode(), other.encode())


def _not_open(caller: Caller, may: Set[Who]) -> Problem:
    if may <= {"administrator"}:
        return Problem(403, "This takes the administrator's key.")
    return Problem(403, f"A key of scope {' '.join(sorted(caller.scopes))} may not do this.")


def _proof(request: func.HttpRequest, key_in_query: str | None) -> str:
    """Return the secret that a request sends. Raises Problem where there is none."""
    header: str = request.headers.get("authorization", "")
    if not header and key_in_query:
        header = f"Bearer {key_in_query}"
    scheme, _, proof = header.partition(" ")
    proof = proof.strip()
    if scheme.lower() != "bearer" or not proof:
        raise unauthorized("Send the key in the header Authorization, as: Bearer <key>.")
    return proof


def unauthorized(detail: str) -> Problem:
    """Make a 401."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
