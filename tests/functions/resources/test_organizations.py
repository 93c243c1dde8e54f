from __future__ import annotations

from dataclasses import replace

import pytest

from lib.organizations.settings import HumanFrom
from lib.verdicts.thresholds import DEFAULT
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.remains import everything_in


async def test_putting_one_makes_it_and_putting_it_again_changes_it(heed: Heed) -> None:
    made = await heed.request("PUT", "/api/orgs/globex", {"name": "Globex"}, key=ADMIN_KEY)
    changed = await heed.request("PUT", "/api/orgs/globex", {"name": "Globex Inc"}, key=ADMIN_KEY)

    assert (made.status, changed.status) == (201, 200)
    assert changed.json["name"] == "Globex Inc"
    assert changed.json["created_at"] == made.json["created_at"]


async def test_settings_have_the_documented_defaults(heed: Heed) -> None:
    settings = (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json["settings"]

    assert settings["tracking"] == "allow"
    assert settings["work_hours"] == {"days": None, "start": "08:00", "end": "17:00"}
    assert settings["score"] == {"open": 1, "click": 5, "reply": 10, "attachment": 5}
    assert (settings["retention_days"], settings["raw_days"]) == (400, 30)
    assert settings["human_from"] == DEFAULT.human_from


async def test_a_probability_that_is_not_set_stays_the_judges_own(heed: Heed) -> None:
    body = {"settings": {"human_from": {"open": 0.7}}}

    patched = await heed.request("PATCH", "/api/orgs/acme", body, key=ADMIN_KEY)

    human_from = {**DEFAULT.human_from, "open": 0.7}
    assert patched.json["settings"]["human_from"] == human_from
    assert await heed.services.context_loader.thresholds("acme") == replace(DEFAULT, human_from=human_from)


async def test_settings_that_are_sent_back_as_they_were_read_choose_no_probability(heed: Heed) -> None:
    """Cards tell of what is surer than a verdict, unless an organization has chosen otherwise."""
    read = (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json

    answer = await heed.request("PUT", "/api/orgs/acme", {"name": "acme", "settings": read["settings"]}, key=ADMIN_KEY)

    assert answer.status == 200, answer.body
    assert answer.json["settings"] == read["settings"]
    assert (await heed.services.organizations.settings("acme")).human_from == HumanFrom()


async def test_a_patch_of_one_setting_leaves_the_others(heed: Heed) -> None:
    body = {"settings": {"tracking": "consent"}}
    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"raw_days": 7}}, key=ADMIN_KEY)

    patched = await heed.request("PATCH", "/api/orgs/acme", body, key=ADMIN_KEY)

    assert (patched.json["settings"]["tracking"], patched.json["settings"]["raw_days"]) == ("consent", 7)
    assert patched.json["name"] == "acme"


@pytest.mark.parametrize("org", ["ab", "Acme", "1acme", "ac-me", "a" * 33, "acme%2fx", "acme'"])
async def test_a_name_of_another_shape_is_not_there(heed: Heed, org: str) -> None:
    assert (await heed.request("PUT", f"/api/orgs/{org}", {"name": "x"}, key=ADMIN_KEY)).status == 404


@pytest.mark.parametrize(
    ("settings", "loc"),
    [
        ({"tracking": "always"}, ["settings", "tracking"]),
        ({"trakcing": "allow"}, ["settings", "trakcing"]),
        ({"raw_days": 0}, ["settings", "raw_days"]),
        ({"work_hours": {"start": "17:00", "end": "08:00"}}, ["settings", "work_hours"]),
        ({"work_hours": {"start": "25:00"}}, ["settings", "work_hours", "start"]),
    ],
)
async def test_a_wrong_setting_is_named(heed: Heed, settings: object, loc: list[str]) -> None:
    answer = await heed.request("PUT", "/api/orgs/globex", {"name": "x", "settings": settings}, key=ADMIN_KEY)

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == loc
    assert ".".join(loc) in answer.json["detail"]


