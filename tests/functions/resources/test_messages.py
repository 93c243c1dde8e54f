"""Drafting, reading, changing, deleting, listing."""

from __future__ import annotations

import pytest

from tests.support.heed import Heed

MISSING = "0" * 32


async def test_a_draft_reads_as_it_was_posted(heed: Heed) -> None:
    posted = await heed.post(
        "/messages",
        {
            "from": "rep1",
            "to": [{"email": "ada@example.com", "name": "Ada", "record": {"type": "contact", "id": "c1"}}],
            "cc": [{"email": "bob@example.com"}],
            "subject": "Grüße & mehr",
            "html": "<p>Hi</p>",
            "regarding": {"type": "opportunity", "id": "o1", "name": "Big deal"},
        },
    )

    read = await heed.get(f"/messages/{posted['id']}")
    assert read == posted
    assert (read["status"], read["status_text"], read["subject"]) == ("draft", "Draft", "Grüße & mehr")
    assert read["to"][0]["record"] == {"type": "contact", "id": "c1"}
    assert read["follow_state"]["state"] == "on"
    assert read["kpis"]["raw"] == {"opens": 0, "clicks": 0, "attachment_views": 0}
    assert len(read["id"]) == 32


async def test_a_large_body_comes_back_whole(heed: Heed) -> None:
    html = "<p>ü</p>" * 60_000

    message = await heed.draft(html=html, text=None)

    assert (await heed.get(f"/messages/{message}"))["html"] == html


@pytest.mark.parametrize(
    ("field", "value", "loc"),
    [
        ("from", "nobody", ["from"]),
        ("from", None, ["from"]),
        ("to", [{"email": "nonsense"}], ["to", 0, "email"]),
        ("to", [{"email": "a@example.com", "nmae": "A"}], ["to", 0, "nmae"]),
        ("to", [{"email": "a@example.com"}] * 501, ["to"]),
        ("subject", "one\r\nBcc: two", ["subject"]),
        ("subject", "s" * 999, ["subject"]),
        ("deliver_at", "tomorrow", ["deliver_at"]),
        ("deliver_at", "2026-05-05T09:00:00", ["deliver_at"]),
        ("regarding", {"type": "Opportunity", "id": "o1"}, ["regarding", "type"]),
        ("reminder", {"title": "t", "condition": "never", "at": "2026-05-05T09:00:00Z"}, ["reminder", "condition"]),
        ("html", 7, ["html"]),
        ("folow", True, ["folow"]),
    ],
)
async def test_a_wrong_field_is_named(heed: Heed, field: str, value: object, loc: list[object]) -> None:
    body = {"from": "rep1", "to": [{"email": "ada@example.com"}], field: value}

    answer = await heed.api("POST", "/messages", body)

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == loc


async def test_too_many_recipients_in_all_are_refused(heed: Heed) -> None:
    many = [{"email": f"a{number}@example.com"} for number in range(251)]

    answer = await heed.api("POST", "/messages", {"from": "rep1", "to": many, "bcc": many})

    assert answer.status == 422
    assert "500" in answer.json["detail"]


@pytest.mark.parametrize("body", [b"{", b"", b"[1", b"\xff\xfe", b'{"from": "\\ud800"}'])
async def test_a_body_that_is_no_json_is_malformed(heed: Heed, body: bytes) -> None:
    answer = await heed.api("POST", "/messages", body)

    assert answer.status == 400
    assert "JSON" in answer.json["detail"]


@pytest.mark.parametrize("body", [[], "text", 7, None])
async def test_a_body_that_is_no_object_is_invalid(heed: Heed, body: object) -> None:
    import json

    assert (await heed.api("POST", "/messages", json.dumps(body).encode())).status == 422


async def test_a_body_over_25_mb_is_too_large(heed: Heed) -> None:
    answer = await heed.api("POST", "/messages", b" " * (25 * 1024 * 1024 + 1))

    assert answer.status == 413
    assert "26214400" in answer.json["detail"]


async def test_patching_a_draft_changes_what_was_given_alone(heed: Heed) -> None:
    message = await heed.draft(text="plain")

    patched = await heed.api("PATCH", f"/messages/{message}", {"subject": "New", "html": "<p>New</p>"})

    assert patched.status == 200
    read = await heed.get(f"/messages/{message}")
    assert (read["subject"], read["html"], read["text"]) == ("New", "<p>New</p>", "plain")
    assert read["to"][0]["email"] == "ada@example.com"


