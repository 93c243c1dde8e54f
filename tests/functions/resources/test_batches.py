"""Users and records, many in one call."""

from __future__ import annotations

from typing import Any

import pytest

from lib.storage import Unavailable
from tests.support.heed import ADMIN_KEY, Heed


async def put_records(heed: Heed, *items: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await heed.post("/records/batch", {"items": items}))["items"]
    return found


async def test_each_record_is_put_as_it_would_be_alone(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Old", "emails": ["old@example.com"]})

    first, second = await put_records(
        heed,
        {"type": "contact", "id": "c1", "name": "Ada", "emails": ["ada@example.com"]},
        {"type": "account", "id": "a1", "name": "Acme"},
    )

    assert (first["type"], first["id"], first["status"]) == ("contact", "c1", 200)
    assert (second["type"], second["id"], second["status"], second["errors"]) == ("account", "a1", 201, None)
    read = await heed.get("/records/contact/c1")
    assert (read["name"], read["etag"]) == ("Ada", first["etag"])
    assert (await heed.get("/records?email=old@example.com"))["items"] == []
    assert len((await heed.get("/records?email=ada@example.com"))["items"]) == 1


async def test_an_item_that_is_wrong_fails_alone_and_says_why(heed: Heed) -> None:
    good = {"type": "contact", "id": "c2", "name": "Fine"}
    outcomes = await put_records(
        heed,
        {"type": "contact", "id": "c1", "emails": ["nobody"], "colour": "red"},
        good,
        {"type": "Contact!", "id": "c3"},
        {"name": "no id"},
        "no item",
        None,
        {"type": "contact", "id": 7},
    )

    assert [each["status"] for each in outcomes] == [422, 201, 422, 422, 422, 422, 422]
    first = outcomes[0]
    assert (first["type"], first["id"], first["etag"], first["code"]) == ("contact", "c1", None, "invalid")
    assert [error["loc"] for error in first["errors"]] == [["emails", 0], ["colour"]]
    assert (await heed.get("/records/contact/c2"))["name"] == "Fine"
    assert (await heed.api("GET", "/records/contact/c1")).status == 404


async def test_if_match_holds_for_each_item_as_it_would_for_one_alone(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "There"})
    items = [{"type": "contact", "id": name, "name": "Changed"} for name in ("c1", "c2")]

    answer = await heed.api("POST", "/records/batch", {"items": items}, if_match="*")

    assert [(each["status"], each["code"]) for each in answer.json["items"]] == [(200, None), (412, "version_mismatch")]
    assert (await heed.api("GET", "/records/contact/c2")).status == 404
    user = {"id": "rep1", "email": "rep@acme.example"}
    answer = await heed.api("POST", "/users/batch", {"items": [user]}, if_match='"another"')
    assert [(each["status"], each["code"]) for each in answer.json["items"]] == [(412, "version_mismatch")]


async def test_items_of_the_same_id_are_done_in_their_order(heed: Heed) -> None:
    names = [f"name {number}" for number in range(20)]

    outcomes = await put_records(heed, *({"type": "contact", "id": "c1", "name": name} for name in names))

    assert [each["status"] for each in outcomes] == [201, *[200] * 19]
    assert (await heed.get("/records/contact/c1"))["name"] == names[-1]


async def test_a_full_batch_of_the_same_few_records_and_one_address_ends_with_the_last_of_each(heed: Heed) -> None:
    items = [
        {"type": "contact", "id": f"c{number % 4}", "name": f"name {number}", "emails": ["ada@example.com"]}
        for number in range(200)
    ]

    outcomes = await put_records(heed, *items)

    assert [each["status"] for each in outcomes] == [*[201] * 4, *[200] * 196]
    found = (await heed.get("/records?email=ada@example.com"))["items"]
    assert {each["id"]: each["name"] for each in found} == {f"c{each}": f"name {196 + each}" for each in range(4)}
    assert {each["id"]: each["etag"] for each in found} == {each["id"]: each["etag"] for each in outcomes[-4:]}


