"""Keys and addresses of identity providers, found by OpenID Connect Discovery 1.0 and kept in memory.

Both are renewed each hour beside the answers that use them. A token that names an unknown key has them fetched at once,
at most once a minute for each provider, so that made-up keys cost the provider nothing; nor do sign-ins that are begun.
While a provider does not answer, what it published last counts, for a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cachetools import LRUCache

from lib.clock import Clock
from lib.organizations.sign_in.documents import fetch_document
from lib.organizations.sign_in.refusals import BadToken, ProviderDown
from lib.organizations.sign_in.signatures import Key, TokenHeader, choose_key, usable_keys

log = logging.getLogger("heed.sign_in")

RENEWED_AFTER = timedelta(hours=1)
"""Age from which what a provider publishes is renewed."""

KEPT = timedelta(hours=24)
"""Age up to which it counts while it cannot be renewed."""

ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""Time between two requests to a provider that is known."""

_FIRST_ASKED_AGAIN_AFTER = timedelta(seconds=5)
"""Time between two requests to a provider that is not known yet."""

_MOST_PROVIDERS = 1_000


@dataclass(slots=True)
class _Provider:
    """A provider, as far as it is known."""

    document: Mapping[str, Any] = field(default_factory=dict)
    """Its discovery document."""

    keys: Sequence[Key] = field(default_factory=list)
    fetched_at: datetime | None = None
    asked_at: datetime | None = None
    asking: asyncio.Task[None] | None = None
    failure: str = ""


class Providers:
    """Identity providers by their issuer."""

    def __init__(self, clock: Clock, *, loopback: bool) -> None:
        self._clock = clock
        self._loopback = loopback
        self._known: LRUCache[str, _Provider] = LRUCache(_MOST_PROVIDERS)

    async def find_key(self, issuer: str, header: TokenHeader) -> Key:
        """Find the provider's key that a token names. Raises BadToken where there is none, ProviderDown."""
        provider = self._known.setdefault(issuer, _Provider())
        await self._renew(issuer, provider, is_lacking=choose_key(provider.keys, header) is None)
        key = choose_key(provider.keys, header)
        if key is None:
            raise BadToken("The token is signed with a key that the issuer does not publish.")
        return key

    async def find_in_document(self, issuer: str, name: str) -> object:
        """Find a field of the provider's discovery document, such as `token_endpoint`. Raises ProviderDown.

        The result is None where there is none; nothing of it is checked.
        """
        provider = self._known.setdefault(issuer, _Provider())
        await self._renew(issuer, provider)
        return provider.document.get(name)

    async def _renew(self, issuer: str, provider: _Provider, *, is_lacking: bool = False) -> None:
        """Fetch what is too old, or lacks something, as far as the provider may be asked. Raises ProviderDown.

        What is still good is fetched beside the answer.
        """
        if (is_lacking or self._age(provider) >= KEPT) and self._may_ask(provider):
            await asyncio.shield(self._ask(issuer, provider))
        elif self._age(provider) >= RENEWED_AFTER and self._may_ask(provider):
            self._ask(issuer, provider)
        if self._age(provider) >= KEPT:
            raise ProviderDown(provider.failure)

    def _age(self, provider: _Provider) -> timedelta:
        return timedelta.max if provider.fetched_at is None else self._clock.now() - provider.fetched_at

    def _may_ask(self, provider: _Provider) -> bool:
        if provider.asking is not None or provider.asked_at is None:
            return True
        pause = _FIRST_ASKED_AGAIN_AFTER if provider.fetched_at is None else ASKED_AGAIN_AFTER
        return self._clock.now() - provider.asked_at >= pause

    def _ask(self, issuer: str, provider: _Provider) -> asyncio.Task[None]:
        """Fetch document and keys, or join the request that is under way."""
        if provider.asking is None:
            provider.asked_at = self._clock.now()
            provider.asking = asyncio.create_task(self._fetch(issuer, provider))
        return provider.asking

    async def _fetch(self, issuer: str, provider: _Provider) -> None:
        try:
            provider.document, provider.keys = await self._fetch_all(issuer)
            provider.fetched_at = self._clock.now()
        except ProviderDown as error:
            provider.failure = f"{error}"
            log.warning("%s", error)
        finally:
            provider.asking = None

    async def _fetch_all(self, issuer: str) -> tuple[Mapping[str, Any], Sequence[Key]]:
        """Fetch the discovery document and the keys that it leads to. Raises ProviderDown."""
        discovery = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await fetch_document(discovery, loopback=self._loopback)
        if found.get("issuer") != issuer:
            raise ProviderDown("The identity provider's own document names another issuer.")
        address = found.get("jwks_uri")
        if not isinstance(address, str):
            raise ProviderDown("The identity provider's document names no address of keys (jwks_uri).")
        keys = usable_keys((await fetch_document(address, loopback=self._loopback)).get("keys"))
        if not keys:
            raise ProviderDown("The identity provider publishes no usable keys.")
        return found, keys
