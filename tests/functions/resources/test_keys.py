"""Who may call what."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure
from tests.support.heed import ADMIN_KEY, Heed


async def key_of_scope(heed: Heed, scope: str, organization: str = "acme") -> str:
    made = await heed.request("POST", f"/api/orgs/{organization}/keys", {"scope": scope}, key=ADMIN_KEY)
    return str(made.json["key"])


async def last_use(heed: Heed, key: str) -> str | None:
    listed = (await heed.request("GET", "/api/orgs/acme/keys", key=ADMIN_KEY)).json["items"]
    [found] = [item["last_used_at"] for item in listed if item["id"] == key.split(".")[1]]
    return None if found is None else str(found)


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


async def test_an_admin_key_administers_its_own_organization(heed: Heed) -> None:
    key = await key_of_scope(heed, "admin")

    patched = await heed.request("PATCH", "/api/orgs/acme", {"settings": {"tracking": "consent"}}, key=key)
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=key)
    listed = await heed.request("GET", "/api/orgs/acme/keys", key=key)
    revoked = await heed.request("DELETE", f"/api/orgs/acme/keys/{made.json['id']}", key=key)
    user = await heed.request("PUT", "/api/orgs/acme/users/new", {"email": "new@acme.example"}, key=key)

    assert (patched.status, patched.json["settings"]["tracking"]) == (200, "consent")
    assert [each.status for each in (made, listed, revoked, user)] == [201, 200, 200, 201]
    assert (await heed.request("GET", "/api/orgs/acme/users/new", key=made.json["key"])).status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/orgs/acme"),
        ("DELETE", "/api/orgs/acme"),
        ("GET", "/api/orgs/acme/messages"),
        ("POST", "/api/orgs/acme/messages"),
        ("POST", "/api/orgs/acme/inbound"),
        ("GET", "/api/ops/dead-letters"),
    ],
)
async def test_an_admin_key_neither_reads_mail_nor_makes_or_deletes_organizations(
    heed: Heed, method: str, path: str
) -> None:
    assert (await heed.request(method, path, {}, key=await key_of_scope(heed, "admin"))).status == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_an_admin_key_finds_no_other_organization(heed: Heed, method: str) -> None:
    await heed.organization("globex")

    answer = await heed.request(method, "/api/orgs/globex", {"name": "x"}, key=await key_of_scope(heed, "admin"))

    assert answer.status == 404
    assert (await heed.request("GET", "/api/orgs/globex", key=ADMIN_KEY)).json["name"] == "globex"


async def test_the_last_use_of_a_key_is_shown_to_the_hour(heed: Heed) -> None:
    key = await key_of_scope(heed, "read")
    unused = await last_use(heed, key)

    seen = []
    for _ in range(3):
        await heed.request("GET", "/api/orgs/acme/users", key=key)
        await heed.services.api_keys.settle()
        seen.append(await last_use(heed, key))
        heed.clock.move(minutes=40)

    assert unused is None
    assert seen == ["2026-05-04T09:30:00.000Z", "2026-05-04T09:30:00.000Z", "2026-05-04T10:50:00.000Z"]


async def test_a_use_that_cannot_be_noted_fails_no_call_and_brings_no_revoked_key_back() -> None:
    failure = Failure()
    heed = await disturbed_heed(failure)
    made = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)).json
    await heed.services.api_keys.settle()

    failure.arm(4, "before")  # after the reads of the key, the organization and the user
    answer = await heed.request("GET", "/api/orgs/acme/users/rep1", key=made["key"])
    await heed.services.api_keys.settle()
    assert failure.count == 4  # the use was to be noted, and was not
    heed.clock.move(minutes=90)
    using = heed.request("GET", "/api/orgs/acme/users/rep1", key=made["key"])
    revoking = heed.request("DELETE", f"/api/orgs/acme/keys/{made['id']}", key=ADMIN_KEY)
    await asyncio.gather(using, revoking)
    await heed.services.api_keys.settle()

    assert answer.status == 200
    assert (await heed.request("GET", "/api/orgs/acme/users", key=made["key"])).status == 401


async def test_a_new_key_is_told_by_its_beginning_and_an_old_one_stays_valid(heed: Heed) -> None:
    key = await key_of_scope(heed, "read")
    of_an_earlier_release = key.removeprefix("heed_")

    assert key.startswith("heed_acme.")
    for each in (key, of_an_earlier_release):
        assert (await heed.request("GET", "/api/orgs/acme/users", key=each)).status == 200
    for wrong in (f"heed_{key}", f"heed{of_an_earlier_release}", key.replace("heed_acme", "heed_globex")):
        assert (await heed.request("GET", "/api/orgs/acme/users", key=wrong)).status == 401