async def test_a_patch_names_the_field_that_is_wrong_and_changes_nothing(heed: Heed) -> None:
    message = await heed.draft()

    answer = await heed.api("PATCH", f"/messages/{message}", {"to": [{"email": "x"}]})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["to", 0, "email"])
    assert (await heed.get(f"/messages/{message}"))["to"][0]["email"] == "ada@example.com"


async def test_a_patch_with_the_etag_of_an_older_version_is_refused(heed: Heed) -> None:
    message = await heed.draft()
    old = (await heed.get(f"/messages/{message}"))["etag"]
    await heed.api("PATCH", f"/messages/{message}", {"subject": "Second"})

    late = await heed.api("PATCH", f"/messages/{message}", {"subject": "Late"}, if_match=old)

    assert late.status == 412
    assert (await heed.get(f"/messages/{message}"))["subject"] == "Second"


async def test_a_sent_message_keeps_what_it_said(heed: Heed) -> None:
    message = await heed.sent()

    answer = await heed.api("PATCH", f"/messages/{message}", {"subject": "Never said"})

    assert answer.status == 409
    assert "subject" in answer.json["detail"]
    reminder = {"title": "Call", "condition": "always", "at": "2026-06-01T09:00:00Z"}
    assert (await heed.api("PATCH", f"/messages/{message}", {"reminder": reminder})).status == 200


async def test_a_deleted_draft_is_gone_from_everywhere(heed: Heed) -> None:
    message = await heed.draft()

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 200

    assert (await heed.api("GET", f"/messages/{message}")).status == 404
    assert (await heed.get("/messages"))["items"] == []


async def test_a_sent_message_cannot_be_deleted(heed: Heed) -> None:
    message = await heed.sent()

    assert (await heed.api("DELETE", f"/messages/{message}")).status == 409


@pytest.mark.parametrize(
    "path", [f"/messages/{MISSING}", "/messages/x", "/messages/..", f"/messages/{MISSING}/timeline"]
)
async def test_a_message_that_is_not_there_is_not_there(heed: Heed, path: str) -> None:
    assert (await heed.api("GET", path)).status == 404


async def test_lists_are_newest_first_and_can_be_turned_round(heed: Heed) -> None:
    made = []
    for _ in range(3):
        made.append(await heed.draft())
        heed.clock.move(minutes=1)

    newest = [item["id"] for item in (await heed.get("/messages"))["items"]]
    oldest = [item["id"] for item in (await heed.get("/messages?sort=sent_at"))["items"]]

    assert newest == made[::-1]
    assert oldest == made


async def test_pages_are_stable_while_messages_come_in(heed: Heed) -> None:
    made = []
    for _ in range(5):
        made.append(await heed.draft())
        heed.clock.move(minutes=1)

    first = await heed.get("/messages?limit=2")
    await heed.draft()
    second = await heed.get(f"/messages?limit=2&cursor={first['next']}")
    third = await heed.get(f"/messages?limit=2&cursor={second['next']}")

    shown = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert shown == made[::-1]
    assert third["next"] is None


async def test_the_followed_view_holds_what_was_sent_and_is_followed(heed: Heed) -> None:
    followed = await heed.sent()
    await heed.sent(follow=False)
    await heed.draft()

    assert [item["id"] for item in (await heed.get("/messages?view=followed"))["items"]] == [followed]
    assert len((await heed.get("/messages?view=all"))["items"]) == 3


async def test_lists_can_be_of_a_user_or_of_a_record(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    of_ada = await heed.draft(to=[{"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}])
    of_rep2 = await heed.draft(**{"from": "rep2"}, regarding={"type": "opportunity", "id": "o1"})

    async def listed(query: str) -> list[str]:
        return [item["id"] for item in (await heed.get(f"/messages?{query}"))["items"]]

    assert await listed("owner=rep2") == [of_rep2]
    assert await listed("record=contact/c1") == [of_ada]
    assert await listed("record=opportunity/o1") == [of_rep2]
    assert (await heed.api("GET", "/messages?owner=rep1&record=contact/c1")).status == 422


async def test_a_message_that_changes_owner_leaves_the_old_ones_list(heed: Heed) -> None:
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    message = await heed.draft()

    await heed.api("PATCH", f"/messages/{message}", {"from": "rep2"})

    assert (await heed.get("/messages?owner=rep1"))["items"] == []
    assert [item["id"] for item in (await heed.get("/messages?owner=rep2"))["items"]] == [message]
