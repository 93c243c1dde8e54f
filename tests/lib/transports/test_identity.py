"""Tokens of the app's identity, from azure-identity itself, over an endpoint as App Service and Functions have it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from azure.identity.aio import DefaultAzureCredential

from lib.transports.identity import Identity
from tests.support.provider_servers.faults import serving

SCOPE = "https://graph.microsoft.com/.default"


@dataclass(slots=True)
class IdentityEndpoint:
    """Gives `token-1`, `token-2` and so on, each for a day; `given` counts them."""

    given: int = 0
    app: web.Application = field(default_factory=web.Application)

    def __post_init__(self) -> None:
        self.app.router.add_get("/msi/token", self._token)

    async def _token(self, request: web.Request) -> web.Response:
        resource = request.query["resource"]
        assert resource == "https://graph.microsoft.com"
        self.given += 1
        expires = str(int(time.time()) + 86_400)
        return web.json_response({"access_token": f"token-{self.given}", "expires_on": expires, "resource": resource})


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[IdentityEndpoint]:
    endpoint = IdentityEndpoint()
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    async with serving(endpoint.app) as address:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{address}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        yield endpoint


async def test_azure_identity_gives_a_refused_token_again_and_again(endpoint: IdentityEndpoint) -> None:
    async with DefaultAzureCredential() as credential:
        tokens = [(await credential.get_token(SCOPE)).token for _ in range(3)]

    assert (tokens, endpoint.given) == (["token-1"] * 3, 1)


@pytest.mark.parametrize("claims", [None, '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'])
async def test_a_refused_token_is_renewed_once_past_that_cache(endpoint: IdentityEndpoint, claims: str | None) -> None:
    async with Identity(SCOPE) as identity:
        assert (await identity.get_token()).token == "token-1"

        renewed = [(await identity.renew("token-1", claims)).token for _ in range(3)]

        assert renewed == ["token-2"] * 3
        assert (await identity.get_token()).token == "token-2"
    assert endpoint.given == 2


async def test_an_sdk_that_asks_for_claims_gets_a_new_token(endpoint: IdentityEndpoint) -> None:
    async with Identity(SCOPE) as identity:
        await identity.get_token(SCOPE)

        tokens = [(await identity.get_token(SCOPE, claims='{"access_token":{}}')).token for _ in range(3)]

    assert (tokens, endpoint.given) == (["token-2"] * 3, 2)
