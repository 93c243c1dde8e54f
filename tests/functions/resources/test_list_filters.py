"""Filters of the lists of messages and records."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.support.heed import Heed


async def found(heed: Heed, query: str) -> list[str]:
    """The ids of all pages, which may be short."""
    seen, cursor = list[str](), ""
    while True:
        page = await heed.get(f"{query}{cursor}")
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            return seen
        cursor = f"&cursor={page['next']}"


async def subjects(heed: Heed, filters: str) -> list[str]:
    by_id = {each["id"]: each["subject"] for each in (await heed.get("/messages?limit=200"))["items"]}
    return [by_id[each] for each in await found(heed, f"/messages?{filters}")]


@pytest.fixture
async def mails(heed: Heed) -> Heed:
    """Three sent mails, hours apart, a draft and a scheduled mail."""
    await heed.put("/templates/t1", {"name": "T", "language": "en", "subject": "x", "html": "<p>x</p>"})
    await heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    to_ada, to_bob = [{"email": "ada@example.com", "name": "Ada Lovelace"}], [{"email": "bob@example.com"}]
    await heed.sent(subject="Offer one", to=to_ada, template="t1")
    heed.clock.move(hours=1)
    await heed.sent(subject="Offer two", to=to_bob, cc=to_ada)
    heed.clock.move(hours=1)
    await heed.sent(subject="Über uns", to=to_bob, template="t1", **{"from": "rep2"})
    await heed.draft(subject="Draft", to=to_ada)
    scheduled = await heed.draft(subject="Later", to=to_ada, deliver_at="2026-06-01T09:00:00Z")
    await heed.post(f"/messages/{scheduled}/send")
    return heed


@pytest.mark.parametrize(
    ("filters", "subjects_found"),
    [
        ("status=sent", {"Offer one", "Offer two", "Über uns"}),
        ("status=draft", {"Draft"}),
        ("status=scheduled", {"Later"}),
        ("status=received", set()),
        ("q=OFFER", {"Offer one", "Offer two"}),
        ("q=über", {"Über uns"}),
        ("q=two%20offer", {"Offer two"}),
        ("q=lovelace%20one", {"Offer one"}),
        ("q=%25", set()),
        ("template=t1", {"Offer one", "Über uns"}),
        ("template=none", set()),
        ("recipient=ADA@example.com&status=sent", {"Offer one", "Offer two"}),
        ("recipient=ada@example.com&template=t1", {"Offer one"}),
        ("sent_after=2026-05-04T10:30:00Z", {"Offer two", "Über uns"}),
        ("sent_before=2026-05-04T10:30:00Z", {"Offer one"}),
        ("sent_after=2026-05-04T10:30:00Z&sent_before=2026-05-04T13:00:00Z", {"Offer two"}),
        ("owner=rep2&template=t1", {"Über uns"}),
        ("owner=rep2&q=offer", set()),
    ],
)
async def test_filters_combine(mails: Heed, filters: str, subjects_found: set[str]) -> None:
    for sort in ("-sent_at", "sent_at", "subject"):
        shown = await subjects(mails, f"{quote(filters, safe='=&%@')}&sort={sort}&limit=1")
        assert len(shown) == len(subjects_found)
        assert {*shown} == subjects_found, sort


async def test_the_order_is_that_of_the_list(mails: Heed) -> None:
    assert await subjects(mails, "status=sent&sort=subject") == ["Offer one", "Offer two", "Über uns"]
    assert await subjects(mails, "status=sent&sort=-sent_at") == ["Über uns", "Offer two", "Offer one"]


async def test_a_message_is_found_by_its_message_id(mails: Heed) -> None:
    [one] = await found(mails, "/messages?q=one")
    message_id = quote((await mails.get(f"/messages/{one}"))["message_id"], safe="")

    assert await found(mails, f"/messages?message_id={message_id}") == [one]
    assert await found(mails, f"/messages?message_id={message_id}&owner=rep1&template=t1") == [one]
    assert await found(mails, f"/messages?message_id={message_id}&owner=rep2") == []
    assert await found(mails, f"/messages?message_id={message_id}&status=draft") == []
    assert await found(mails, "/messages?message_id=%3Cnone@example.com%3E") == []


async def test_a_search_ends_each_page_after_some_rows_and_goes_on(heed: Heed) -> None:
    for number in range(3):
        await heed.draft(subject=f"wanted {number}")
        for _ in range(400):
            heed.clock.move(seconds=1)
            await heed.draft(subject="other", to=[])
    first = await heed.get("/messages?q=wanted&limit=1")

    assert first["next"] is not None
    assert len(await found(heed, "/messages?q=wanted&limit=1")) == 3


@pytest.mark.parametrize(
    "query",
    [
        "status=sending%20",
        "status=open",
        f"q={'x' * 201}",
        "recipient=nobody",
        "sent_after=yesterday",
        "sent_before=1798761600",
        "template=a%20b",
        "view=scheduled&message_id=x",
        "view=engaged-this-week&q=x",
        "colour=red",
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(heed: Heed, query: str) -> None:
    answer = await heed.api("GET", f"/messages?{query}")

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"][0] == "query"


async def test_a_cursor_belongs_to_its_filters(mails: Heed) -> None:
    page = await mails.get("/messages?status=sent&limit=1")

    for query in ("status=draft", "status=sent&q=x", "message_id=x", ""):
        assert (await mails.api("GET", f"/messages?{query}&cursor={page['next']}")).status == 400


async def test_records_are_found_by_their_parent_and_shown_with_their_engagement(heed: Heed) -> None:
    for each in ("a1", "a2"):
        await heed.put(f"/records/account/{each}", {})
    for number in range(6):
        parent = {"type": "account", "id": f"a{number % 2 + 1}"}
        await heed.put(f"/records/contact/c{number}", {"parent": parent, "emails": [f"c{number % 3}@example.com"]})
    await heed.sent(to=[{"email": "x@example.com", "record": {"type": "contact", "id": "c2"}}])
    await heed.work()

    assert await found(heed, "/records?type=contact&parent=account/a1&limit=2") == ["c0", "c2", "c4"]
    assert await found(heed, "/records?email=c0@example.com&parent=account/a2") == ["c3"]
    assert await found(heed, "/records?type=contact&parent=account/none") == []
    with_engagement = (await heed.get("/records?type=contact&parent=account/a1&include=engagement"))["items"]
    assert [each["engagement"]["messages"] for each in with_engagement] == [0, 1, 0]
    without = (await heed.get("/records?type=contact"))["items"]
    assert {each["engagement"] for each in without} == {None}
    await heed.post("/records/account/a1/merge", {"into": {"type": "account", "id": "a2"}})
    assert await found(heed, "/records?type=contact&parent=account/a2") == [f"c{number}" for number in range(6)]


@pytest.mark.parametrize(
    "query", ["parent=account/a1", "view=engaged-this-week&parent=account/a1", "type=contact&parent=a1", "include=all"]
)
async def test_a_wrong_filter_of_records_is_named(heed: Heed, query: str) -> None:
    assert (await heed.api("GET", f"/records?{query}")).status == 422
