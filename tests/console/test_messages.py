"""The list of messages: views, orders, filters in the address, and CSV."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from tests.console.site import Visitor, sealed
from tests.console.world import World
from tests.support.heed import ADMIN_KEY, Response


def subjects(page: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'<th scope="row"><a [^>]+>([^<]*)</a>', page)]


async def test_views_hold_what_they_say(rita: Visitor) -> None:
    assert subjects(await rita.page("messages?view=scheduled")) == ["Prices for next year"]
    assert "Draft for Bob" in subjects(await rita.page("messages?view=all"))
    assert "Draft for Bob" not in subjects(await rita.page("messages"))
    assert "Re: Your offer, as discussed" in subjects(await rita.page("messages?view=received"))


async def test_a_column_sorts_by_a_link(rita: Visitor) -> None:
    page = await rita.page("messages")
    by_opens = html.unescape(re.findall(r'href="/console/(messages\?[^"]*sort=-opens[^"]*)"', page)[0])

    page = await rita.page(by_opens)

    assert subjects(page)[0] == "Your offer, as discussed"
    assert 'aria-sort="descending"' in page
    assert "sort=opens" in page  # the next click turns the order round


async def test_filters_stand_in_the_address_and_stay_in_the_form(rita: Visitor) -> None:
    typed = {"view": "all", "q": "notes", "recipient": "Eve@contoso.example", "sent_after": "2026-05-01"}
    location = (await rita.post("messages", typed)).headers["location"]

    assert location.startswith("/console/messages?view=all&q=k1")
    assert "notes" not in location
    page = await rita.page(location.removeprefix("/console/"))

    assert subjects(page) == ["Notes of our call on Friday"]
    assert 'value="notes"' in page
    assert 'value="Eve@contoso.example"' in page
    assert 'value="2026-05-01"' in page
    assert 'name="view" value="all"' in page


async def test_each_row_says_what_became_of_the_mail(rita: Visitor) -> None:
    page = await rita.page("messages")

    for said in ("Answered today", "Not yet opened", "Opened only by a mail scanner", "Could not be delivered"):
        assert said in page


async def test_more_messages_are_behind_a_link(world: World, rita: Visitor) -> None:
    for number in range(60):
        await world.heed.draft(subject=f"Draft {number:02}")
    page = await rita.page("messages?view=all&status=draft&sort=subject")
    assert len(subjects(page)) == 50
    more = html.unescape(re.findall(r'href="/console/(messages\?[^"]+)" data-more="list"', page)[0])

    assert subjects(await rita.page(more))[0] == "Draft 50"


async def test_csv_has_what_the_filters_leave(rita: Visitor) -> None:
    answer = await rita.get(f"messages?view=all&q={sealed(rita.heed, 'notes')}&format=csv")

    assert answer.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")))
    assert row["subject"] == "Notes of our call on Friday"


async def test_a_wrong_filter_is_named(rita: Visitor) -> None:
    answer = await rita.get(f"messages?recipient={sealed(rita.heed, 'nobody')}")

    assert answer.status == 422
    assert "recipient" in answer.body.decode()


async def test_words_of_a_search_have_a_bound(rita: Visitor) -> None:
    longest = await rita.post("messages", {"q": "\N{GRINNING FACE}" * 200})
    assert "Nothing fits" in await rita.page(longest.headers["location"].removeprefix("/console/"))
    assert (await rita.post("messages", {"q": "x" * 3_001})).status == 422


async def test_mine_are_those_of_the_user_alone(world: World, rita: Visitor) -> None:
    await world.heed.put("/users/rep2", {"email": "two@acme.example", "name": "Tom", "opt_in": True})
    await world.heed.draft(**{"from": "rep2"}, subject="Of Tom")

    assert "Of Tom" not in subjects(await rita.page("messages?view=all"))
    assert "Of Tom" in subjects(await rita.page("messages?view=all&whose=all"))


async def test_where_people_see_their_own_mail_there_is_no_way_to_others(world: World, rita: Visitor) -> None:
    heed = world.heed
    await heed.put("/users/rep2", {"email": "two@acme.example", "name": "Tom", "opt_in": True})
    toms = await heed.draft(**{"from": "rep2"}, subject="Of Tom")
    assert "Everybody’s" in await rita.page("messages")

    await heed.request("PATCH", "/api/orgs/acme", {"settings": {"people_see": "own_mail"}}, key=ADMIN_KEY)

    page = await rita.page("messages?view=all&whose=all")
    assert "Draft for Bob" in subjects(page)
    assert "Of Tom" not in subjects(page)
    assert "Everybody’s" not in page
    assert (await rita.get(f"messages/{toms}")).status == 404


def rows_of(answer: Response) -> list[list[str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))


async def test_a_file_holds_all_rows_of_the_list(rita: Visitor) -> None:
    for number in range(205):
        await rita.heed.draft(subject=f"=Offer {number:03}", to=[{"email": "x@example.com", "name": "+1 x"}])

    filters = f"view=all&q={sealed(rita.heed, 'offer')}&status=draft&sort=subject"
    head, *rows = rows_of(await rita.get(f"messages?{filters}&format=csv"))

    assert [row[head.index("subject")] for row in rows] == [f"'=Offer {number:03}" for number in range(205)]
    assert {len(row) for row in rows} == {len(head)}


async def test_a_file_that_is_cut_says_so(rita: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.console.downloads.MOST_ROWS", 4)
    monkeypatch.setattr("functions.console.downloads._PAGE", 2)

    whole = rows_of(await rita.get("people?format=csv"))
    cut = rows_of(await rita.get("messages?view=all&format=csv"))

    assert len(whole) == 3
    assert len(cut) == 6
    assert cut[-1] == ["Only the first 4 rows are here: narrow the list down to get the others."]