async def test_if_match_of_an_older_version_changes_nothing(heed: Heed) -> None:
    old = (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json["etag"]
    await heed.request("PATCH", "/api/orgs/acme", {"name": "New"}, key=ADMIN_KEY)

    headers = {"if-match": old}
    late = await heed.request("PATCH", "/api/orgs/acme", {"name": "Late"}, key=ADMIN_KEY, headers=headers)

    assert late.status == 412
    assert (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json["name"] == "New"


async def test_deleting_one_takes_its_keys_and_data_and_leaves_the_others(heed: Heed) -> None:
    other = await heed.organization("globex")

    assert (await heed.request("DELETE", "/api/orgs/globex", key=ADMIN_KEY)).status == 200

    assert (await heed.request("GET", "/api/orgs/globex/users", key=other)).status == 401
    assert (await heed.request("GET", "/api/orgs/globex", key=ADMIN_KEY)).status == 404
    assert (await heed.get("/users/rep1"))["name"] == "Rita Rep"


async def test_a_mail_of_a_deleted_organization_keeps_its_links_and_records_nothing(heed: Heed) -> None:
    await heed.sent()
    link = heed.urls("c")[0]
    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)

    clicked = await heed.hit(link)
    await heed.work()

    assert (clicked.status, clicked.headers["location"]) == (302, "https://example.com/a?b=1&c=2")


async def test_the_administrator_lists_organizations_in_pages(heed: Heed) -> None:
    for name in ("globex", "initech"):
        await heed.organization(name)

    first = await heed.request("GET", "/api/orgs?limit=2", key=ADMIN_KEY)
    second = await heed.request("GET", f"/api/orgs?limit=2&cursor={first.json['next']}", key=ADMIN_KEY)

    shown = [*first.json["items"], *second.json["items"]]
    assert [each["id"] for each in shown] == ["acme", "globex", "initech"]
    assert second.json["next"] is None
    assert shown[0] == (await heed.request("GET", "/api/orgs/acme", key=ADMIN_KEY)).json
    assert (await heed.request("GET", "/api/orgs", key=heed.key)).status == 403


async def test_a_deleted_organization_leaves_nothing_but_the_time_of_its_deletion(heed: Heed) -> None:
    await heed.draft()
    message = await heed.draft(deliver_at="2026-06-04T11:00:00Z")
    await heed.post(f"/messages/{message}/send")
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})

    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)

    left = [each.split()[:3] for each in await everything_in(heed.storage) if "acme" in each and "queue" not in each]
    assert left == [["heedorgs", "acme", "deleted"]]
    while await heed.work():
        pass
    assert (await heed.request("GET", "/api/health")).status == 200


async def test_an_organization_made_again_sees_nothing_of_the_one_before(heed: Heed) -> None:
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})
    message = await heed.sent(to=[{"email": "bob@example.com"}])
    hashed = await heed.services.address_hashes.hash_address("acme", "ada@example.com")
    links = heed.urls("c") + heed.urls("o")
    await heed.request("DELETE", "/api/orgs/acme", key=ADMIN_KEY)

    too_soon = await heed.request("PUT", "/api/orgs/acme", {"name": "Again"}, key=ADMIN_KEY)
    assert too_soon.status == 409
    assert "two minutes" in too_soon.json["detail"]
    heed.clock.move(minutes=2)
    await heed.start()
    for link in links:
        await heed.hit(link)
    await heed.work()

    assert (await heed.get("/consents/ada@example.com"))["history"] == []
    assert await heed.services.address_hashes.hash_address("acme", "ada@example.com") != hashed
    assert (await heed.get("/messages?view=all"))["items"] == []
    assert (await heed.api("GET", f"/messages/{message}")).status == 404
    left = await everything_in(heed.storage)
    assert not [each for each in left if message in each and not each.startswith("queue ")]
