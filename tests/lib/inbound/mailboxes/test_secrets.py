"""Secrets of mailboxes: each organization's own, from settings or the key vault, never told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from lib.clock import SystemClock
from lib.errors import WrongField
from lib.inbound.mailboxes.errors import PollFailed
from lib.inbound.mailboxes.oauth import AccessTokens
from lib.inbound.mailboxes.secrets import MailboxSecrets, check_secret_name
from tests.support.provider_servers.credentials import Credential
from tests.support.provider_servers.faults import serving


@pytest.mark.parametrize("name", ["HEED_MAILBOX_ACME_REP", "HEED_MAILBOX_ACME_a-b", "HEED-MAILBOX-ACME-REP"])
def test_an_organization_may_name_its_own_secrets(name: str) -> None:
    check_secret_name("acme", name)


@pytest.mark.parametrize(
    "name",
    [
        "HEED_ADMIN_KEY",
        "AzureWebJobsStorage",
        "HEED_MAILBOX_OTHER_REP",
        "HEED_MAILBOX_ACMEX_REP",
        "HEED_MAILBOX_ACME_",
        "HEED_MAILBOX_ACME-REP",
        "HEED-MAILBOX-ACMEX-REP",
        "heed_mailbox_acme_rep",
        "REP",
    ],
)
async def test_it_may_name_no_other(name: str) -> None:
    with pytest.raises(WrongField):
        check_secret_name("acme", name)
    with pytest.raises(PollFailed):
        await MailboxSecrets({name: "hunter2"}, None).read_secret("acme", name)


async def test_a_secret_is_read_when_it_is_needed() -> None:
    environment = {"HEED_MAILBOX_ACME_REP": "first\n"}
    secrets = MailboxSecrets(environment, None)
    first = await secrets.read_secret("acme", "HEED_MAILBOX_ACME_REP")
    environment["HEED_MAILBOX_ACME_REP"] = "second"

    assert (first, await secrets.read_secret("acme", "HEED_MAILBOX_ACME_REP")) == ("first", "second")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", "is not set"),
        ("@Microsoft.KeyVault(SecretUri=https://x)", "a reference to a key vault that could not be resolved"),
    ],
)
async def test_a_value_that_is_none_is_told(value: str, error: str) -> None:
    with pytest.raises(PollFailed, match=error):
        await MailboxSecrets({"HEED_MAILBOX_ACME_REP": value}, None).read_secret("acme", "HEED_MAILBOX_ACME_REP")


@pytest.fixture
async def vault() -> AsyncIterator[str]:
    """A key vault with the secret HEED-MAILBOX-ACME-REP; it fails over HEED-MAILBOX-ACME-BAD."""

    async def secret(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer token-1"
        assert request.query["api-version"]
        if request.match_info["name"] == "HEED-MAILBOX-ACME-BAD":
            return web.Response(status=403, text="hunter2")
        if request.match_info["name"] != "HEED-MAILBOX-ACME-REP":
            return web.json_response({"error": {"code": "SecretNotFound"}}, status=404)
        return web.json_response({"value": "from the vault", "id": "https://x"})

    app = web.Application()
    app.router.add_get("/secrets/{name}", secret)
    async with serving(app) as url:
        yield url


async def test_a_secret_of_the_key_vault_is_read_with_the_apps_identity(vault: str) -> None:
    secrets = MailboxSecrets({}, vault, Credential("https://vault.azure.net/.default"))

    assert await secrets.read_secret("acme", "HEED-MAILBOX-ACME-REP") == "from the vault"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("HEED-MAILBOX-ACME-GONE", r"The secret HEED-MAILBOX-ACME-GONE is not set\."),
        ("HEED-MAILBOX-ACME-BAD", r"The key vault does not give the secret HEED-MAILBOX-ACME-BAD \(status 403\)\."),
    ],
)
async def test_what_the_key_vault_does_not_give_is_told(vault: str, name: str, error: str) -> None:
    secrets = MailboxSecrets({}, vault, Credential("https://vault.azure.net/.default"))

    with pytest.raises(PollFailed, match=error):
        await secrets.read_secret("acme", name)


async def test_without_a_key_vault_that_is_told() -> None:
    with pytest.raises(PollFailed, match="HEED_KEY_VAULT names none"):
        await MailboxSecrets({}, None).read_secret("acme", "HEED-MAILBOX-ACME-REP")


@pytest.mark.parametrize(
    "secret",
    [
        '{"client_id": "hunter2"}',
        "{hunter2",
        json.dumps({"token_url": "http://elsewhere.example/hunter2", "client_id": "x"}),
        json.dumps({"token_url": "http://127.0.0.1:1/hunter2", "client_id": "x"}),
        json.dumps({"token_url": "http://127.0.0.1:1@elsewhere.example/hunter2", "client_id": "x"}),
        json.dumps({"token_url": "https://[", "client_id": "hunter2"}),
    ],
)
async def test_an_oauth_client_that_cannot_be_used_is_told_without_its_values(secret: str) -> None:
    with pytest.raises(PollFailed) as told:
        await AccessTokens(SystemClock()).access_token(secret)

    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:80@elsewhere.example/t", "http://localhost.elsewhere.example/t"])
async def test_a_clients_secret_goes_in_plain_to_this_machine_alone(url: str) -> None:
    with pytest.raises(PollFailed, match="no https address"):
        await AccessTokens(SystemClock()).access_token(json.dumps({"token_url": url, "client_id": "x"}))


@pytest.mark.parametrize(
    "answer",
    [
        '{"access_token": "t", "expires_in": 1e400}',
        '{"access_token": "t", "expires_in": -1}',
        '{"access_token": null}',
        '{"access_token": "t\\r\\nX: y"}',
        "[" * 100_000,
        '{"access_token": "' + "t" * 1_000_000 + '"}',
    ],
)
async def test_an_odd_answer_of_an_authorization_server_is_told(answer: str) -> None:
    async def token(_: web.Request) -> web.Response:
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_post("/token", token)
    async with serving(app) as url:
        client = json.dumps({"token_url": f"{url}/token", "client_id": "heed"})
        with pytest.raises(PollFailed, match=r"^The authorization server cannot be asked \([A-Za-z]+\)\.$"):
            await AccessTokens(SystemClock()).access_token(client)


async def test_a_token_that_is_said_to_last_for_ever_is_taken() -> None:
    async def token(_: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_in": 10**17})

    app = web.Application()
    app.router.add_post("/token", token)
    async with serving(app) as url:
        client = json.dumps({"token_url": f"{url}/token", "client_id": "heed"})
        assert await AccessTokens(SystemClock()).access_token(client) == "t"


async def test_a_refresh_token_gets_access_tokens() -> None:
    forms = []

    async def token(request: web.Request) -> web.Response:
        forms.append(dict(await request.post()))
        return web.json_response({"access_token": "fresh", "expires_in": "3599"})

    app = web.Application()
    app.router.add_post("/token", token)
    async with serving(app) as url:
        client = {"token_url": f"{url}/token", "client_id": "heed", "refresh_token": "r", "scope": "mail"}
        tokens = AccessTokens(SystemClock())
        got = [await tokens.access_token(json.dumps(client)) for _ in range(2)]

    assert got == ["fresh", "fresh"]
    assert forms == [{"client_id": "heed", "grant_type": "refresh_token", "refresh_token": "r", "scope": "mail"}]
