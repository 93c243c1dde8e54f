"""People work with tokens of their organization's identity provider, a real one on loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.heed import ADMIN_KEY, START, Heed, Response
from tests.support.identity_provider import (
    AUDIENCE,
    IdentityProvider,
    ec_key,
    public_jwk,
    rsa_key,
    running_provider,
    signed,
)

NOW = START.timestamp()


@pytest.fixture
async def provider() -> AsyncIterator[IdentityProvider]:
    async with running_provider() as running:
        yield running


@pytest.fixture
async def heed(provider: IdentityProvider) -> Heed:
    started = await Heed(settings={"HEED_LOOPBACK": "on"}).start()
    await sign_in(started, provider)
    return started


async def sign_in(heed: Heed, provider: IdentityProvider, **fields: Any) -> Response:
    settings = {"sign_in": {"issuer": provider.issuer, "audience": AUDIENCE, **fields}}
    return await heed.request("PATCH", "/api/orgs/acme", {"settings": settings}, key=ADMIN_KEY)


async def ask(heed: Heed, token: str, path: str = "/messages", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await heed.request("GET", f"/api/orgs/acme{path}", key=token, headers=named)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def by_hand(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}.{b64(signature)}"


async def test_a_user_works_with_a_token_and_acts_as_that_user_alone(heed: Heed, provider: IdentityProvider) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example"})
    token = signed(provider.claims(NOW))

    whoami = await ask(heed, token, "/whoami")
    alone = await ask(heed, token, "/cards")
    same = await ask(heed, token, "/cards", x_heed_user="rep1")
    other = await ask(heed, token, "/cards", x_heed_user="rep2")

    assert whoami.json == {
        "administrator": False,
        "organization": "acme",
        "scope": "user",
        "key": None,
        "key_name": None,
        "user": "rep1",
        "acting_user": "rep1",
    }
    assert (alone.status, same.status, other.status) == (200, 200, 403)
    assert "X-Heed-User" in other.json["detail"]


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256"])
async def test_a_key_without_an_algorithm_takes_those_of_its_kind(
    heed: Heed, provider: IdentityProvider, algorithm: str
) -> None:
    assert (await ask(heed, signed(provider.claims(NOW), algorithm=algorithm))).status == 200


async def test_elliptic_curves_are_taken_and_a_key_is_not_used_with_another_algorithm(
    heed: Heed, provider: IdentityProvider
) -> None:
    provider.keys = [public_jwk(ec_key(), "e1"), public_jwk(rsa_key(), "k1", alg="RS256")]

    assert (await ask(heed, signed(provider.claims(NOW), ec_key(), "ES256", kid="e1"))).status == 200
    assert (await ask(heed, signed(provider.claims(NOW), algorithm="PS256"))).status == 401
    assert (await ask(heed, signed(provider.claims(NOW), kid="e1"))).status == 401


async def test_a_token_without_a_keys_id_is_checked_where_one_key_suits(heed: Heed, provider: IdentityProvider) -> None:
    token = signed(provider.claims(NOW), kid=None)
    assert (await ask(heed, token)).status == 200

    provider.keys.append(public_jwk(rsa_key(1), "k2"))
    heed.clock.move(hours=25)
    assert (await ask(heed, signed(provider.claims(NOW + 25 * 3600), kid=None))).status == 401


@pytest.mark.parametrize(
    "fields",
    [
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("nan")},
        {"nbf": NOW + 120},
        {"iat": NOW + 120},
        {"nbf": "now"},
        {"aud": "api://other"},
        {"aud": ["api://other"]},
        {"aud": None},
        {"aud": {"api://heed": 1}},
        {"iss": "https://login.example.com"},
        {"iss": None},
        {"iss": ["x"]},
    ],
)
async def test_a_token_of_another_time_audience_or_issuer_proves_nothing(
    heed: Heed, provider: IdentityProvider, fields: dict[str, Any]
) -> None:
    claims = provider.claims(NOW, **fields)
    # As an attacker would: PyJWT itself refuses to make some of these.
    header = {"alg": "RS256", "kid": "k1"}
    signing = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    token = f"{signing}.{b64(jwt.get_algorithm_by_name('RS256').sign(signing.encode(), rsa_key()))}"

    answer = await ask(heed, token)

    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_a_minute_of_skew_is_forgiven(heed: Heed, provider: IdentityProvider) -> None:
    for fields in ({"exp": NOW - 50}, {"nbf": NOW + 50}, {"iat": NOW + 50}, {"aud": ["x", AUDIENCE]}):
        assert (await ask(heed, signed(provider.claims(NOW, **fields)))).status == 200


async def test_forged_tokens_prove_nothing(heed: Heed, provider: IdentityProvider) -> None:
    claims = provider.claims(NOW)
    good = signed(claims)
    public = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signing = (
        f"{b64(json.dumps({'alg': 'HS256', 'kid': 'k1', 'typ': 'JWT'}).encode())}.{b64(json.dumps(claims).encode())}"
    )
    with_public_key = f"{signing}.{b64(hmac.new(public, signing.encode(), hashlib.sha256).digest())}"
    head, body, signature = good.split(".")
    forged = {
        "another key": signed(claims, rsa_key(1)),
        "no algorithm": by_hand({"alg": "none", "typ": "JWT"}, claims),
        "no algorithm, spelled oddly": by_hand({"alg": "nOnE"}, claims),
        "no signature": f"{head}.{body}.",
        "another body": f"{head}.{b64(json.dumps({**claims, 'sub': 'admin'}).encode())}.{signature}",
        "HS256 with the public key": with_public_key,
        "a key of its own in the header": signed(claims, rsa_key(1), jwk=public_jwk(rsa_key(1), "k1"), kid=None),
        "a set of keys of its own": signed(claims, rsa_key(1), jku="https://evil.example/keys"),
        "extensions": signed(claims, crit=["x"], x=1),
        "another type": signed(claims, typ="logout+jwt"),
        "an algorithm in a list": by_hand({"alg": ["RS256"], "kid": "k1"}, claims, b"x"),
        "a key's id in a list": by_hand({"alg": "RS256", "kid": ["k1"]}, claims, b"x"),
        "no object": f"{b64(b'[1]')}.{body}.{signature}",
        "deep": f"eyJ{'W1tb' * 900}.{body}.{signature}",
    }
    for what, token in forged.items():
        assert (await ask(heed, token)).status == 401, what
    assert (await ask(heed, good)).status == 200


@pytest.mark.parametrize(
    "key_id", ["../../etc/passwd", "k1/../k1", "http://127.0.0.1/", "' or 1=1", "k1\x00", "K1", ""]
)
async def test_a_keys_id_is_compared_and_nothing_else(heed: Heed, provider: IdentityProvider, key_id: str) -> None:
    assert (await ask(heed, signed(provider.claims(NOW), kid=key_id))).status == 401
    assert set(provider.asked) <= {"/.well-known/openid-configuration", "/keys"}


async def test_huge_tokens_are_refused_before_anything_is_asked(heed: Heed, provider: IdentityProvider) -> None:
    for token in (signed(provider.claims(NOW, x="x" * 20_000)), signed(provider.claims(NOW), kid="k" * 5_000)):
        assert (await ask(heed, token)).status == 401
    assert provider.asked == []


async def test_keys_are_asked_for_once_and_again_when_they_rotate_at_most_once_a_minute(
    heed: Heed, provider: IdentityProvider
) -> None:
    answers = await asyncio.gather(*(ask(heed, signed(provider.claims(NOW))) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert provider.asked.count("/keys") == 1

    provider.keys = [public_jwk(rsa_key(1), "k2")]
    rotated = signed(provider.claims(NOW), rsa_key(1), kid="k2")
    for _ in range(5):
        assert (await ask(heed, rotated)).status == 401
    assert provider.asked.count("/keys") == 1

    heed.clock.move(seconds=61)
    assert (await ask(heed, rotated)).status == 200
    for number in range(5):
        assert (await ask(heed, signed(provider.claims(NOW), kid=f"made-up-{number}"))).status == 401
    assert provider.asked.count("/keys") == 2


async def test_the_last_keys_count_for_a_day_while_the_provider_is_down(heed: Heed, provider: IdentityProvider) -> None:
    async def ask_after(hours: float) -> int:
        heed.clock.move(hours=hours)
        return (await ask(heed, signed(provider.claims(heed.clock.now().timestamp())))).status

    assert await ask_after(0) == 200
    provider.is_down = True
    assert [await ask_after(hours) for hours in (2, 20)] == [200, 200]
    assert await ask_after(3) == 503

    provider.is_down = False
    assert await ask_after(0.1) == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"is_down": True},
        {"named_issuer": "https://login.example.com"},
        {"keys_address": "ftp://127.0.0.1/keys"},
        {"keys_address": "http://169.254.169.254/latest/meta-data"},
        {"keys_address": "http://10.0.0.1/keys"},
        {"padding": 300_000},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}, "x", None]},
    ],
)
async def test_a_provider_that_gives_no_keys_is_503_and_signs_no_one_in(
    heed: Heed, provider: IdentityProvider, fault: dict[str, Any]
) -> None:
    for name, value in fault.items():
        setattr(provider, name, value)

    answer = await ask(heed, signed(provider.claims(NOW)))

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    "issuer",
    [
        "https://10.0.0.1",
        "https://169.254.169.254/x",
        "https://168.63.129.16",
        "https://[::1]",
        "https://localhost",
        "http://login.example.com",
        "https://user:password@login.example.com",
        "https://login.example.com?x=1",
        "ftp://login.example.com",
        "https://",
    ],
)
async def test_an_issuer_inside_is_refused_when_it_is_set(issuer: str) -> None:
    heed = await Heed().start()

    answer = await heed.request(
        "PATCH",
        "/api/orgs/acme",
        {"settings": {"sign_in": {"issuer": issuer, "audience": AUDIENCE}}},
        key=ADMIN_KEY,
    )

    assert (answer.status, answer.json["errors"][0]["loc"][:3]) == (422, ["settings", "sign_in", "issuer"])


async def test_a_name_that_leads_inside_is_not_connected_to(provider: IdentityProvider) -> None:
    """The setting was made where loopback was allowed; now it is not, and the name resolves to this machine."""
    heed = await Heed(settings={"HEED_LOOPBACK": "on"}).start()
    await sign_in(heed, provider)
    strict = Heed(storage=heed.storage, key=heed.key)

    assert (await ask(strict, signed(provider.claims(NOW)))).status == 503
    assert provider.asked == []


async def test_an_unknown_user_is_403_with_the_reason(heed: Heed, provider: IdentityProvider) -> None:
    unknown = await ask(heed, signed(provider.claims(NOW, sub="nobody")))
    nameless = await ask(heed, signed(provider.claims(NOW, sub="auth0|x y")))

    assert unknown.status == 403
    assert "no user nobody" in unknown.json["detail"]
    assert nameless.status == 403
    assert "claim sub" in nameless.json["detail"]


async def test_roles_give_scopes(heed: Heed, provider: IdentityProvider) -> None:
    roles = {"Sales": "user", "Auditors": "read", "Bosses": "admin"}
    await sign_in(heed, provider, role_claim="realm_access.roles", roles=roles)

    async def scope_of(given: Any) -> Any:
        token = signed(provider.claims(NOW, realm_access={"roles": given}))
        answer = await ask(heed, token, "/whoami")
        return answer.json["scope"] if answer.status == 200 else answer.status

    assert await scope_of(["Sales"]) == "user"
    assert await scope_of(["Bosses", "Sales", "Others"]) == "admin user"
    assert await scope_of("Auditors Others") == "read"
    assert [await scope_of(given) for given in (["Others"], [], None, 7, {"Sales": 1}, [["Sales"]])] == [403] * 6

    boss = signed(provider.claims(NOW, realm_access={"roles": ["Bosses"]}))
    reader = signed(provider.claims(NOW, realm_access={"roles": ["Auditors"]}))
    assert (await ask(heed, boss, "/audit")).status == 200
    assert (await ask(heed, boss, "/messages")).status == 403
    assert (await ask(heed, reader, "/messages")).status == 200
    denied = await heed.request("POST", "/api/orgs/acme/messages", {"from": "rep1"}, key=reader)
    assert denied.status == 403


async def test_a_token_belongs_to_the_organization_of_the_path(heed: Heed, provider: IdentityProvider) -> None:
    await heed.organization("globex")
    token = signed(provider.claims(NOW))

    assert (await heed.request("GET", "/api/orgs/globex/messages", key=token)).status == 401
    assert (await heed.request("GET", "/api/orgs/nothing/messages", key=token)).status == 401
    assert (await heed.request("GET", "/api/whoami", key=token)).status == 401
    assert (await heed.request("GET", "/api/orgs", key=token)).status == 401


async def test_a_token_that_another_organization_refuses_stays_good_in_its_own(
    heed: Heed, provider: IdentityProvider
) -> None:
    await heed.organization("globex")
    token = signed(provider.claims(NOW))
    assert (await ask(heed, token)).status == 200

    assert (await heed.request("GET", "/api/orgs/globex/messages", key=token)).status == 401

    assert (await ask(heed, token)).status == 200


async def test_refused_tokens_are_noted_in_the_audit_log_up_to_a_bound_and_never_themselves(
    heed: Heed, provider: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for number in range(50):
            # The same wrong token is refused from memory for some seconds.
            token = signed(provider.claims(NOW, exp=NOW - 3600 - number))
            answer = await ask(heed, token)
            heed.clock.move(seconds=2)

    audit = await heed.request("GET", "/api/orgs/acme/audit?limit=200", key=ADMIN_KEY)
    refused = [item for item in audit.json["items"] if item["act"] == "sign_in.refused"]
    assert len(refused) == 20
    assert "expired" in refused[0]["details"]["reason"]
    for part in token.split("."):
        assert part not in caplog.text
        assert part.encode() not in audit.body + answer.body


async def test_people_change_only_mail_of_their_own(heed: Heed, provider: IdentityProvider) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    others = await heed.draft(**{"from": "rep2"})
    mine = await heed.draft()
    token = signed(provider.claims(NOW))

    async def send(method: str, path: str, body: Any = None) -> int:
        return (await heed.request(method, f"/api/orgs/acme{path}", body, key=token)).status

    assert await send("GET", f"/messages/{others}") == 200
    assert await send("POST", f"/messages/{others}/send") == 403
    assert await send("PATCH", f"/messages/{others}", {"subject": "x"}) == 403
    assert await send("DELETE", f"/messages/{others}") == 403
    assert await send("PATCH", f"/messages/{mine}", {"from": "rep2"}) == 403
    assert await send("POST", "/messages", {"from": "rep2", "subject": "x"}) == 403
    assert await send("PATCH", f"/messages/{mine}", {"subject": "x"}) == 200
    assert await send("PATCH", "/users/rep2", {"opt_in": False}) == 403
    assert await send("PATCH", "/users/rep1", {"email": "ceo@acme.example"}) == 403
    assert await send("PATCH", "/users/rep1", {"opt_in": False}) == 200
    assert await send("POST", "/users/opt-in", {"users": "all", "opt_in": True}) == 403
    assert await send("POST", "/users/rep1/tokens") == 403


async def test_people_who_see_their_own_mail_alone_have_no_events_and_no_rules_for_that_of_all(
    heed: Heed, provider: IdentityProvider
) -> None:
    roles = {"Integrators": "full", "Bosses": "admin"}
    await sign_in(heed, provider, role_claim="roles", roles=roles)
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"people_see": "own_mail"}}, key=ADMIN_KEY)

    async def send(role: str, method: str, path: str, body: Any = None) -> int:
        token = signed(provider.claims(NOW, roles=[role]))
        return (await heed.request(method, f"/api/orgs/acme{path}", body, key=token)).status

    webhook = {"url": "https://crm.example.com/heed", "events": ["message.opened"]}
    rule = {"when": {"kind": "reply"}, "create": {"type": "task", "fields": {"user": "rep1"}}}
    asked = [("POST", "/webhooks", webhook), ("PUT", "/webhooks/w1", webhook), ("GET", "/events", None)]

    assert [await send("Integrators", *each) for each in [*asked, ("PUT", "/rules/r1", rule)]] == [403] * 4
    assert await send("Bosses", "PUT", "/webhooks/w1", webhook) == 201
    deliveries = "/webhooks/w1/deliveries"
    assert [await send(role, "GET", deliveries) for role in ("Integrators", "Bosses")] == [403, 200]


def principal(**claims: str) -> str:
    listed = [{"typ": name, "val": value} for name, value in claims.items()]
    return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": listed}).encode()).decode()


async def test_the_platforms_header_counts_only_where_its_sign_in_is_on(provider: IdentityProvider) -> None:
    off = await Heed(settings={"HEED_LOOPBACK": "on"}).start()
    await sign_in(off, provider)
    on = Heed(storage=off.storage, settings={"HEED_LOOPBACK": "on", "WEBSITE_AUTH_ENABLED": "True"})

    async def asked(heed: Heed, **claims: str) -> int:
        headers = {"x-ms-client-principal": principal(**claims)}
        return (await heed.request("GET", "/api/orgs/acme/messages", headers=headers)).status

    good = {"iss": provider.issuer, "aud": AUDIENCE, "sub": "rep1"}
    assert await asked(off, **good) == 401
    assert await asked(on, **good) == 200
    assert await asked(on, **{**good, "iss": "https://evil.example"}) == 401
    assert await asked(on, **{**good, "aud": "other"}) == 401
    assert await asked(on, **{**good, "sub": "nobody"}) == 403
    for header in ("x", "eyJ9", base64.b64encode(b"[1]").decode(), "A" * 100_000):
        headers = {"x-ms-client-principal": header}
        assert (await on.request("GET", "/api/orgs/acme/messages", headers=headers)).status == 401


async def test_a_person_whom_the_platform_names_is_held_to_the_rate_of_a_key(provider: IdentityProvider) -> None:
    settings = {"HEED_LOOPBACK": "on", "WEBSITE_AUTH_ENABLED": "True", "HEED_REQUESTS_PER_SECOND": "3"}
    heed = await Heed(settings=settings).start()
    await sign_in(heed, provider)
    headers = {"x-ms-client-principal": principal(iss=provider.issuer, aud=AUDIENCE, sub="rep1")}

    answers = [await heed.request("GET", "/api/orgs/acme/messages", headers=headers) for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit"] == '"key";r=2;t=1'
