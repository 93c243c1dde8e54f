"""Users and records."""

from __future__ import annotations

import pytest

from functions.api.table import read_table
from functions.resources.people import TAKEN_IDS
from lib.people.store import USERS
from lib.people.users import StoredUser
from tests.support.heed import Heed


async def test_a_user_reads_as_it_was_put(heed: Heed) -> None:
    user = {"email": "Max@Acme.example", "name": "Max", "time_zone": "Europe/Vienna", "networks": ["192.0.2.7/24"]}

    assert (await heed.api("PUT", "/users/max", user)).status == 201

    read = await heed.get("/users/max")
    assert (read["email"], read["time_zone"], read["opt_in"]) == ("Max@acme.example", "Europe/Vienna", False)
    assert read["networks"] == ["192.0.2.0/24"]
    assert read["etag"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "not an address"),
        ("email", "two@acme.example, three@acme.example"),
        ("email", "a@acme.example\r\nBcc: b@acme.example"),
        ("email", None),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "localtime"),
        ("time_zone", "Factory"),
        ("name", "line\nbreak"),
        ("networks", ["300.0.0.0/8"]),
        ("inbound", "some"),
        ("opt_in", "perhaps"),
        ("colour", "red"),
    ],
)
async def test_a_wrong_field_is_named(heed: Heed, field: str, value: object) -> None:
    answer = await heed.api("PUT", "/users/max", {"email": "max@acme.example", field: value})

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"][0] == field


async def test_a_zone_that_windows_names_becomes_that_of_iana(heed: Heed) -> None:
    for zone in ("W. Europe Standard Time", "Europe/Berlin"):
        patched = await heed.api("PATCH", "/users/rep1", {"time_zone": zone})

        assert (patched.status, patched.json["time_zone"]) == (200, "Europe/Berlin")


async def test_patching_changes_what_was_given_alone(heed: Heed) -> None:
    patched = await heed.api("PATCH", "/users/rep1", {"time_zone": "Asia/Kolkata"})

    assert patched.status == 200
    read = await heed.get("/users/rep1")
    assert (read["time_zone"], read["name"], read["opt_in"]) == ("Asia/Kolkata", "Rita Rep", True)


async def test_a_patch_that_would_make_it_invalid_changes_nothing(heed: Heed) -> None:
    answer = await heed.api("PATCH", "/users/rep1", {"email": None})

    assert (answer.status, answer.json["errors"][0]["loc"]) == (422, ["email"])
    assert (await heed.get("/users/rep1"))["email"] == "rep@acme.example"


async def test_if_match_guards_put_and_patch(heed: Heed) -> None:
    etag = (await heed.get("/users/rep1"))["etag"]
    fresh = await heed.api("PATCH", "/users/rep1", {"name": "Rita"}, if_match=etag)
    stale = await heed.api("PATCH", "/users/rep1", {"name": "Late"}, if_match=etag)
    missing = await heed.api("PUT", "/users/nobody", {"email": "n@acme.example"}, if_match="*")

    assert (fresh.status, stale.status, missing.status) == (200, 412, 412)
    assert fresh.json["etag"] != etag


async def test_lists_come_in_pages(heed: Heed) -> None:
    for number in range(5):
        await heed.put(f"/users/u{number}", {"email": f"u{number}@acme.example"})

    seen, path = [], "/users?limit=2"
    while True:
        page = await heed.get(path)
        seen += [user["id"] for user in page["items"]]
        if page["next"] is None:
            break
        path = f"/users?limit=2&cursor={page['next']}"

    assert seen == ["rep1", "u0", "u1", "u2", "u3", "u4"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "colour=red"])
async def test_a_wrong_query_is_named(heed: Heed, query: str) -> None:
    answer = await heed.api("GET", f"/users?{query}")

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["query", query.partition("=")[0]]


@pytest.mark.parametrize("cursor", ["!!!", "L2V0Yy9wYXNzd2Q", "x"])
async def test_a_cursor_that_is_none_is_refused(heed: Heed, cursor: str) -> None:
    assert (await heed.api("GET", f"/users?cursor={cursor}")).status == 400


async def test_opting_in_counts_those_that_changed(heed: Heed) -> None:
    await heed.put("/users/a", {"email": "a@acme.example"})
    await heed.put("/users/b", {"email": "b@acme.example"})

    some = await heed.post("/users/opt-in", {"users": ["a", "nobody"], "opt_in": True})
    everyone = await heed.post("/users/opt-in", {"users": "all", "opt_in": True})

    assert (some, everyone) == ({"changed": 1}, {"changed": 1})
    assert (await heed.get("/users/b"))["opt_in"] is True


@pytest.mark.parametrize("default", [True, False])
async def test_a_new_user_who_says_nothing_about_opting_in_has_the_organizations_default(default: bool) -> None:
    heed = await Heed().start(opt_in_default=default)

    quiet = await heed.put("/users/a", {"email": "a@acme.example"})
    other = await heed.put("/users/b", {"email": "b@acme.example", "opt_in": not default})

    assert (quiet["opt_in"], other["opt_in"]) == (default, not default)