async def test_a_record_that_was_merged_fails_alone(heed: Heed) -> None:
    await put_records(heed, {"type": "contact", "id": "c1"}, {"type": "contact", "id": "c2"})
    await heed.post("/records/contact/c1/merge", {"into": {"type": "contact", "id": "c2"}})

    gone, there = await put_records(heed, {"type": "contact", "id": "c1"}, {"type": "contact", "id": "c2"})

    assert (gone["status"], gone["code"], there["status"]) == (409, "wrong_state", 200)
    assert "contact/c2" in gone["detail"]


async def test_storage_that_fails_for_an_item_fails_that_item(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    index = heed.services.address_index
    save = index.save_record

    async def save_record(organization: str, record: Any, if_match: Any) -> Any:
        if record.id == "c1":
            raise Unavailable("down")
        return await save(organization, record, if_match)

    monkeypatch.setattr(index, "save_record", save_record)

    failed, done = await put_records(heed, {"type": "contact", "id": "c1"}, {"type": "contact", "id": "c2"})

    assert (failed["status"], failed["code"], done["status"]) == (503, "unavailable", 201)


@pytest.mark.parametrize(("number", "status"), [(0, 422), (200, 200), (201, 422)])
async def test_a_batch_has_up_to_200_items(heed: Heed, number: int, status: int) -> None:
    items = [{"type": "contact", "id": f"c{each}", "emails": [f"c{each}@example.com"]} for each in range(number)]

    answer = await heed.api("POST", "/records/batch", {"items": items})

    assert answer.status == status
    if status == 200:
        assert {each["status"] for each in answer.json["items"]} == {201}


async def test_a_batch_that_is_repeated_with_its_key_gets_its_answer_again(heed: Heed) -> None:
    body = {"items": [{"type": "contact", "id": "c1", "name": "Ada"}]}
    first = await heed.api("POST", "/records/batch", body, idempotency_key="b1")
    await heed.api("PATCH", "/records/contact/c1", {"name": "Later"})

    again = await heed.api("POST", "/records/batch", body, idempotency_key="b1")

    assert again.json == first.json
    assert (await heed.get("/records/contact/c1"))["name"] == "Later"


async def test_users_come_in_batches_and_opting_in_is_as_with_one(heed: Heed) -> None:
    outcomes = await heed.post(
        "/users/batch",
        {
            "items": [
                {"id": "rep1", "email": "rep@acme.example", "name": "Rita"},
                {"id": "rep2", "email": "rep2@acme.example", "opt_in": True},
                {"id": "rep3"},
            ]
        },
    )

    assert [(each["id"], each["status"]) for each in outcomes["items"]] == [("rep1", 200), ("rep2", 201), ("rep3", 422)]
    one, two = await heed.get("/users/rep1"), await heed.get("/users/rep2")
    assert (one["name"], one["opt_in"], two["opt_in"]) == ("Rita", True, True)
    admin = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": "admin"}, key=ADMIN_KEY)).json["key"]
    log = (await heed.request("GET", "/api/orgs/acme/audit", key=admin)).json["items"]
    assert [each["target"] for each in log if each["act"] == "user.opt_in"].count("rep2") == 1


@pytest.mark.parametrize("scope", ["read", "inbound", "user"])
async def test_who_may_not_put_one_may_not_put_many(heed: Heed, scope: str) -> None:
    if scope == "user":
        key = (await heed.api("POST", "/users/rep1/tokens")).json["token"]
    else:
        key = (await heed.request("POST", "/api/orgs/acme/keys", {"scope": scope}, key=ADMIN_KEY)).json["key"]

    for path in ("/users/batch", "/records/batch"):
        body = {"items": [{"type": "contact", "id": "c1"}]}
        assert (await heed.request("POST", f"/api/orgs/acme{path}", body, key=key)).status == 403
