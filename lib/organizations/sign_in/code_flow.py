"""The authorization code flow of OpenID Connect, by which a person signs in to the console, or in a dialog of Outlook.

The person is sent to the organization's provider and comes back with a code, for which the provider gives an ID token.
`state` binds the way back to the browser that has left, `nonce` binds the token to this sign-in, and PKCE (RFC 7636)
binds the code to it: so no secret of a client is needed. Sources: OpenID Connect Core 1.0, 3.1; RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, Field, ValidationError

from lib.clock import Clock
from lib.fields import Moment
from lib.organizations.registry import Organization
from lib.organizations.sign_in.claims import Claims, Person, check_times, name_person
from lib.organizations.sign_in.providers import Providers
from lib.organizations.sign_in.refusals import BadToken, NotEntitled, ProviderDown
from lib.organizations.sign_in.settings import SignIn
from lib.organizations.sign_in.signatures import LONGEST_TOKEN, check_signature, read_header
from lib.outside import NotOutside
from lib.outside.http import RequestFailed, check_address, post_body
from lib.tokens import LONGEST, KeyRing, Purpose

LASTS = timedelta(minutes=10)
"""Time that a person has at the provider."""

_MOST_BYTES = 64 * 1024
_LONGEST = 24 * 3600
"""Seconds for which a token of the provider may hold."""

_SHORTEST = 300
"""Seconds for which it is taken to hold where the provider does not say that."""

_FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Attempt(BaseModel):
    """A sign-in that is under way. The browser keeps it sealed."""

    organization: str
    state: str
    nonce: str
    verifier: str
    """The secret of PKCE."""

    next: str
    """The page to which the person wanted to go."""

    expires_at: Moment

    def seal(self, ring: KeyRing) -> str:
        """Return it sealed, for a cookie."""
        return ring.seal(Purpose.SIGNING_IN, self.model_dump_json().encode())

    @classmethod
    def unseal(cls, ring: KeyRing, sealed: str) -> Attempt | None:
        """Return what was sealed; None for anything else, and for an attempt that another release has sealed."""
        plain = ring.unseal(Purpose.SIGNING_IN, sealed) if len(sealed) <= LONGEST else None
        try:
            return cls.model_validate_json(plain) if plain is not None else None
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    """A person who has come back from the provider."""

    person: Person
    access_token: str | None
    """The provider's token for the API; None where it has given none."""
    seconds: int
    """The time for which that token holds."""


class _Given(BaseModel):
    """The answer of the provider's token endpoint (RFC 6749, 5.1; OpenID Connect Core 1.0, 3.1.3.3)."""

    id_token: Annotated[str, Field(max_length=LONGEST_TOKEN)]
    # Who signs in to the console needs neither of them, whatever they are.
    access_token: object = None
    expires_in: object = 0

    def signed_in(self, person: Person) -> SignedInPerson:
        """Return the person with the token for the API, where it is one."""
        token, seconds = self.access_token, self.expires_in
        usable = token if isinstance(token, str) and 0 < len(token) <= LONGEST_TOKEN else None
        lasts = int(seconds) if isinstance(seconds, int | float) and 0 < seconds <= _LONGEST else _SHORTEST
        return SignedInPerson(person, usable, lasts)


class CodeFlow:
    """The code flow with the providers of organizations. `loopback`: providers on this machine are accepted, too."""

    def __init__(self, providers: Providers, clock: Clock, *, loopback: bool) -> None:
        self._providers = providers
        self._clock = clock
        self._loopback = loopback

    async def begin(self, organization: Organization, back: str, after: str, scope: str = "") -> tuple[Attempt, str]:
        """Begin a sign-in; return it, and the provider's address. Raises NotEntitled, ProviderDown.

        `back` is the address to which the provider sends the person; `after` is the page that comes then. `scope` is
        asked for beside the person's identity.
        """
        sign_in, client = _client_of(organization)
        address = await self._endpoint(sign_in, "authorization_endpoint")
        attempt = Attempt(
            organization=organization.id,
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            next=after,
            expires_at=self._clock.now() + LASTS,
        )
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": back,
            "scope": f"openid profile {scope}".strip(),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return attempt, f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"

    async def complete(
        self, organization: Organization, attempt: Attempt, answer: Mapping[str, str], back: str
    ) -> SignedInPerson:
        """Tell who has come back, by the query of the answer. Raises BadToken, NotEntitled, ProviderDown."""
        sign_in, client = _client_of(organization)
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise BadToken("The answer belongs to another sign-in.")
        if attempt.expires_at <= self._clock.now():
            raise BadToken("The sign-in has taken too long.")
        if answer.get("iss", sign_in.issuer) != sign_in.issuer:  # RFC 9207
            raise BadToken("The answer is from another issuer than the organization's.")
        if "error" in answer:
            raise NotEntitled("The identity provider has not signed you in.")
        code = answer.get("code")
        if not code:
            raise BadToken("The identity provider has sent no code.")
        given = await self._exchange(sign_in, client, code, attempt.verifier, back)
        token = given.id_token
        header = read_header(token)
        claims = check_signature(token, await self._providers.find_key(sign_in.issuer, header), header.algorithm)
        _check_claims(claims, sign_in, client, attempt.nonce, self._clock.now())
        return given.signed_in(name_person(claims, sign_in))

    async def _endpoint(self, sign_in: SignIn, name: str) -> str:
        """Find an address in the provider's document. Raises ProviderDown."""
        address = await self._providers.find_in_document(sign_in.issuer, name)
        try:
            if not isinstance(address, str):
                raise NotOutside("There is none.")
            check_address(address, loopback=self._loopback)
        except NotOutside:
            raise ProviderDown(f"The identity provider's document names no usable address ({name}).") from None
        return address

    async def _exchange(self, sign_in: SignIn, client: str, code: str, verifier: str, back: str) -> _Given:
        """Exchange the code for tokens. Raises ProviderDown, BadToken."""
        address = await self._endpoint(sign_in, "token_endpoint")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": client,
            "code_verifier": verifier,
        }
        try:
            reply = await post_body(
                address, urlencode(form).encode(), _FORM_TYPE, loopback=self._loopback, most_bytes=_MOST_BYTES
            )
        except (NotOutside, RequestFailed) as error:
            raise ProviderDown(f"The identity provider cannot be asked ({error}).") from None
        if reply.status >= 500:
            raise ProviderDown(f"The identity provider cannot be asked (status {reply.status}).")
        try:
            given = _Given.model_validate_json(reply.beginning) if reply.status == 200 else None
        except ValidationError:
            given = None
        if given is None:
            raise BadToken("The identity provider has given no ID token for the code.")
        return given


def _client_of(organization: Organization) -> tuple[SignIn, str]:
    """Return the organization's provider, and the console's id with it. Raises NotEntitled."""
    sign_in = organization.settings.sign_in
    if sign_in is None or sign_in.client_id is None:
        raise NotEntitled("The organization has no identity provider for the console.")
    return sign_in, sign_in.client_id


def _check_claims(claims: Claims, sign_in: SignIn, client: str, nonce: str, now: datetime) -> None:
    """Check that an ID token is of this sign-in (OpenID Connect Core 1.0, 3.1.3.7). Raises BadToken, Expired."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != sign_in.issuer:
        raise BadToken("The token is from another issuer than the organization's.")
    if client not in audiences or claims.get("azp", client) != client:
        raise BadToken("The token is for another audience than the console.")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise BadToken("The token belongs to another sign-in.")
    check_times(claims, now)
