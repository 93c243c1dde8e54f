"""Etags: strong, opaque, the same wherever they stand, and understood in If-Match as RFC 9110 says."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lib.storage.versions import IfMatch
from tests.support.cards import cards, opened
from tests.support.heed import ADMIN_KEY, Heed, Response

STRONG = re.compile(r'"[0-9a-f]{32}"')


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


async def test_the_header_and_the_field_are_the_same_strong_etag(heed: Heed) -> None:
    for path, answer in (await versioned(heed)).items():
        assert STRONG.fullmatch(answer.headers["etag"]), path
        assert answer.json["etag"] == answer.headers["etag"], path


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
    etag = (await heed.request("GET", f"/api/orgs/acme{path}", key=key)).json["etag"]
    header = form.format(etag=etag, bare=etag.strip('"'))

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

    assert first.headers["etag"] == again.headers["etag"] == first.json["etag"]


def test_a_very_long_list_that_is_wrong_at_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="list of etags"):
        IfMatch.parse('"a" ,' * 200_000 + "x")
    with pytest.raises(ValueError, match="list of etags"):
        IfMatch.parse("," * 200_000 + "x")
