"""Mailboxes in the API: what may be named, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.heed import Heed

MAILBOX = {
    "kind": "imap",
    "owner": "rep1",
    "host": "IMAP.example.com",
    "user": "rep@acme.example",
    "secret": "HEED_MAILBOX_ACME_REP",
    "folders": [{"path": "INBOX"}, {"path": "Deals", "regarding": {"type": "opportunity", "id": "o1"}}],
    "categories": [{"name": "Track", "create": "case"}],
}


async def test_a_mailbox_reads_as_it_was_put(heed: Heed) -> None:
    made = await heed.api("PUT", "/mailboxes/m1", MAILBOX)

    read = await heed.get("/mailboxes/m1")
    assert made.status == 201
    assert made.json == read
    assert read == {
        **MAILBOX,
        "id": "m1",
        "host": "imap.example.com",
        "port": None,
        "queue": False,
        "security": "tls",
        "auth": "password",
        "enabled": True,
        "folders": [
            {"path": "INBOX", "regarding": None},
            {"path": "Deals", "regarding": {"type": "opportunity", "id": "o1", "name": None}},
        ],
        "etag": made.json["etag"],
        "last_poll_at": None,
        "last_error": None,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret", "HEED_ADMIN_KEY"),
        ("secret", "HEED_MAILBOX_OTHER_REP"),
        ("secret", "a secret"),
        ("host", "localhost"),
        ("host", "169.254.169.254"),
        ("host", "10.0.0.7"),
        ("host", "::1"),
        ("host", "imap.example.com/x"),
        ("host", "user@imap.example.com"),
        ("port", 25),
        ("port", 143),
        ("port", 0),
        ("user", "rep\r\nLOGOUT"),
        ("user", ""),
        ("kind", "pop3"),
        ("security", "none"),
        ("auth", "ntlm"),
        ("folders", []),
        ("folders", [{"path": "INBOX\r\nx"}]),
        ("password", "hunter2"),
    ],
)
async def test_a_wrong_field_is_named(heed: Heed, field: str, value: object) -> None:
    answer = await heed.api("PUT", "/mailboxes/m1", {**MAILBOX, field: value})

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"][0] == field


@pytest.mark.parametrize(
    "fields",
    [
        {"host": None},
        {"kind": "graph"},
        {"kind": "graph", "host": None, "port": 993},
        {"folders": [{"path": "INBOX"}, {"path": "INBOX"}]},
    ],
)
async def test_fields_that_do_not_go_together_are_refused(heed: Heed, fields: dict[str, Any]) -> None:
    assert (await heed.api("PUT", "/mailboxes/m1", {**MAILBOX, **fields})).status == 422


async def test_on_one_machine_the_setting_allows_its_own_servers_at_any_port() -> None:
    heed = await Heed(settings={"HEED_LOOPBACK": "on"}).start()

    assert (await heed.api("PUT", "/mailboxes/m1", {**MAILBOX, "host": "localhost", "port": 10993})).status == 201
    assert (await heed.api("PUT", "/mailboxes/m1", {**MAILBOX, "host": "10.0.0.7"})).status == 422


async def test_a_patch_changes_what_was_given_alone_and_is_checked_as_a_whole(heed: Heed) -> None:
    await heed.put("/mailboxes/m1", MAILBOX)

    changed = await heed.api("PATCH", "/mailboxes/m1", {"enabled": False})
    foreign = await heed.api("PATCH", "/mailboxes/m1", {"secret": "HEED_MAILBOX_OTHER_X"})
    invalid = await heed.api("PATCH", "/mailboxes/m1", {"host": None})

    assert (changed.status, changed.json["enabled"], changed.json["host"]) == (200, False, "imap.example.com")
    assert (foreign.status, foreign.json["errors"][0]["loc"]) == (422, ["secret"])
    assert invalid.status == 422
    assert (await heed.get("/mailboxes/m1"))["secret"] == "HEED_MAILBOX_ACME_REP"


async def test_if_match_guards_every_change(heed: Heed) -> None:
    etag = (await heed.put("/mailboxes/m1", MAILBOX))["etag"]
    await heed.put("/mailboxes/m1", {**MAILBOX, "queue": True})

    for method, body in (("PUT", MAILBOX), ("PATCH", {"queue": False}), ("DELETE", None)):
        assert (await heed.api(method, "/mailboxes/m1", body, if_match=etag)).status == 412
    assert (await heed.api("DELETE", "/mailboxes/m1", if_match="*")).status == 200


async def test_a_deleted_mailbox_is_not_there(heed: Heed) -> None:
    await heed.put("/mailboxes/m1", MAILBOX)

    assert (await heed.api("DELETE", "/mailboxes/m1")).json == {"deleted": "m1"}

    for method, body in (("GET", None), ("PATCH", {"queue": True}), ("DELETE", None)):
        assert (await heed.api(method, "/mailboxes/m1", body)).status == 404


async def test_mailboxes_are_listed_in_pages(heed: Heed) -> None:
    for number in range(3):
        await heed.put(f"/mailboxes/m{number}", MAILBOX)

    first = await heed.get("/mailboxes?limit=2")
    second = await heed.get(f"/mailboxes?limit=2&cursor={first['next']}")

    assert [each["id"] for each in first["items"] + second["items"]] == ["m0", "m1", "m2"]
    assert second["next"] is None


async def test_another_organizations_mailbox_is_not_there(heed: Heed) -> None:
    await heed.put("/mailboxes/m1", MAILBOX)
    other = await heed.organization("other")

    assert (await heed.request("GET", "/api/orgs/acme/mailboxes/m1", key=other)).status == 404
    assert (await heed.request("GET", "/api/orgs/other/mailboxes/m1", key=other)).status == 404


async def test_the_timer_polls_mailboxes_and_the_api_tells_what_went_wrong(heed: Heed) -> None:
    await heed.put("/mailboxes/m1", MAILBOX)

    await heed.tick("poll_mailboxes")

    read = await heed.get("/mailboxes/m1")
    assert read["last_poll_at"] == "2026-05-04T09:30:00.000Z"
    assert read["last_error"] == "The secret HEED_MAILBOX_ACME_REP is not set."
