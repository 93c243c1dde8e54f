"""Records by address: GET /records?email=."""

from __future__ import annotations

from typing import Any

import pytest

from heed.address_index import enter_addresses
from lib.people.records import StoredRecord
from tests.support.heed import Heed


async def by_address(heed: Heed, query: str) -> list[str]:
    return [f"{each['type']}/{each['id']}" for each in (await heed.get(f"/records?{query}"))["items"]]


async def test_records_are_found_by_address_in_any_case(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "emails": ["other@example.com", "Ada@Example.com"]})
    await heed.put("/records/lead/l1", {"emails": ["ada@example.com"]})
    await heed.put("/records/lead/l2", {"emails": ["ada@example.org"]})

    assert await by_address(heed, "email=aDA@example.COM") == ["contact/c1", "lead/l1"]
    assert await by_address(heed, "email=ada@example.com&type=lead") == ["lead/l1"]
    assert await by_address(heed, "email=nobody@example.com") == []
    read = (await heed.get("/records?email=ada@example.com"))["items"][0]
    assert (read["name"], read["etag"]) == ("Ada", (await heed.get("/records/contact/c1"))["etag"])


async def test_an_international_address_is_found_in_both_of_its_forms(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@bücher.example"]})

    assert await by_address(heed, "email=ada@xn--bcher-kva.example") == ["contact/c1"]
    assert await by_address(heed, "email=ada@b%C3%BCcher.example") == ["contact/c1"]


async def test_an_address_that_was_taken_away_finds_nothing(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com", "a@example.com"]})
    await heed.api("PATCH", "/records/contact/c1", {"emails": ["a@example.com"]})

    assert await by_address(heed, "email=ada@example.com") == []
    assert await by_address(heed, "email=a@example.com") == ["contact/c1"]


async def test_an_address_of_many_records_comes_in_pages(heed: Heed) -> None:
    for number in range(7):
        await heed.put(f"/records/contact/c{number}", {"emails": ["info@example.com"]})

    seen, path = list[str](), "/records?email=info@example.com&limit=3"
    while True:
        page = await heed.get(path)
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        path = f"/records?email=info@example.com&limit=3&cursor={page['next']}"

    assert seen == [f"c{number}" for number in range(7)]


@pytest.mark.parametrize("query", ["email=nonsense", "email=a@example.com&view=engaged-this-week"])
async def test_a_wrong_question_is_named(heed: Heed, query: str) -> None:
    answer = await heed.api("GET", f"/records?{query}")

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["query", "email"])


async def test_another_organization_finds_none_of_them(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"emails": ["ada@example.com"]})
    other = await heed.organization("globex")

    answer = await heed.request("GET", "/api/orgs/globex/records?email=ada@example.com", key=other)

    assert answer.json["items"] == []


async def test_a_record_from_before_the_index_is_found_after_the_backfill(heed: Heed, capsys: Any) -> None:
    old = StoredRecord(type="contact", id="c1", emails=["ada@example.com"], follow_email="do_not_allow")
    await heed.services.people.records.save("acme", "record|contact", "c1", old, None)
    message = await heed.draft()
    before = (await heed.get(f"/messages/{message}"))["follow_state"]["state"]

    count = await enter_addresses(heed.services, "acme")

    assert (count, capsys.readouterr().out) == (1, "acme: 1 records with 1 addresses are indexed.\n")
    assert before == "on"
    assert (await heed.get(f"/messages/{message}"))["follow_state"]["state"] == "blocked"
    assert await by_address(heed, "email=ada@example.com") == ["contact/c1"]
