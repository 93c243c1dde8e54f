"""Keys of scope `admin`: they administer all that is no mail, and read none."""

from __future__ import annotations

import pytest

from tests.support.heed import ADMIN_KEY, Heed

WEBHOOK = {"url": "https://hooks.example.com/x"}
MAILBOX = {"kind": "imap", "host": "imap.example.com", "user": "eve", "secret": "HEED_MAILBOX_ACME_X"}
RULE = {"when": {"from": "ada@example.com"}, "create": {"type": "task"}}


async def key_of(heed: Heed, scope: str) -> str:
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": scope}, key=ADMIN_KEY)
    return str(made.json["key"])


@pytest.mark.parametrize(("path", "body"), [("webhooks", WEBHOOK), ("mailboxes", MAILBOX), ("rules", RULE)])
async def test_an_admin_key_makes_reads_and_deletes_what_is_set_up(heed: Heed, path: str, body: object) -> None:
    admin, reader = await key_of(heed, "admin"), await key_of(heed, "read")
    one = f"/api/orgs/acme/{path}/x1"

    assert (await heed.request("PUT", one, body, key=reader)).status == 403
    assert (await heed.request("PUT", one, body, key=admin)).status == 201
    assert (await heed.request("GET", one, key=admin)).json["id"] == "x1"
    assert len((await heed.request("GET", f"/api/orgs/acme/{path}", key=admin)).json["items"]) == 1
    assert (await heed.request("DELETE", one, key=admin)).status == 200


async def test_an_admin_key_learns_whether_the_organization_is_ready(heed: Heed) -> None:
    answer = await heed.request("GET", "/api/orgs/acme/readiness", key=await key_of(heed, "admin"))
    assert answer.json["checks"]


async def test_an_admin_key_reads_no_mail(heed: Heed) -> None:
    message, admin = await heed.sent(), await key_of(heed, "admin")
    await heed.put("/rules/x1", RULE)
    paths = ("messages", f"messages/{message}", f"messages/{message}/timeline", "cards", "events")
    assert {(await heed.request("GET", f"/api/orgs/acme/{path}", key=admin)).status for path in paths} == {403}
    assert (await heed.request("POST", "/api/orgs/acme/rules/x1/dry-run", key=admin)).status == 403
