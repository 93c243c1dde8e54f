"""The provider whose tokens an organization accepts."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from lib.fields import Model
from lib.organizations.scopes import PersonScope


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("not the address of an issuer, such as https://login.example.com/tenant/v2.0")
    return value


Issuer = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=500), AfterValidator(_issuer)]
ClaimName = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
_ClaimValue = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SignIn(Model):
    """The provider of OpenID Connect whose tokens people sign in with, and what its claims mean."""

    issuer: Issuer = Field(
        description="the claim `iss` of its tokens, character by character, such as "
        "`https://login.microsoftonline.com/<tenant>/v2.0`; its keys are found by OpenID Connect Discovery"
    )
    audience: _ClaimValue = Field(description="the claim `aud`: the id of this API with the provider")
    client_id: _ClaimValue | None = Field(
        None,
        description="the id of the console and the Outlook add-in with the provider, as a public client with PKCE "
        "whose ways back are `/console/sign-in/back` and `/outlook/-/sign-in/back`; null: people sign in to the "
        "console by keys alone, and to the add-in not at all",
    )
    user_claim: ClaimName = Field(
        "sub",
        description="the claim that holds the id of the user, who must exist, such as `oid` or `preferred_username`",
    )
    role_claim: ClaimName | None = Field(
        None,
        description="the claim with the person's roles, such as `roles` or `realm_access.roles`; null: every user "
        "signs in with the scope `user`",
    )
    roles: Annotated[dict[_ClaimValue, PersonScope], Field(max_length=50)] = Field(
        default_factory=dict, description="the scope that each value of that claim gives; other values give none"
    )
