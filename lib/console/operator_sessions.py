"""Sessions of the deployment's operator, begun by the administrator's key, and sealed into a cookie of their own."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from pydantic import BaseModel, SecretStr, ValidationError

from lib.clock import Clock
from lib.fields import Moment
from lib.ids import new_id
from lib.tokens import LONGEST, KeyRing, Purpose

LIFETIME = timedelta(hours=1)


class OperatorSession(BaseModel):
    """The content of the cookie."""

    key_hash: str
    """SHA-256 of the administrator's key: another key ends the session."""

    form_token: str
    """Stands in every form: other sites do not know it."""

    expires_at: Moment

    def accepts_form(self, token: str) -> bool:
        """Tell whether a form was made for this session."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


class OperatorSessions:
    """Begins sessions of the operator, and checks them. Nothing is stored."""

    def __init__(self, ring: KeyRing, admin_key: SecretStr | None, clock: Clock) -> None:
        self._ring = ring
        self._admin_key = admin_key
        self._clock = clock

    def begin_session(self) -> str:
        """Begin a session of a person who has shown the administrator's key; return it sealed."""
        session = OperatorSession(
            key_hash=self._key_hash(), form_token=new_id(), expires_at=self._clock.now() + LIFETIME
        )
        return self._ring.seal(Purpose.OPERATOR, session.model_dump_json().encode())

    def check_session(self, sealed: str) -> OperatorSession | None:
        """Check a sealed session; None where it has ended, or is none of ours."""
        plain = self._ring.unseal(Purpose.OPERATOR, sealed) if len(sealed) <= LONGEST else None
        if plain is None or self._admin_key is None:
            return None
        try:
            session = OperatorSession.model_validate_json(plain)
        except ValidationError:  # a session of another release
            return None
        is_ours = hmac.compare_digest(session.key_hash, self._key_hash())
        return session if is_ours and session.expires_at > self._clock.now() else None

    def _key_hash(self) -> str:
        assert self._admin_key is not None
        return hashlib.sha256(self._admin_key.get_secret_value().encode()).hexdigest()
