"""Callers learn who they are, and browsers act as one user for a while."""

from __future__ import annotations

from typing import Any

import pytest

from lib.tokens import Purpose
from tests.support.heed import ADMIN_KEY, Heed, Response


async def token_of(heed: Heed, user: str = "rep1") -> str:
    return str((await heed.post(f"/users/{user}/tokens"))["token"])


async def ask(heed: Heed, token: str, method: str, path: str, body: Any = None, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await heed.request(method, f"/api/orgs/acme{path}", body, key=token, headers=named)


async def test_whoami_tells_a_key_its_organization_and_scope(heed: Heed) -> None:
    made = (
        await heed.request("POST", "/api/orgs/acme/keys", {"scope": "inbound", "name": "Mailer"}, key=ADMIN_KEY)
    ).json

    inbound = await heed.request("GET", "/api/whoami", key=made["key"])
    administrator = await heed.request("GET", "/api/whoami", key=ADMIN_KEY)
    stranger = await heed.request("GET", "/api/whoami", key="x")

    assert inbound.json == {
        "administrator": False,
        "organization": "acme",
        "scope": "inbound",
        "key": made["id"],
        "key_name": "Mailer",
        "user": None,
        "acting_user": None,
    }
    assert (administrator.json["administrator"], administrator.json["organization"]) == (True, None)
    assert stranger.status == 401


async def test_whoami_takes_an_acting_user_of_the_keys_organization(heed: Heed) -> None:
    known = await heed.request("GET", "/api/whoami", key=heed.key, headers={"x-heed-user": "rep1"})
    unknown = await heed.request("GET", "/api/whoami", key=heed.key, headers={"x-heed-user": "rep9"})

    assert (known.status, known.json["organization"], known.json["acting_user"]) == (200, "acme", "rep1")
    assert unknown.status == 422


async def test_the_administrator_lists_organizations_by_id(heed: Heed) -> None:
    for name in ("zeta", "globex"):
        await heed.organization(name)

    first = (await heed.request("GET", "/api/orgs?limit=2", key=ADMIN_KEY)).json
    rest = (await heed.request("GET", f"/api/orgs?limit=2&cursor={first['next']}", key=ADMIN_KEY)).json

    assert [item["id"] for item in first["items"] + rest["items"]] == ["acme", "globex", "zeta"]
    assert first["items"][0]["settings"]["tracking"] == "allow"
    assert rest["next"] is None
    assert (await heed.request("GET", "/api/orgs", key=heed.key)).status == 403


async def test_a_users_token_acts_as_that_user_alone(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example"})
    made = await heed.api("POST", "/users/rep1/tokens")
    token = made.json["token"]

    assert (made.status, made.json["expires_at"]) == (201, "2026-05-04T09:45:00.000Z")
    assert (await heed.request("GET", "/api/whoami", key=token)).json["user"] == "rep1"
    assert (await ask(heed, token, "GET", "/cards")).status == 200
    assert (await ask(heed, token, "GET", "/cards", x_heed_user="rep1")).status == 200
    assert (await ask(heed, token, "GET", "/cards", x_heed_user="rep2")).status == 403
    assert (await ask(heed, token, "POST", "/messages", {"from": "rep2", "subject": "x"})).status == 403
    assert (await ask(heed, token, "POST", "/messages", {"from": "rep1", "subject": "x"})).status == 201
    assert (await ask(heed, token, "POST", "/users/rep2/tokens")).status == 403
    assert (await ask(heed, token, "PUT", "/users/rep2", {"email": "x@acme.example"})).status == 403
    assert (await ask(heed, token, "GET", "/audit")).status == 403


async def test_a_users_token_ends_after_15_minutes_and_with_its_key(heed: Heed) -> None:
    old = await token_of(heed)
    heed.clock.move(minutes=15)
    assert (await ask(heed, old, "GET", "/cards")).status == 401

    young = await token_of(heed)
    assert (await ask(heed, young, "GET", "/cards")).status == 200
    key = heed.key.split(".")[1]
    await heed.request("DELETE", f"/api/orgs/acme/keys/{key}", key=ADMIN_KEY)
    assert (await ask(heed, young, "GET", "/cards")).status == 401


async def test_a_users_token_finds_no_other_organization_not_even_a_new_one_of_the_same_name(heed: Heed) -> None:
    token = await token_of(heed)
    await heed.organization("globex")
    assert (await heed.request("GET", "/api/orgs/globex/messages", key=token)).status == 404

    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)
    heed.clock.move(minutes=3)
    await heed.start()
    assert (await ask(heed, token, "GET", "/cards")).status == 401


@pytest.mark.parametrize("change", ["cut", "other letter", "other purpose", "long"])
async def test_a_changed_token_opens_nothing(heed: Heed, change: str) -> None:
    token = await token_of(heed)
    ring = heed.services.ring
    changed = {
        "cut": token[:-4],
        "other letter": token[:20] + ("A" if token[20] != "A" else "B") + token[21:],
        "other purpose": ring.seal(Purpose.CURSOR, ring.unseal(Purpose.USER, token) or b""),
        "long": token * 50,
    }[change]

    assert (await ask(heed, changed, "GET", "/cards")).status == 401


async def test_only_keys_make_tokens_and_only_of_users_that_there_are(heed: Heed) -> None:
    reader = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)).json["key"]

    assert (await heed.api("POST", "/users/nobody/tokens")).status == 404
    assert (await ask(heed, reader, "POST", "/users/rep1/tokens")).status == 403
