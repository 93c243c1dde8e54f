"""What people made of the mail to a record, as the API tells it: from the pixel to the record and its account."""

from __future__ import annotations

from typing import Any

import pytest

from lib.clock import rfc3339
from tests.support.heed import START, Heed

NOTHING = {
    "messages": 0,
    "opens": 0,
    "clicks": 0,
    "attachment_views": 0,
    "replies": 0,
    "last_sent_at": None,
    "last_opened_at": None,
    "last_clicked_at": None,
    "last_attachment_view_at": None,
    "last_replied_at": None,
    "score": 0.0,
    "score_parts": {"opens": 0.0, "clicks": 0.0, "attachment_views": 0.0, "replies": 0.0},
}


def to(*records: str) -> list[dict[str, Any]]:
    """Recipients, each with a record, as in `contact/c1`."""
    return [
        {"email": f"r{number}@example.com", "record": {"type": name.split("/")[0], "id": name.split("/")[1]}}
        for number, name in enumerate(records)
    ]


async def read(heed: Heed, kind: str, times: int = 1) -> None:
    """Somebody reads the last mail, some hours after it was sent: `o` opens it, `c` clicks."""
    for _ in range(times):
        heed.clock.move(hours=3)
        await heed.hit(heed.urls(kind)[0])
    await heed.work()


async def engagement(heed: Heed, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await heed.get(f"/records/{name}"))["engagement"]
    return found


async def listed(heed: Heed, query: str = "") -> list[str]:
    """The engaged records, by score."""
    items = (await heed.get(f"/records?view=engaged-this-week{query}"))["items"]
    return [f"{item['type']}/{item['id']}" for item in items]


async def test_a_record_without_mail_has_no_engagement(heed: Heed) -> None:
    put = await heed.put("/records/contact/c1", {"name": "Ada"})

    assert put["engagement"] == await engagement(heed, "contact/c1") == NOTHING


async def test_an_open_counts_for_the_recipients_record_its_account_and_what_the_mail_is_about(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "parent": {"type": "account", "id": "a1"}})
    for name in ("account/a1", "opportunity/o1", "contact/c2"):
        await heed.put(f"/records/{name}", {})
    await heed.sent(to=to("contact/c1"), regarding={"type": "opportunity", "id": "o1"})

    await read(heed, "o", 2)

    for name in ("contact/c1", "account/a1", "opportunity/o1"):
        found = await engagement(heed, name)
        assert (found["messages"], found["opens"], found["last_sent_at"]) == (1, 2, rfc3339(START))
        assert found["last_opened_at"] == rfc3339(heed.clock.now())
        assert found["score"] == pytest.approx(2, abs=0.01)
    assert await engagement(heed, "contact/c2") == NOTHING


async def test_machines_do_not_count(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})
    await heed.sent(to=to("contact/c1"))
    heed.clock.move(hours=3)

    await heed.hit(heed.urls("o")[0], agent="curl/8.5")
    await heed.work()

    found = await engagement(heed, "contact/c1")
    assert (found["messages"], found["opens"], found["score"]) == (1, 0, 0)


async def test_new_weights_hold_at_once_and_old_events_fade(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})
    await heed.sent(to=to("contact/c1"))
    await read(heed, "c")
    assert (await engagement(heed, "contact/c1"))["score"] == 5
    parts = (await engagement(heed, "contact/c1"))["score_parts"]
    assert (parts["clicks"], sum(parts.values())) == (5, 5)

    await heed.start(score={"open": 0, "click": 8})
    assert (await engagement(heed, "contact/c1"))["score"] == 8
    heed.clock.move(days=60)
    assert (await engagement(heed, "contact/c1"))["score"] == 2


async def test_an_organization_without_engagement_sees_none(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})
    await heed.sent(to=to("contact/c1"))
    await read(heed, "c")
    assert await listed(heed) == ["contact/c1"]

    await heed.start(engagement_enabled=False)

    assert await engagement(heed, "contact/c1") == NOTHING
    assert await listed(heed) == []


