"""Callers: who they are, and tokens with which browsers act as a user."""

from __future__ import annotations

from pydantic import BaseModel, Field

from functions.api.authorization import Who
from functions.api.endpoint import Answer, Call, Endpoints
from functions.api.problems import Problem, not_there
from lib.fields import Moment

_EVERYBODY: tuple[Who, ...] = ("administrator", "full", "read", "inbound", "admin", "user")

service = Endpoints("Service", may=_EVERYBODY, prefix="api")
endpoints = Endpoints("Organizations", may=("full",))


class Myself(BaseModel):
    """The caller of a request."""

    administrator: bool = Field(description="whether it is the deployment's key")
    organization: str | None = Field(description="null for the administrator")
    scope: str | None = Field(description="of the caller; a person may have several, separated by spaces")
    key: str | None = Field(description="the id of the key; null for a person who has signed in")
    key_name: str | None = Field(description="the name of the key, if it was given one")
    user: str | None = Field(description="the only user whom the caller acts as; null: any of the organization")
    acting_user: str | None = Field(description="the user whom this request acts as; null where it names none")


class UserToken(BaseModel):
    """A token for a browser, which acts as one user alone."""

    token: str
    expires_at: Moment = Field(description="15 minutes after it was made")


@service("GET", "/whoami", answers={200: Myself})
async def whoami(call: Call) -> Answer:
    """Tell the caller's organization, scope, and key or user."""
    caller = call.caller
    return Answer(
        200,
        Myself(
            administrator=caller is None,
            organization=caller.organization.id if caller else None,
            scope=" ".join(sorted(caller.scopes)) if caller else None,
            key=caller.key if caller else None,
            key_name=caller.key_name if caller else None,
            user=caller.user if caller else None,
            acting_user=call.user() if caller else None,
        ),
    )


@endpoints("GET", "/whoami", answers={200: Myself}, may=_EVERYBODY)
async def whoami_here(call: Call) -> Answer:
    """Tell the same to a person whose token names no organization: the path does."""
    return await whoami(call)


@endpoints("POST", "/users/{user}/tokens", answers={201: UserToken})
async def make_user_token(call: Call) -> Answer:
    """Make a token with which a browser acts as the user for 15 minutes. Revoking the key that made it ends it."""
    user = call.path["user"]
    if call.caller is None or call.caller.key is None:
        raise Problem(403, "This takes a key of the organization: a token makes no tokens.")
    if await call.services.people.user(call.org, user) is None:
        raise not_there("user")
    token, expires_at = call.services.user_tokens.make_token(call.org, call.caller.key, user)
    return Answer(201, UserToken(token=token, expires_at=expires_at))
