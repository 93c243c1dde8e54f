"""Sessions of the console: who has signed in, sealed into a cookie, so that nothing is stored.

A session lasts 12 hours at most. It ends earlier with what it was begun by: the key that was shown, which may be
revoked, or the organization's identity provider, which may be replaced; and with its user, who may be deleted.
"""

from __future__ import annotations

import asyncio
import hmac
from datetime import timedelta

from pydantic import BaseModel, ValidationError

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id
from lib.organizations.keys import ApiKeys, Caller
from lib.organizations.registry import Organization, Organizations
from lib.organizations.scopes import Scope
from lib.people.store import People
from lib.people.users import StoredUser
from lib.tokens import LONGEST, KeyRing, Purpose

LIFETIME = timedelta(hours=12)

COOKIE_LASTS = LIFETIME + timedelta(days=1)
"""The cookie outlives the session, so that a form that is sent too late is answered with what was typed into it."""


class Session(BaseModel):
    """The content of the cookie."""

    organization: str
    user: str
    """The id of the user."""

    scopes: frozenset[Scope]
    key: str | None = None
    """The id of the key by which the session was begun; None where it was begun by an identity provider."""

    issuer: str | None = None
    """The provider by which the session was begun."""

    form_token: str
    """Stands in every form: other sites do not know it."""

    expires_at: Moment

    def accepts_form(self, token: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


class SignedIn(BaseModel):
    """A session that holds now, with what was read to find that out."""

    session: Session
    organization: Organization
    user: StoredUser

    def caller(self) -> Caller:
        """Return the caller that endpoints know."""
        return Caller(
            organization=self.organization, scopes=self.session.scopes, key=self.session.key, user=self.user.id
        )


class Sessions:
    """Begins sessions, and checks them. Methods raise StorageError."""

    def __init__(
        self, ring: KeyRing, keys: ApiKeys, organizations: Organizations, people: People, clock: Clock
    ) -> None:
        self._ring = ring
        self._keys = keys
        self._organizations = organizations
        self._people = people
        self._clock = clock

    def begin_session(
        self,
        organization: str,
        user: str,
        scopes: frozenset[Scope],
        *,
        key: str | None = None,
        issuer: str | None = None,
    ) -> str:
        """Begin a session of a user, who was checked; return it sealed."""
        session = Session(
            organization=organization,
            user=user,
            scopes=scopes,
            key=key,
            issuer=issuer,
            form_token=new_id(),
            expires_at=self._clock.now() + LIFETIME,
        )
        return self._ring.seal(Purpose.CONSOLE, session.model_dump_json().encode())

    def open_session(self, sealed: str) -> Session | None:
        """Open a session that we have sealed, which may have ended; None where it is none of ours. Nothing is read."""
        plain = self._ring.unseal(Purpose.CONSOLE, sealed) if len(sealed) <= LONGEST else None
        if plain is None:
            return None
        try:
            return Session.model_validate_json(plain)
        except ValidationError:  # a session of another release
            return None

    async def check_session(self, session: Session) -> SignedIn | None:
        """Check a session; None where it has ended. Everything is read at once.

        Raises Unavailable while the organization is being restored, as keys do.
        """
        if session.expires_at <= self._clock.now():
            return None
        has_key, found, user = await asyncio.gather(
            self._has_key(session),
            self._organizations.load_organization(session.organization),
            self._people.user(session.organization, session.user),
        )
        if not has_key or found is None or user is None or not _has_provider(session, found[0]):
            return None
        found[0].check_open()
        return SignedIn(session=session, organization=found[0], user=user)

    async def _has_key(self, session: Session) -> bool:
        return session.key is None or await self._keys.has_key(session.organization, session.key)


def _has_provider(session: Session, organization: Organization) -> bool:
    """Tell whether the organization still has the provider by which the session was begun."""
    if session.key is not None:
        return True
    sign_in = organization.settings.sign_in
    return sign_in is not None and sign_in.issuer == session.issuer
