"""An identity that answers from its cache, as azure-identity's do."""

from __future__ import annotations

from typing import Any

from azure.core.credentials import AccessToken


class Credential:
    """Gives tokens `token-1`, `token-2` and so on: the same one, until it is asked for claims.

    `claims` are those it was asked for each time that it went for a new one.
    """

    def __init__(self, scope: str = "https://graph.microsoft.com/.default") -> None:
        self.scope = scope
        self.claims: list[str | None] = []
        self.failure: Exception | None = None
        self._cached: AccessToken | None = None

    async def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        assert scopes == (self.scope,)
        if self.failure:
            raise self.failure
        if self._cached is None or claims:
            self.claims.append(claims)
            self._cached = AccessToken(f"token-{len(self.claims)}", 4_000_000_000)
        return self._cached

    async def close(self) -> None: ...

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None: ...