@pytest.mark.parametrize("decision", [True, False])
async def test_a_user_who_is_put_again_keeps_their_decision(decision: bool) -> None:
    heed = await Heed().start(opt_in_default=not decision)
    await heed.put("/users/a", {"email": "a@acme.example", "opt_in": decision})

    again = await heed.put("/users/a", {"email": "new@acme.example"})

    assert (again["email"], again["opt_in"]) == ("new@acme.example", decision)


async def test_users_are_listed_by_their_opt_in_page_by_page(heed: Heed) -> None:
    for number in range(7):
        await heed.put(f"/users/u{number}", {"email": "a@acme.example", "opt_in": number % 2 == 0})

    first = await heed.get("/users?opt_in=true&limit=3")
    second = await heed.get(f"/users?opt_in=true&limit=3&cursor={first['next']}")

    assert [user["id"] for user in first["items"]] == ["rep1", "u0", "u2"]
    assert ([user["id"] for user in second["items"]], second["next"]) == (["u4", "u6"], None)
    assert [user["id"] for user in (await heed.get("/users?opt_in=false"))["items"]] == ["u1", "u3", "u5"]
    assert len((await heed.get("/users"))["items"]) == 8


async def test_the_share_of_users_who_have_opted_in_follows_every_change(heed: Heed) -> None:
    await heed.put("/users/a", {"email": "a@acme.example"})
    before = await heed.get("/users/opt-in")
    await heed.post("/users/opt-in", {"users": "all", "opt_in": True})
    after = await heed.get("/users/opt-in")
    await heed.api("PATCH", "/users/rep1", {"opt_in": False})

    assert (before, after) == ({"opted_in": 1, "users": 2}, {"opted_in": 2, "users": 2})
    assert await heed.get("/users/opt-in") == {"opted_in": 1, "users": 2}


async def test_a_page_that_finds_nobody_among_very_many_users_says_where_to_go_on(heed: Heed) -> None:
    people = heed.services.people
    for number in range(5_001):
        user = StoredUser(id=f"u{number:05d}", email="a@acme.example", opt_in=number == 5_000)
        await people.users.save("acme", USERS, user.id, user, None)
    await heed.api("PATCH", "/users/rep1", {"opt_in": False})

    first = await heed.get("/users?opt_in=true")
    second = await heed.get(f"/users?opt_in=true&cursor={first['next']}")

    assert first["items"] == []
    assert ([user["id"] for user in second["items"]], second["next"]) == (["u05000"], None)


async def test_a_record_reads_as_it_was_put_and_is_listed_under_its_type(heed: Heed) -> None:
    record = {"name": "Ada", "emails": ["ada@example.com"], "owner": "rep1", "parent": {"type": "account", "id": "a1"}}

    await heed.put("/records/contact/c1", record)
    await heed.put("/records/lead/l1", {"name": "Lead"})

    assert (await heed.get("/records/contact/c1"))["parent"] == {"type": "account", "id": "a1"}
    assert [each["id"] for each in (await heed.get("/records?type=contact"))["items"]] == ["c1"]
    assert (await heed.api("GET", "/records")).json["errors"][0]["loc"] == ["query", "type"]


@pytest.mark.parametrize("path", ["/records/contact/a b", "/records/contact/%2e%2e", "/users/a b", "/users/%2e%2e"])
async def test_ids_of_another_shape_are_not_there(heed: Heed, path: str) -> None:
    assert (await heed.api("GET", path)).status == 404


async def test_a_record_that_does_not_allow_following_can_be_patched_to_allow_it(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "follow_email": "do_not_allow"})

    patched = await heed.api("PATCH", "/records/contact/c1", {"follow_email": "allow"})

    assert (patched.json["follow_email"], patched.json["name"]) == ("allow", "Ada")


def shadowed_ids() -> set[tuple[str, str]]:
    """Ids whose path is that of another endpoint of the same method, each with the route that they are lost to."""
    parts = [(each.method, each.route.split("/")) for each in read_table()]
    found = set[tuple[str, str]]()
    for method, fixed in parts:
        for other, open_ in parts:
            if method != other or len(fixed) != len(open_):
                continue
            pairs = [(one, two) for one, two in zip(fixed, open_, strict=True) if one != two]
            if pairs and all(two.startswith("{") and not one.startswith("{") for one, two in pairs):
                found.add((pairs[0][0], "/".join(open_)))
    return found


def test_every_id_that_cannot_be_read_is_refused() -> None:
    assert shadowed_ids() == {(name, "api/orgs/{org}/users/{user}") for name in TAKEN_IDS}


@pytest.mark.parametrize("name", [*sorted(TAKEN_IDS), "Opt-In"])
async def test_a_user_has_no_id_that_is_the_path_of_another_endpoint(heed: Heed, name: str) -> None:
    body = {"email": "x@acme.example"}
    alone = await heed.api("PUT", f"/users/{name}", body)
    [outcome] = (await heed.post("/users/batch", {"items": [{"id": name, **body}]}))["items"]

    assert (alone.status, alone.json["errors"][0]["loc"]) == (422, ["path", "user"])
    assert (outcome["status"], name in outcome["detail"]) == (422, True)
    assert (await heed.get("/users/opt-in"))["users"] == 1
