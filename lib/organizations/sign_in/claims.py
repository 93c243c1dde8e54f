"""Claims of a token (RFC 7519, 4.1): whether it is meant for an organization now, and whom it names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from lib.ids import CHOSEN
from lib.organizations.scopes import Scope
from lib.organizations.sign_in.refusals import BadToken, Expired, NotEntitled
from lib.organizations.sign_in.settings import SignIn

SKEW = 60
"""Seconds by which the provider's clock may differ from ours."""

Claims = Mapping[str, Any]


class Person(NamedTuple):
    """A person who has signed in."""

    user: str
    """The id of the user, who need not exist."""

    scopes: frozenset[Scope]


def check_times(claims: Claims, now: datetime) -> None:
    """Check that a token is valid now, give or take the skew. Raises BadToken, Expired."""
    seconds = now.timestamp()
    end = _number(claims, "exp")
    if end is None or not end + SKEW > seconds:
        raise Expired("The token has expired, or does not say when it does.")
    for name in ("nbf", "iat"):
        begin = _number(claims, name)
        if begin is not None and not begin - SKEW <= seconds:
            raise BadToken("The token is not valid yet.")


def _number(claims: Claims, name: str) -> float | None:
    """Raises BadToken for a time that is no number."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadToken(f"The token's claim {name} is no number.")
    return value


def check_parties(claims: Claims, sign_in: SignIn) -> None:
    """Check that the token is from the organization's provider, for this API. Raises BadToken."""
    if claims.get("iss") != sign_in.issuer:
        raise BadToken("The token is from another issuer than the organization's.")
    if sign_in.audience not in _texts(claims.get("aud")):
        raise BadToken("The token is for another audience than the organization's.")


def name_person(claims: Claims, sign_in: SignIn) -> Person:
    """Tell the user, and what the roles of the token let that user do. Raises NotEntitled."""
    user = _find(claims, sign_in.user_claim)
    if not isinstance(user, str) or not CHOSEN.fullmatch(user):
        raise NotEntitled(f"The token's claim {sign_in.user_claim} holds no id of a user.")
    if sign_in.role_claim is None:
        return Person(user, frozenset({"user"}))
    given = _find(claims, sign_in.role_claim)
    values = {*_texts(given), *(given.split() if isinstance(given, str) else ())}
    scopes = frozenset[Scope](sign_in.roles[value] for value in values if value in sign_in.roles)
    if not scopes:
        raise NotEntitled(f"The token's claim {sign_in.role_claim} holds no role that the organization knows.")
    return Person(user, scopes)


def _find(claims: Claims, name: str) -> Any:
    """Return the claim of that name; `a.b` also finds `b` within `a`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: object) -> list[str]:
    """Return the texts of a claim that holds one, or a list."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]
