"""Filters of the lists of messages and records."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from lib.lists.filter_rows import FilterRowsState
from lib.storage import Range
from lib.storage.memory import memory_storage
from tests.support.counting import Calls, counting_storage
from tests.support.heed import CHROME, Heed
from tests.support.listed import make_listed


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
    regarding = {"type": "contact", "id": "c1", "name": "C"}
    await heed.sent(subject="Offer two", to=to_bob, cc=to_ada, regarding=regarding)
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
        ("owner=rep1&recipient=ada@example.com&view=scheduled", {"Later"}),
        ("owner=rep2&recipient=ada@example.com", set()),
        ("view=followed&template=t1", {"Offer one", "Über uns"}),
        ("view=scheduled&template=t1", set()),
        ("record=contact/c1&recipient=bob@example.com", {"Offer two"}),
        ("record=contact/c1&status=sent", {"Offer two"}),
        ("updated_since=2026-05-04T10:30:00Z&owner=rep1&status=sent", {"Offer two"}),
    ],
)
async def test_filters_combine(mails: Heed, filters: str, subjects_found: set[str]) -> None:
    for sort in ("-sent_at", "sent_at", "subject", "updated_at", "-updated_at"):
        shown = await subjects(mails, f"{quote(filters, safe='=&%@')}&sort={sort}&limit=1")
        assert len(shown) == len(subjects_found)
        assert {*shown} == subjects_found, sort


async def test_the_order_is_that_of_the_list(mails: Heed) -> None:
    assert await subjects(mails, "status=sent&sort=subject") == ["Offer one", "Offer two", "Über uns"]
    assert await subjects(mails, "status=sent&sort=-sent_at") == ["Über uns", "Offer two", "Offer one"]


@pytest.mark.parametrize(
    "query", ["recipient=ada@example.com", "template=t1", "status=failed", "status=failed&owner=rep1&q=wanted"]
)
async def test_a_page_by_what_has_an_index_is_full_behind_any_number_of_others(query: str) -> None:
    calls = Calls()
    heed = await Heed(storage=counting_storage(memory_storage(), calls)).start()
    await heed.put("/templates/t1", {"name": "T", "language": "en", "subject": "x", "html": "<p>x</p>"})
    for number in range(2):
        heed.clock.move(minutes=1)
        wanted = await heed.draft(subject=f"wanted {number}", to=[{"email": "Ada@example.com"}], template="t1")
        loaded = await heed.services.messages.load("acme", wanted)
        assert loaded
        await heed.services.messages.change("acme", loaded.message.model_copy(update={"state": "failed"}), loaded.etag)
        await heed.services.assessor.refresh("acme", wanted)
        for each in range(60):
            other = make_listed(number * 1000 + each, subject="other", sent_at=heed.clock.now())
            await heed.services.lists.enter_message("acme", other, [])
    await heed.services.filter_rows.save_state("acme", FilterRowsState(found_at=heed.clock.now(), whole=True))
    await heed.get(f"/messages?{query}")
    calls.reset()

    page = await heed.get(f"/messages?{query}&limit=2")

    assert [each["subject"] for each in page["items"]] == ["wanted 1", "wanted 0"]
    assert page["next"] is None
    assert calls.reads["index"] == 1


async def test_a_list_of_what_has_changed_ends_where_nothing_has(mails: Heed) -> None:
    [one] = await found(mails, "/messages?q=one")
    mails.clock.move(hours=3)
    since = mails.clock.now().isoformat().replace("+00:00", "Z")
    await mails.hit(mails.urls("o", 0)[0])
    await mails.work()

    for sort in ("updated_at", "-updated_at"):
        page = await mails.get(f"/messages?updated_since={since}&sort={sort}")
        assert [each["id"] for each in page["items"]] == [one]
        assert page["next"] is None
        assert page["items"][0]["updated_at"].startswith(since[:-1])
    assert (await mails.get(f"/messages/{one}"))["updated_at"] == page["items"][0]["updated_at"]


async def test_every_message_is_on_the_pages_of_changes_once(mails: Heed) -> None:
    changed_at = {each["id"]: each["updated_at"] for each in (await mails.get("/messages?limit=200"))["items"]}
    assert len({*changed_at.values()}) > 2

    for sort in ("updated_at", "-updated_at"):
        walked = await found(mails, f"/messages?sort={sort}&limit=2")
        assert sorted(walked) == sorted(changed_at)
        times = [changed_at[each] for each in walked]
        assert times == sorted(times, reverse=sort == "-updated_at")


async def test_what_people_read_last_comes_first_whether_they_opened_or_clicked(mails: Heed) -> None:
    offers = await found(mails, "/messages?q=offer&sort=sent_at")
    await mails.hit(mails.urls("o", 0)[0])
    await mails.work()
    mails.clock.move(minutes=5)
    await mails.hit(mails.urls("c", 1)[0], CHROME, x_forwarded_for="203.0.113.7")
    await mails.work()
    mails.clock.move(minutes=1)
    for message in offers:
        await mails.services.assessor.refresh("acme", message)

    assert await found(mails, "/messages?sort=-last_read_at") == [*reversed(offers)]
    assert await found(mails, "/messages?sort=-last_read_at&owner=rep1&limit=1") == [*reversed(offers)]
    assert await found(mails, "/messages?sort=-last_read_at&owner=rep2") == []
    clicked = (await mails.get(f"/messages/{offers[1]}"))["kpis"]
    assert (clicked["opens"], clicked["last_opened_at"]) == (0, None)
    assert clicked["last_clicked_at"]


async def test_an_organization_without_messages_has_every_order(heed: Heed) -> None:
    assert (await heed.get("/messages?sort=-updated_at"))["items"] == []


async def test_an_erased_address_leaves_the_index_of_addresses(mails: Heed) -> None:
    hashed = await mails.services.address_hashes.hash_address("acme", "ada@example.com")
    assert len(await found(mails, "/messages?recipient=ada@example.com")) == 4

    assert (await mails.api("DELETE", "/subjects/ada@example.com")).status in (200, 202)
    await mails.work()

    assert await found(mails, "/messages?recipient=ada@example.com") == []
    rows = [row async for row in mails.storage.tables.query("heedacmeindex", Range())]
    assert [row for row in rows if hashed in f"{row.partition} {row.key} {dict(row.values)}"] == []


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


@pytest.mark.parametrize("words", ["x" * 200, "~ " * 100, "ß" * 200, "%00", "%ED%A0%80", "(a+)+$", "' or 1 eq 1"])
async def test_any_words_are_searched_for_as_they_are_or_refused(mails: Heed, words: str) -> None:
    answer = await mails.api("GET", f"/messages?q={quote(words, safe='%')}")

    assert answer.status in (200, 400, 422)
    assert answer.status != 200 or answer.json["items"] == []


async def test_a_query_that_is_far_too_long_is_refused(mails: Heed) -> None:
    assert (await mails.api("GET", f"/messages?q={'a' * 100_000}")).status == 422


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
