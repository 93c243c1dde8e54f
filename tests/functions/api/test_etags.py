"""Etags: strong, opaque, the same wherever they stand, and understood in If-Match as RFC 9110 says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lib.storage.versions import IfMatch
from tests.support.cards import cards, opened
from tests.support.heed import ADMIN_KEY, Heed, Response

STRONG = re.compile(r'"[0-9a-f]{32}-[0-9a-f]{16}"')


async def versioned(heed: Heed) -> dict[str, Response]:
    """An answer for each kind of thing that has an etag, by its path."""
    await opened(heed)
    await heed.put("/records/contact/c1", {"name": "Ada"})
    await heed.put("/templates/t1", {"name": "T", "language": "en", "subject": "S"})
    message = (await heed.get("/messages"))["items"][0]["id"]
    [card] = await cards(heed)
    paths = ["/users/rep1", "/records/contact/c1", "/templates/t1", f"/messages/{message}", f"/cards/{card['id']}"]
    answers = {path: await heed.api("GET", path, x_heed_user="rep1") for path in paths}
    return {**answers, "": await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)}


async def test_the_header_is_strong_and_begins_with_the_version_that_the_field_names(heed: Heed) -> None:
    for path, answer in (await versioned(heed)).items():
        assert STRONG.fullmatch(answer.headers["etag"]), path
        assert answer.headers["etag"].startswith(answer.json["etag"].rstrip('"')), path


async def test_what_the_caller_has_already_is_not_sent_again(heed: Heed) -> None:
    for path, answer in (await versioned(heed)).items():
        etag = answer.headers["etag"]
        for named in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            headers = {"if-none-match": named, "x-heed-user": "rep1"}
            key, at = (heed.key, f"/api/orgs/acme{path}") if path else (ADMIN_KEY, "/api/orgs/acme")
            again = await heed.request("GET", at, key=key, headers=headers if path else {"if-none-match": named})
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag), (path, named)


async def test_another_version_is_sent_whole(heed: Heed) -> None:
    etag = (await heed.api("GET", "/users/rep1")).headers["etag"]
    await heed.api("PATCH", "/users/rep1", {"name": "Rita"})

    for named in (etag, '"other"', "", "not an etag", '"' * 9000):
        answer = await heed.api("GET", "/users/rep1", if_none_match=named)
        assert (answer.status, answer.json["name"]) == (200, "Rita")


async def test_a_message_that_was_opened_is_sent_whole_and_can_still_be_changed(heed: Heed) -> None:
    message = await heed.sent()
    before = await heed.api("GET", f"/messages/{message}")
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    after = await heed.api("GET", f"/messages/{message}", if_none_match=before.headers["etag"])

    assert (before.json["kpis"]["opens"], after.status, after.json["kpis"]["opens"]) == (0, 200, 1)
    reminder = {"title": "Call", "condition": "always", "at": "2026-05-20T09:00:00Z"}
    changed = await heed.api("PATCH", f"/messages/{message}", {"reminder": reminder}, if_match=before.headers["etag"])
    assert (after.json["etag"], changed.status) == (before.json["etag"], 200)


async def test_a_write_is_answered_whole_whatever_the_caller_has(heed: Heed) -> None:
    etag = (await heed.api("GET", "/users/rep1")).headers["etag"]
    assert (await heed.api("PATCH", "/users/rep1", {}, if_none_match=etag)).status == 200


async def test_lists_show_the_same_etags(heed: Heed) -> None:
    answers = await versioned(heed)

    for path, answer in answers.items():
        if not path:
            continue
        within = "/records?type=contact" if "records" in path else path.rpartition("/")[0]
        items = (await heed.get(within, x_heed_user="rep1"))["items"]
        shown = {each["id"]: each["etag"] for each in items}
        assert shown[path.rpartition("/")[2]] == answer.json["etag"], path


async def test_a_card_of_a_list_can_be_changed_by_its_etag_once(heed: Heed) -> None:
    await opened(heed)
    [card] = await cards(heed)
    path = f"/cards/{card['id']}/feedback"

    first = await heed.api("POST", path, {"useful": True}, x_heed_user="rep1", if_match=card["etag"])
    late = await heed.api("POST", path, {"useful": False}, x_heed_user="rep1", if_match=card["etag"])
    [card] = await cards(heed)
    again = await heed.api("POST", path, {"useful": False}, x_heed_user="rep1", if_match=card["etag"])

    assert (first.status, late.status, again.status) == (200, 412, 200)
    assert first.json["etag"] != again.json["etag"]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{etag}", 200),
        ("{header}", 200),
        ('"other", {etag}', 200),
        ('{etag},"other"', 200),
        (' , "a,b",\t{etag} ,, ', 200),
        ("*", 200),
        (" * ", 200),
        ('"other"', 412),
        ('"other", "more"', 412),
        ("W/{etag}", 412),
        ('W/{etag}, "other"', 412),
        ("W/\"datetime'2026-05-04T09%3A30%3A00.1234567Z'\"", 412),
        ('""', 412),
        ('"é"', 412),
        ("{bare}", 400),
        ('"{bare}', 400),
        ('{bare}"', 400),
        ("{etag} {etag}", 400),
        ("{etag}, {bare}", 400),
        ("*, {etag}", 400),
        ("{etag}, *", 400),
        ("w/{etag}", 400),
        ('"a b"', 400),
        (",", 400),
        ("''", 400),
    ],
)
@pytest.mark.parametrize("path", ["/users/rep1", "/records/contact/c1", "/messages/{message}", ""])
async def test_if_match_is_read_as_rfc_9110_says(heed: Heed, path: str, form: str, status: int) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada"})
    path = path.format(message=await heed.draft())
    change: dict[str, Any] = {"subject": "New"} if "messages" in path else {"name": "New"}
    key = heed.key if path else ADMIN_KEY
    read = await heed.request("GET", f"/api/orgs/acme{path}", key=key)
    etag = read.json["etag"]
    header = form.format(etag=etag, header=read.headers["etag"], bare=etag.strip('"'))

    answer = await heed.request("PATCH", f"/api/orgs/acme{path}", change, key=key, headers={"if-match": header})

    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == f"application/{'json' if status == 200 else 'problem+json'}"


async def test_a_malformed_if_match_is_told_what_to_send(heed: Heed) -> None:
    answer = await heed.api("DELETE", f"/messages/{await heed.draft()}", if_match="abc")

    assert answer.status == 400
    assert "If-Match" in answer.json["detail"]
    assert "etag" in answer.json["detail"]


async def test_a_star_needs_something_that_is_there(heed: Heed) -> None:
    assert (await heed.api("PUT", "/users/new", {"email": "n@acme.example"}, if_match="*")).status == 412
    assert (await heed.api("PUT", "/users/rep1", {"email": "n@acme.example"}, if_match="*")).status == 200


async def test_an_etag_changes_with_what_it_names_and_never_comes_back(heed: Heed) -> None:
    seen = [
        (await heed.api("PATCH", "/users/rep1", {"name": name})).headers["etag"] for name in ("A", "B", "A", "B", "A")
    ]

    assert len(set(seen)) == 5


async def test_a_repeated_request_gets_the_same_etag(heed: Heed) -> None:
    message = {"from": "rep1", "subject": "Hi"}
    first, again = [await heed.api("POST", "/messages", message, idempotency_key="k") for _ in range(2)]

    assert first.headers["etag"] == again.headers["etag"]


def test_a_very_long_list_that_is_wrong_at_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="list of etags"):
        IfMatch.parse('"a" ,' * 200_000 + "x")
    with pytest.raises(ValueError, match="list of etags"):
        IfMatch.parse("," * 200_000 + "x")
