"""A provider of OpenID Connect on loopback: discovery, keys that rotate, tokens, and every way to misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "api://heed"

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """The same key for the same number: making one takes a while."""
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: SigningKey, key_id: str, **fields: Any) -> dict[str, Any]:
    public = key.public_key()
    made = RSAAlgorithm.to_jwk(public) if isinstance(public, rsa.RSAPublicKey) else ECAlgorithm.to_jwk(public)
    return {**json.loads(made), "kid": key_id, "use": "sig", **fields}


@dataclass
class IdentityProvider:
    """`keys` are what it publishes; `tokens` are signed with `rsa_key()`, whose id is `k1`, unless told otherwise."""

    issuer: str = ""
    keys: list[Any] = field(default_factory=lambda: [public_jwk(rsa_key(), "k1")])
    is_down: bool = False
    named_issuer: str | None = None
    keys_address: str | None = None
    padding: int = 0
    """Bytes by which the key set is too long."""
    delay: float = 0
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for."""

    def claims(self, now: float, **fields: Any) -> dict[str, Any]:
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "rep1", "iat": int(now), "exp": int(now) + 600}
        return {name: value for name, value in {**claims, **fields}.items() if value is not None}

    async def discovery(self, request: web.Request) -> web.Response:
        document = {
            "issuer": self.named_issuer or self.issuer,
            "jwks_uri": self.keys_address or f"{self.issuer}/keys",
        }
        return await self._answer(request, document)

    async def key_set(self, request: web.Request) -> web.Response:
        return await self._answer(request, {"keys": self.keys, "padding": "x" * self.padding})

    async def _answer(self, request: web.Request, document: object) -> web.Response:
        self.asked.append(request.path)
        await asyncio.sleep(self.delay)
        return web.json_response(document, status=503 if self.is_down else 200)


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
    """A token; headers that are None are left out."""
    headers = {name: value for name, value in {"kid": "k1", **header}.items() if value is not None}
    return jwt.encode(claims, key or rsa_key(), algorithm, headers=headers)


@asynccontextmanager
async def running_provider() -> AsyncIterator[IdentityProvider]:
    provider = IdentityProvider()
    application = web.Application()
    application.router.add_get("/.well-known/openid-configuration", provider.discovery)
    application.router.add_get("/keys", provider.key_set)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
