"""Who may call what."""

from __future__ import annotations

import pytest

from tests.support.heed import ADMIN_KEY, Heed


async def test_a_call_without_a_key_is_told_how_to_send_one(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/orgs/acme/users")

    assert answer.status == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization" in answer.json["detail"]


@pytest.mark.parametrize("key", ["x", "acme.x.y", "Bearer", "acme." + "0" * 32 + "." + "A" * 43])
async def test_an_unknown_key_opens_nothing(heed: Heed, key: str) -> None:
    assert (await heed.request("GET", "/api/orgs/acme/users", key=key)).status == 401


async def test_a_key_with_one_letter_changed_opens_nothing(heed: Heed) -> None:
    changed = heed.key[:-1] + ("A" if heed.key[-1] != "A" else "B")

    assert (await heed.request("GET", "/api/orgs/acme/users", key=changed)).status == 401


async def test_the_administrators_key_does_not_read_an_organizations_data(heed: Heed) -> None:
    assert (await heed.request("GET", "/api/orgs/acme/users", key=ADMIN_KEY)).status == 403


async def test_an_organizations_key_does_not_administer(heed: Heed) -> None:
    assert (await heed.request("DELETE", "/api/orgs/acme", key=heed.key)).status == 403
    assert (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full"}, key=heed.key)).status == 403


async def test_another_organization_is_not_there(heed: Heed) -> None:
    other = await heed.organization("globex")
    message = await heed.draft()

    assert (await heed.request("GET", f"/api/orgs/acme/messages/{message}", key=other)).status == 404
    assert (await heed.request("GET", f"/api/orgs/globex/messages/{message}", key=other)).status == 404
    assert (await heed.request("GET", "/api/orgs/acme/users", key=other)).status == 404


async def test_a_read_key_reads_and_changes_nothing(heed: Heed) -> None:
    path = "/api/orgs/acme/keys"
    key = (await heed.request("POST", path, {"scope": "read", "name": "reports"}, key=ADMIN_KEY)).json["key"]

    assert (await heed.request("GET", "/api/orgs/acme/users", key=key)).status == 200
    assert (await heed.request("PUT", "/api/orgs/acme/users/x", {"email": "x@acme.example"}, key=key)).status == 403


async def test_an_inbound_key_does_not_read(heed: Heed) -> None:
    key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "inbound"}, key=ADMIN_KEY)).json["key"]

    assert (await heed.request("GET", "/api/orgs/acme/users", key=key)).status == 403


async def test_a_revoked_key_is_dead_at_once(heed: Heed) -> None:
    made = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full"}, key=ADMIN_KEY)).json
    revoked = await heed.request("DELETE", f"/api/orgs/acme/keys/{made['id']}", key=ADMIN_KEY)

    assert revoked.status == 200
    assert (await heed.request("GET", "/api/orgs/acme/users", key=made["key"])).status == 401


async def test_keys_are_listed_without_their_secrets(heed: Heed) -> None:
    await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read", "name": "reports"}, key=ADMIN_KEY)

    answer = await heed.request("GET", "/api/orgs/acme/keys", key=ADMIN_KEY)

    assert {item["name"] for item in answer.json["items"]} == {"", "reports"}
    assert heed.key.rpartition(".")[2].encode() not in answer.body
    assert all("sha256" not in item and "key" not in item for item in answer.json["items"])


async def test_a_key_needs_a_scope_that_there_is(heed: Heed) -> None:
    answer = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "root"}, key=ADMIN_KEY)

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["scope"]