async def test_a_contact_that_changes_its_account_takes_its_mail_along(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"parent": {"type": "account", "id": "a1"}})
    for name in ("account/a1", "account/a2"):
        await heed.put(f"/records/{name}", {})
    await heed.sent(to=to("contact/c1"))
    await read(heed, "o")

    patched = await heed.api("PATCH", "/records/contact/c1", {"parent": {"type": "account", "id": "a2"}})
    await heed.work()

    assert patched.json["engagement"]["opens"] == (await engagement(heed, "account/a2"))["opens"] == 1
    assert (await engagement(heed, "account/a1"))["messages"] == 0


async def test_engaged_records_are_listed_with_their_engagement_by_score(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {"name": "Ada", "parent": {"type": "account", "id": "a1"}})
    await heed.put("/records/account/a1", {"name": "Acme"})
    await heed.put("/records/lead/l1", {"name": "Lead"})
    await heed.put("/records/lead/l2", {"name": "Quiet"})
    await heed.sent(to=to("lead/l2"))
    await read(heed, "o")
    await heed.sent(to=to("lead/l1"))
    await read(heed, "o", 2)
    await heed.sent(to=to("contact/c1"))
    await read(heed, "c")

    items = (await heed.get("/records?view=engaged-this-week"))["items"]

    assert [(item["type"], item["name"]) for item in items] == [
        ("account", "Acme"),
        ("contact", "Ada"),
        ("lead", "Lead"),
    ]
    for item in items:
        assert item == await heed.get(f"/records/{item['type']}/{item['id']}")
    assert await listed(heed, "&type=lead") == ["lead/l1"]
    heed.clock.move(days=8)
    assert await listed(heed) == []


async def test_engaged_records_come_in_pages(heed: Heed) -> None:
    for number in range(5):
        await heed.put(f"/records/contact/c{number}", {})
    await heed.sent(to=to(*(f"contact/c{number}" for number in range(5))))
    await read(heed, "c")

    seen, path = [], "/records?view=engaged-this-week&limit=2"
    while True:
        page = await heed.get(path)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        path = f"/records?view=engaged-this-week&limit=2&cursor={page['next']}"

    assert seen == ["c0", "c1", "c2", "c3", "c4"]


async def test_the_timer_clears_the_list(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})
    await heed.sent(to=to("contact/c1"))
    await read(heed, "c")
    heed.clock.move(days=8)

    await heed.tick("tidy_engaged_records")

    rows = heed.storage.tables.query("heedacmeindex", "records|engaged")
    assert [row.key async for row in rows if row.key.startswith("v|")] == []
    assert (await engagement(heed, "contact/c1"))["clicks"] == 1


async def test_a_type_or_a_view_must_be_named(heed: Heed) -> None:
    nothing = await heed.api("GET", "/records")
    unknown = await heed.api("GET", "/records?view=engaged-last-year")

    assert (nothing.status, nothing.json["errors"][0]["loc"]) == (422, ["query", "type"])
    assert (unknown.status, unknown.json["errors"][0]["loc"]) == (422, ["query", "view"])


async def test_a_list_by_type_tells_of_no_engagement(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})

    [item] = (await heed.get("/records?type=contact"))["items"]

    assert item["engagement"] is None


async def test_another_organization_sees_nothing_of_it(heed: Heed) -> None:
    await heed.put("/records/contact/c1", {})
    await heed.sent(to=to("contact/c1"))
    await read(heed, "c")

    other = await heed.organization("other")
    await heed.request("PUT", "/api/orgs/other/records/contact/c1", {}, key=other)
    found = await heed.request("GET", "/api/orgs/other/records/contact/c1", key=other)
    view = await heed.request("GET", "/api/orgs/other/records?view=engaged-this-week", key=other)

    assert (found.json["engagement"], view.json["items"]) == (NOTHING, [])
