"""Access tokens of mailboxes: from the client that a secret describes, or the secret itself.

The secret of a mailbox with OAuth holds a JSON object of `token_url` and `client_id`, and as needed of
`client_secret`, `scope` and `refresh_token`. With a refresh token it is the
grant `refresh_token` (RFC 6749, 6), without one `client_credentials` (4.4). A secret that is no JSON is a token
already, which another program renews.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import aiohttp
from cachetools import LRUCache
from pydantic import BaseModel, Field, SecretStr, ValidationError
from yarl import URL

from lib.clock import Clock
from lib.inbound.mailboxes.errors import PollFailed

_SECONDS = 10
_EARLY = timedelta(minutes=1)
_LASTS = 3600
"""Seconds that a token lasts whose answer does not say so."""

_LONGEST = 86_400
"""Seconds after which a token is asked for again, however long it lasts."""

_LARGEST_ANSWER = 256 * 1024
"""Bytes."""

_MOST_REMEMBERED = 10_000


class OAuthClient(BaseModel):
    """A client of an authorization server."""

    token_url: str
    client_id: str
    client_secret: SecretStr | None = None
    scope: str | None = None
    refresh_token: SecretStr | None = None

    def form(self, scope: str | None) -> dict[str, str]:
        """Return the fields of the request for a token."""
        fields = {"client_id": self.client_id}
        if self.client_secret:
            fields["client_secret"] = self.client_secret.get_secret_value()
        if self.refresh_token:
            fields |= {"grant_type": "refresh_token", "refresh_token": self.refresh_token.get_secret_value()}
        else:
            fields["grant_type"] = "client_credentials"
        asked = self.scope or scope
        return fields | ({"scope": asked} if asked else {})


class _TokenAnswer(BaseModel):
    """The answer of an authorization server (RFC 6749, 5.1)."""

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    expires_in: int = Field(_LASTS, ge=0)


class AccessTokens:
    """Access tokens, kept in memory until shortly before their end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: LRUCache[tuple[str, str], tuple[str, datetime]] = LRUCache(_MOST_REMEMBERED)

    async def access_token(self, secret: str, scope: str | None = None, refused: str | None = None) -> str:
        """Return an access token, another one than `refused`. `scope` is used where the secret names none.

        Raises PollFailed, whose text tells nothing of the secret.
        """
        if not secret.lstrip().startswith("{"):
            return secret
        key = secret, scope or ""
        token, end = self._tokens.get(key, ("", self._clock.now()))
        if token and token != refused and self._clock.now() < end - _EARLY:
            return token
        client = _client(secret)
        token, lasts = await _requested(client, client.form(scope))
        self._tokens[key] = token, self._clock.now() + timedelta(seconds=lasts)
        return token


def _client(secret: str) -> OAuthClient:
    try:
        client = OAuthClient.model_validate_json(secret)
    except ValidationError:
        raise PollFailed("The mailbox's secret describes no OAuth client (token_url, client_id, …).") from None
    if not _is_address(client.token_url):
        raise PollFailed("The token_url in the mailbox's secret is no https address.")
    return client


def _is_address(url: str) -> bool:
    """Tell whether a client's secret may go there: over https, or to this machine."""
    try:
        found = URL(url)
    except ValueError:
        return False
    may_be_plain = found.scheme == "http" and found.host in ("127.0.0.1", "localhost")
    return bool(found.host) and found.user is None and (found.scheme == "https" or may_be_plain)


async def _requested(client: OAuthClient, form: dict[str, str]) -> tuple[str, int]:
    """Ask for a token; return it and the seconds that it lasts."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
            session.post(client.token_url, data=form, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise PollFailed(f"The authorization server gives no token (status {response.status}).")
            try:
                answer = _TokenAnswer.model_validate_json(await response.content.readexactly(_LARGEST_ANSWER))
            except asyncio.IncompleteReadError as whole:
                answer = _TokenAnswer.model_validate_json(whole.partial)
            return answer.access_token, min(answer.expires_in, _LONGEST)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise PollFailed(f"The authorization server cannot be asked ({type(error).__name__}).") from None
