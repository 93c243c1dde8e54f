"""A provider of OpenID Connect on loopback: discovery, keys that rotate, tokens, and every way to misbehave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

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
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked for with each code that was not exchanged yet."""
    now: float = 0
    """The time on the provider's clock, for ID tokens."""
    id_claims: dict[str, Any] = field(default_factory=dict)
    """Claims of ID tokens that are other than usual; None leaves one out."""
    access_token: str | None = "its own"
    """What is given with each ID token: a token for the API where it says `its own`, else this."""

    def claims(self, now: float, **fields: Any) -> dict[str, Any]:
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "rep1", "iat": int(now), "exp": int(now) + 600}
        return {name: value for name, value in {**claims, **fields}.items() if value is not None}

    async def discovery(self, request: web.Request) -> web.Response:
        document = {
            "issuer": self.named_issuer or self.issuer,
            "jwks_uri": self.keys_address or f"{self.issuer}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
        }
        return await self._answer(request, document)

    async def key_set(self, request: web.Request) -> web.Response:
        return await self._answer(request, {"keys": self.keys, "padding": "x" * self.padding})

    async def authorize(self, request: web.Request) -> web.Response:
        """Sign the person in at once, and send them back with a code."""
        asked = dict(request.query)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, once, for an ID token, where its verifier is right (RFC 7636, 4.6)."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        is_right = (
            asked is not None
            and all(form[name] == asked[name] for name in ("client_id", "redirect_uri"))
            and asked["code_challenge"] == challenge
        )
        if self.is_down or asked is None or not is_right:
            return web.json_response({"error": "invalid_grant"}, status=503 if self.is_down else 400)
        claims = {**self.claims(self.now), "aud": asked["client_id"], "nonce": asked["nonce"], **self.id_claims}
        kept = {name: value for name, value in claims.items() if value is not None}
        access = signed(self.claims(self.now)) if self.access_token == "its own" else self.access_token
        return web.json_response({"id_token": signed(kept), "access_token": access, "token_type": "Bearer"})

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
    application.router.add_get("/authorize", provider.authorize)
    application.router.add_post("/token", provider.token)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
