"""Cursors: each continues the list that gave it, and no other."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.heed import ADMIN_KEY, TOKEN_KEYS, Heed


async def first_page(heed: Heed, path: str, **headers: str) -> str:
    """The cursor of the second page, with one item on a page."""
    page = await heed.get(f"{path}{'&' if '?' in path else '?'}limit=1", **headers)
    assert page["next"], page
    return str(page["next"])


async def status(heed: Heed, path: str, cursor: str, **headers: str) -> int:
    answer = await heed.api("GET", f"{path}{'&' if '?' in path else '?'}cursor={quote(cursor)}", **headers)
    if answer.status == 400:
        assert "cursor" in answer.json["detail"]
    return answer.status


@pytest.fixture
async def full(heed: Heed) -> Heed:
    """Heed with two of everything that is listed."""
    for number in (1, 2):
        await heed.put(f"/users/u{number}", {"email": f"u{number}@acme.example", "name": "U", "opt_in": True})
        for kind in ("contact", "lead"):
            await heed.put(f"/records/{kind}/r{number}", {"name": "R"})
        await heed.put(f"/templates/t{number}", {"name": "T", "language": "en", "subject": "S"})
        await heed.draft(regarding={"type": "contact", "id": "r1"}, subject=f"S{number}")
    return heed


async def test_a_cursor_goes_on_where_its_page_ended_with_another_limit_too(full: Heed) -> None:
    cursor = await first_page(full, "/messages?sort=subject")

    rest = await full.get(f"/messages?limit=7&sort=subject&cursor={cursor}")

    assert ([each["subject"] for each in rest["items"]], rest["next"]) == (["S2"], None)


@pytest.mark.parametrize(
    ("of", "elsewhere"),
    [
        ("/users", "/records?type=contact"),
        ("/records?type=contact", "/records?type=lead"),
        ("/records?type=contact", "/records?view=engaged-this-week&type=contact"),
        ("/messages", "/messages?view=followed"),
        ("/messages", "/messages?owner=rep1"),
        ("/messages", "/messages?record=contact/r1"),
        ("/messages", "/messages?sort=sent_at"),
        ("/messages?record=contact/r1", "/messages?record=contact/r2"),
        ("/messages", "/reports/scanner-noise"),
        ("/templates", "/templates?q=T"),
        ("/records/contact/r1/activities", "/records/contact/r2/activities"),
        ("/records/contact/r1/activities", "/messages?record=contact/r1"),
    ],
)
async def test_a_cursor_of_one_list_is_refused_by_another(full: Heed, of: str, elsewhere: str) -> None:
    cursor = await first_page(full, of)

    assert await status(full, of, cursor) == 200
    assert await status(full, elsewhere, cursor) == 400


async def test_a_default_that_is_written_out_is_the_same_query(full: Heed) -> None:
    cursor = await first_page(full, "/messages")

    assert await status(full, "/messages?sort=-sent_at&view=all", cursor) == 200


async def test_a_cursor_of_one_organization_is_refused_by_another(full: Heed) -> None:
    cursor = await first_page(full, "/users")
    other = await full.organization("other")

    answer = await full.request("GET", f"/api/orgs/other/users?cursor={cursor}", key=other)

    assert answer.status == 400


async def test_a_cursor_of_one_user_is_refused_to_another(full: Heed) -> None:
    cursor = await first_page(full, "/messages", x_heed_user="u1")

    assert await status(full, "/messages", cursor, x_heed_user="u1") == 200
    assert await status(full, "/messages", cursor, x_heed_user="u2") == 400


async def test_the_administrators_lists_have_cursors_of_their_own(full: Heed) -> None:
    async def keys(organization: str, query: str) -> Any:
        return await full.request("GET", f"/api/orgs/{organization}/keys?{query}", key=ADMIN_KEY)

    for name in ("acme", "other"):
        await full.organization(name)
        await full.organization(name)
    cursor = (await keys("acme", "limit=1")).json["next"]

    assert (await keys("acme", f"cursor={cursor}")).status == 200
    assert (await keys("other", f"cursor={cursor}")).status == 400


async def test_a_cursor_that_was_changed_is_refused(full: Heed) -> None:
    cursor = await first_page(full, "/users")
    changed = [cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in (0, 2, 9, -2)]

    for each in [
        *changed,
        cursor[:-1],
        cursor + "A",
        cursor + "=",
        "k1",
        "\u00e4\u20ac\U0001f980",
        "k1" + "\u00e4",
        "%",
        "A" * 9000,
    ]:
        assert await status(full, "/users", each) == 400, each


async def test_a_cursor_shows_nothing_of_the_key_that_it_holds(heed: Heed) -> None:
    for name in ("aaa", "bbb"):
        await heed.put(f"/users/{name}", {"email": f"{name}@acme.example"})

    cursor = await first_page(heed, "/users")

    assert "aaa" not in cursor
    assert quote(cursor, safe="") == cursor


async def test_a_cursor_outlives_a_new_token_key_and_ends_with_its_own(full: Heed) -> None:
    cursor = await first_page(full, "/users")
    new = "k2:" + TOKEN_KEYS.removeprefix("k1:")[::-1].replace("-", "A")[:85] + "A"
    rotated = Heed(storage=full.storage, settings={"HEED_TOKEN_KEYS": f"{new},{TOKEN_KEYS}"}, key=full.key)
    retired = Heed(storage=full.storage, settings={"HEED_TOKEN_KEYS": new}, key=full.key)

    assert await status(rotated, "/users", cursor) == 200
    assert await status(retired, "/users", cursor) == 400
