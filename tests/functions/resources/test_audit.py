"""Who did which administrative act, as the organization's own administrators see it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from lib.organizations import audit as audit_log
from tests.support.heed import ADMIN_KEY, Heed, Response


async def admin_key(heed: Heed, organization: str = "acme") -> str:
    made = await heed.request("POST", f"/api/orgs/{organization}/keys", {"scope": "admin"}, key=ADMIN_KEY)
    return str(made.json["key"])


async def audit(heed: Heed, query: str = "", organization: str = "acme") -> Any:
    key = await admin_key(heed, organization)
    answer = await heed.request("GET", f"/api/orgs/{organization}/audit{query}", key=key)
    assert answer.status == 200, answer.body
    return answer.json


async def in_order(heed: Heed, *calls: Coroutine[Any, Any, Response]) -> list[Response]:
    """Make the calls a second apart."""
    answers = []
    for call in calls:
        heed.clock.move(seconds=1)
        answers.append(await call)
    return answers


async def acts(heed: Heed) -> list[tuple[Any, ...]]:
    """Acts after the organization was set up, oldest first: (actor's kind, act, target, details)."""
    items = [item for item in (await audit(heed))["items"] if item["details"].get("scope") != "admin"]
    later = [item for item in items if item["at"] > "2026-05-04T09:30:00.000Z"]
    return [(item["actor"]["kind"], item["act"], item["target"], item["details"]) for item in reversed(later)]


async def test_settings_keys_and_opt_ins_are_noted_with_who_and_what(heed: Heed) -> None:
    changed = {"settings": {"tracking": "consent", "score": {"open": 2}}}
    _, made_key = await in_order(
        heed,
        heed.request("PATCH", "/api/orgs/acme", changed, key=ADMIN_KEY),
        heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY),
    )
    made = made_key.json
    await in_order(
        heed,
        heed.request("DELETE", f"/api/orgs/acme/keys/{made['id']}", key=ADMIN_KEY),
        heed.api("PATCH", "/users/rep1", {"opt_in": False}, x_heed_user="rep1"),
        heed.api("POST", "/users/opt-in", {"users": ["rep1"], "opt_in": True}),
    )

    assert await acts(heed) == [
        ("administrator", "organization.changed", "acme", {"fields": ["settings.score", "settings.tracking"]}),
        ("administrator", "key.made", made["id"], {"scope": "read"}),
        ("administrator", "key.revoked", made["id"], {}),
        ("key", "user.opt_in", "rep1", {"opt_in": False}),
        ("key", "users.opt_in", None, {"opt_in": True, "changed": 1, "users": ["rep1"]}),
    ]
    actor = next(item["actor"] for item in (await audit(heed))["items"] if item["act"] == "user.opt_in")
    assert actor == {"kind": "key", "id": heed.key.split(".")[1], "name": None, "user": "rep1"}


async def test_a_consent_that_no_user_entered_is_noted_with_the_name_of_the_key(heed: Heed) -> None:
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full", "name": "Newsletter"}, key=ADMIN_KEY)
    key_id = made.json["id"]
    heed.clock.move(seconds=1)
    await heed.request("PUT", "/api/orgs/acme/consents/ada@example.com", {"follow": "allow"}, key=made.json["key"])
    await heed.request("DELETE", f"/api/orgs/acme/keys/{key_id}", key=ADMIN_KEY)

    [entry] = [item for item in (await audit(heed))["items"] if item["act"] == "consent.added"]

    assert entry["actor"] == {"kind": "key", "id": key_id, "name": "Newsletter", "user": None}
    assert entry["details"] == {"follow": "allow"}


async def test_mailboxes_rules_and_consents_are_noted_without_addresses_and_secrets(heed: Heed) -> None:
    mailbox = {"kind": "imap", "host": "imap.example.com", "user": "box@acme.example", "secret": "HEED_MAILBOX_ACME_1"}
    answers = await in_order(
        heed,
        heed.api("PUT", "/mailboxes/m1", mailbox),
        heed.api("DELETE", "/mailboxes/m1"),
        heed.api("PUT", "/rules/r1", {"when": {"kind": "new"}, "create": {"type": "task"}}),
        heed.api("DELETE", "/rules/r1"),
        heed.api("PUT", "/consents/ada@example.com", {"follow": "allow"}, x_heed_user="rep1"),
    )
    assert all(answer.status in (200, 201) for answer in answers)

    found = await acts(heed)

    assert [each[1:3] for each in found[:4]] == [
        ("mailbox.made", "m1"),
        ("mailbox.deleted", "m1"),
        ("rule.made", "r1"),
        ("rule.deleted", "r1"),
    ]
    assert found[4][1] == "consent.added"
    assert found[4][2] == await heed.services.address_hashes.hash_address("acme", "ada@example.com")
    assert not any(secret in str(found) for secret in ("ada@", "box@", "HEED_MAILBOX", "imap.example"))


async def test_what_was_refused_or_only_read_is_not_noted(heed: Heed) -> None:
    heed.clock.move(seconds=1)
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"tracking": "never"}}, key=ADMIN_KEY)
    await heed.request("PATCH", "/api/orgs/acme", {"name": "x"}, key=ADMIN_KEY, headers={"if-match": '"old"'})
    await heed.request("DELETE", "/api/orgs/acme/keys/none", key=ADMIN_KEY)
    await heed.put("/users/rep1", {"email": "rep@acme.example", "name": "Rita", "opt_in": True})
    await heed.get("/users")

    assert await acts(heed) == []


@pytest.mark.parametrize("few", [1_000, 2], ids=["few older entries", "many older entries"])
async def test_the_log_is_paged_newest_first_across_months(
    heed: Heed, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(audit_log, "_FEW", few)
    for number in range(5):
        heed.clock.move(days=20)
        await heed.request("PATCH", "/api/orgs/acme", {"name": f"n{number}"}, key=ADMIN_KEY)
    key = await admin_key(heed)

    times, cursor = [], ""
    while True:
        found = (await heed.request("GET", f"/api/orgs/acme/audit?limit=2{cursor}", key=key)).json
        times += [item["at"] for item in found["items"] if item["act"] == "organization.changed"]
        assert len(found["items"]) <= 2
        if found["next"] is None:
            break
        cursor = f"&cursor={found['next']}"

    assert len(times) == 5
    assert times == sorted(times, reverse=True)


async def test_only_administrators_of_the_organization_read_the_log(heed: Heed) -> None:
    other = await heed.organization("globex")
    assert (await heed.request("GET", "/api/orgs/acme/audit", key=heed.key)).status == 403
    assert (await heed.request("GET", "/api/orgs/acme/audit", key=other)).status == 404
    assert (await heed.request("GET", "/api/orgs/acme/audit", key=await admin_key(heed, "globex"))).status == 404
    assert (await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)).status == 200
    assert all(item["target"] != "acme" for item in (await audit(heed, organization="globex"))["items"])


async def test_an_organization_from_before_the_log_gets_one_with_its_first_act(heed: Heed) -> None:
    await heed.storage.tables.drop("heedacmeprivacy")
    before = await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)

    await heed.request("PATCH", "/api/orgs/acme", {"name": "New"}, key=ADMIN_KEY)

    assert before.json["items"] == []
    assert len((await heed.request("GET", "/api/orgs/acme/audit", key=ADMIN_KEY)).json["items"]) == 1
