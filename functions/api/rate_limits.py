"""Rate limits of the API: what a request with a key is held to, and the headers that tell its caller.

The headers `RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TypeVar

from functions.api.problems import ExpiredProof, Problem
from lib.organizations.keys import KEY_BEGINNING
from lib.organizations.rate_limits import KeyStanding, RateLimits
from lib.organizations.sign_in.signatures import looks_like_token
from lib.services import Services
from lib.tracking.requests import client_address, network_of

Authorized = TypeVar("Authorized")

_POLICY = '"key"'


async def authorize_within_limits(
    services: Services,
    headers: Mapping[str, str],
    shown: MutableMapping[str, str],
    key: str,
    organization: str,
    authorize: Callable[[], Awaitable[Authorized]],
) -> Authorized:
    """Authorize a request, unless there are too many with its key, or too many wrong keys from its network.

    `headers` are the request's; `key` is what stands for a key in it, empty where there is none. A token of an identity
    provider is one thing for each `organization`, as only that of the path tells whether it is good. However a caller
    spells the header around a key, the limit is that of the key. Headers that tell of the limit are added to `shown`,
    for whatever the answer becomes. Raises Problem.
    """
    if not key:
        return await authorize()
    limits, proof = services.rate_limits, _proof_in(key)
    digest = hashlib.sha256(
        f"{organization}\n{proof}".encode() if looks_like_token(proof) else proof.encode()
    ).hexdigest()
    if limits.is_known(digest):
        _check_standing(limits.count_request(digest), shown)
        return await _authorize(limits, digest, authorize)
    if limits.was_refused_lately(digest):
        raise Problem(401, "The key is unknown, or was revoked.", headers={"WWW-Authenticate": "Bearer"})
    network = network_of(client_address(headers, services.settings.trusted_hops))
    if wait := limits.admit_unknown_key(network):
        detail = f"Too many wrong keys came from your network: try again in {wait} s."
        raise Problem(429, detail, headers={"Retry-After": f"{wait}"}, code="too_many_wrong_keys")
    try:
        authorized = await _authorize(limits, digest, authorize)
    except Exception as error:
        if not _is_wrong_key(error) or isinstance(error, ExpiredProof):
            limits.forgive_network(network)
        raise
    limits.forgive_network(network)
    _check_standing(limits.count_request(digest), shown)
    return authorized


def check_rate(limits: RateLimits, person: str) -> None:
    """Count a request of a person who has signed in, as one with a key is. Raises Problem for one too many."""
    standing = limits.count_request(person)
    if standing.is_refused:
        detail = f"You send more than {standing.quota} requests a second. Wait {standing.seconds} s."
        raise Problem(429, detail, headers={"Retry-After": f"{standing.seconds}"})


async def _authorize(limits: RateLimits, digest: str, authorize: Callable[[], Awaitable[Authorized]]) -> Authorized:
    try:
        return await authorize()
    except Problem as problem:
        if _is_wrong_key(problem):
            limits.note_wrong_key(digest)
        raise


def _proof_in(key: str) -> str:
    """Return the key alone: neither the scheme's name, spaces around the key nor its beginning make another one."""
    return (key.partition(" ")[2] or key).strip().removeprefix(KEY_BEGINNING)


def _is_wrong_key(error: Exception) -> bool:
    return isinstance(error, Problem) and error.document.status == 401


def _check_standing(standing: KeyStanding, shown: MutableMapping[str, str]) -> None:
    """Tell the caller of the key's standing. Raises Problem where the request is one too many."""
    shown["RateLimit-Policy"] = f"{_POLICY};q={standing.quota};w=1"
    shown["RateLimit"] = f"{_POLICY};r={standing.remaining};t={standing.seconds}"
    if standing.is_refused:
        detail = f"This key sends more than {standing.quota} requests a second. Wait {standing.seconds} s."
        raise Problem(429, detail, headers={"Retry-After": f"{standing.seconds}"})
