"""An organization whose tables were copied or restored under another id: it has none of the other one's history."""

from __future__ import annotations

import json

import pytest

from lib.storage import Row, Tables, Upsert
from lib.storage.layout import KINDS, ORGANIZATIONS, table
from lib.storage.protocols import EVERYTHING
from tests.support.heed import ADMIN_KEY, GMAIL, Heed, Response
from tests.walls.two_organizations import SECRET, TwoOrganizations, two_organizations

COPY = "copied"

_NEW_IN_KEYS = {"last_used_at", "organization"}
"""Fields that rows of keys do not have where an earlier release has made them."""


async def copy_rows(tables: Tables, source: str, target: str) -> None:
    await tables.create(target)
    async for row in tables.query(source, EVERYTHING):
        await tables.write_rows(target, [Upsert(row)])


async def copy_organization(heed: Heed, *kinds: str) -> None:
    for kind in kinds:
        await copy_rows(heed.storage.tables, table("acme", kind), table(COPY, kind))


async def make(heed: Heed) -> Response:
    return await heed.request("PUT", f"/api/orgs/{COPY}", {"name": "Copy"}, key=ADMIN_KEY)


@pytest.fixture
async def world() -> TwoOrganizations:
    return await two_organizations()


@pytest.mark.parametrize(
    "kinds",
    [KINDS, ["messages"], ["people"], ["cards"], ["templates"], ["index"], ["facts"], ["privacy"]],
)
async def test_no_organization_is_made_of_copied_tables(world: TwoOrganizations, kinds: list[str]) -> None:
    await copy_organization(world.heed, *kinds)

    answer = await make(world.heed)

    assert answer.status == 409
    assert "restored or copied" in answer.json["detail"]
    assert (await world.heed.request("GET", f"/api/orgs/{COPY}", key=ADMIN_KEY)).status == 404


async def test_the_copied_stops_of_another_organization_stop_nothing(world: TwoOrganizations) -> None:
    heed = world.heed
    await heed.services.stops.stop_address("acme", "bob@example.com")
    async for row in heed.services.stops.rows.list_stops("acme"):
        await heed.storage.tables.create(table(COPY, "privacy"))
        await heed.storage.tables.write_rows(table(COPY, "privacy"), [Upsert(row)])

    key = await heed.organization(COPY)

    read = await heed.request("GET", f"/api/orgs/{COPY}/consents/bob@example.com", key=key)
    assert read.json["follow"] == "unknown"


async def test_copied_rows_of_the_registry_make_no_organization(world: TwoOrganizations) -> None:
    heed, tables = world.heed, world.heed.storage.tables
    await copy_organization(heed, *KINDS)
    rows = [row async for row in tables.query(ORGANIZATIONS, "acme")]
    await tables.write_rows(ORGANIZATIONS, [Upsert(Row(COPY, row.key, row.values)) for row in rows])
    key = heed.key.replace("acme", COPY, 1)

    read = await heed.request("GET", f"/api/orgs/{COPY}/messages", key=key)
    named = await heed.request("GET", f"/api/orgs/{COPY}", key=ADMIN_KEY)
    listed = await heed.request("GET", "/api/orgs", key=ADMIN_KEY)

    assert (read.status, named.status) == (401, 404)
    assert SECRET.encode() not in read.body + named.body
    assert [each["id"] for each in listed.json["items"]] == ["acme", "rival"]


async def test_the_copied_keys_of_another_organization_open_nothing(world: TwoOrganizations) -> None:
    heed, tables = world.heed, world.heed.storage.tables
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "full", "name": SECRET}, key=ADMIN_KEY)
    rows = [row async for row in tables.query(ORGANIZATIONS, "acme") if row.key.startswith("key-")]
    await tables.write_rows(ORGANIZATIONS, [Upsert(Row("rival", row.key, row.values)) for row in rows])
    key = made.json["key"].replace("acme", "rival", 1)

    opened = await heed.request("GET", "/api/orgs/rival/users", key=key)
    listed = await heed.request("GET", "/api/orgs/rival/keys?limit=2", key=ADMIN_KEY)
    more = await heed.request("GET", "/api/orgs/rival/keys", key=ADMIN_KEY)

    assert opened.status == 401
    assert SECRET.encode() not in listed.body + more.body
    assert len(listed.json["items"]) == 2  # the pages are full, and no row of acme's stands in them
    assert listed.json["next"]
    assert (await heed.request("GET", "/api/orgs/acme/users", key=made.json["key"])).status == 200


async def test_a_key_of_an_earlier_release_works_and_can_no_longer_be_copied_once_it_was_used(
    world: TwoOrganizations,
) -> None:
    heed, tables = world.heed, world.heed.storage.tables
    key_row = f"key-{heed.key.split('.')[1]}"
    row = await tables.read_row(ORGANIZATIONS, "acme", key_row)
    assert row is not None
    old = {name: value for name, value in json.loads(row.text("d0")).items() if name not in _NEW_IN_KEYS}
    await tables.write_rows(ORGANIZATIONS, [Upsert(Row("acme", key_row, {"v": 1, "d0": json.dumps(old)}))])
    heed.clock.move(hours=2)

    assert (await heed.get("/users"))["items"]
    await heed.services.api_keys.settle()
    bound = await tables.read_row(ORGANIZATIONS, "acme", key_row)
    assert bound is not None
    await tables.write_rows(ORGANIZATIONS, [Upsert(Row("rival", key_row, bound.values))])

    assert (await heed.request("GET", "/api/orgs/rival/users", key=heed.key.replace("acme", "rival"))).status == 401


async def test_journals_and_kept_answers_that_were_copied_show_nothing(world: TwoOrganizations) -> None:
    heed = world.heed
    body = {"from": "acme-rep", "to": [], "subject": SECRET}
    await heed.api("POST", "/messages", body, Idempotency_Key="same")
    await copy_organization(heed, "journal", "requests")
    key = await heed.organization(COPY)

    again = await heed.request("POST", f"/api/orgs/{COPY}/messages", body, key=key, headers={"Idempotency-Key": "same"})
    await heed.tick("sweep_journal")
    await heed.work()

    assert again.status in (409, 422)
    assert (await heed.request("GET", f"/api/orgs/{COPY}/messages", key=key)).json["items"] == []


async def test_the_mail_that_was_sent_stays_the_old_ones(world: TwoOrganizations) -> None:
    heed = world.heed
    key = await heed.organization(COPY)
    await copy_organization(heed, *KINDS)  # over the tables of an organization that is there

    for link in world.links:
        await heed.hit(link, GMAIL)
    await heed.work()

    facts = heed.storage.tables.query(table("acme", "facts"), EVERYTHING)
    copied = heed.storage.tables.query(table(COPY, "facts"), EVERYTHING)
    assert len([row async for row in facts]) > len([row async for row in copied])
    history = await heed.request("GET", f"/api/orgs/{COPY}/consents/ada@example.com", key=key)
    assert SECRET.encode() not in history.body
