"""A record's activities."""

from __future__ import annotations

from tests.support.cards import RECORD, act, cards, opened
from tests.support.heed import Heed


async def test_messages_and_calls_are_listed_newest_first_and_in_pages(heed: Heed) -> None:
    first = await opened(heed, subject="First")
    [card] = await cards(heed)
    heed.clock.move(minutes=5)
    await act(heed, card["id"], "call")
    heed.clock.move(minutes=5)
    second = await heed.draft(subject="Second", to=[{"email": "ada@example.com", "record": RECORD}])

    whole = (await heed.get("/records/contact/c1/activities"))["items"]
    seen, path = [], "/records/contact/c1/activities?limit=1"
    while True:
        page = await heed.get(path)
        seen += page["items"]
        if page["next"] is None:
            break
        path = f"/records/contact/c1/activities?limit=1&cursor={page['next']}"

    assert seen == whole
    assert [(each["kind"], each["message"]) for each in whole] == [
        ("message", second),
        ("call", first),
        ("message", first),
    ]
    assert [each["status_text"] for each in whole] == ["Draft", None, "Last opened today"]


async def test_a_sent_message_tells_what_people_did_with_it(heed: Heed) -> None:
    await opened(heed, subject="Followed")
    record = {"email": "ada@example.com", "record": RECORD}
    unfollowed = await heed.draft(subject="Not followed", to=[record], follow=False)
    await heed.post(f"/messages/{unfollowed}/send")
    await heed.work()
    heed.clock.move(minutes=5)
    await heed.draft(subject="Draft", to=[record])

    items = {each["title"]: each for each in (await heed.get("/records/contact/c1/activities"))["items"]}

    assert (items["Followed"]["followed"], items["Followed"]["kpis"]["opens"]) == (True, 1)
    assert (items["Not followed"]["followed"], items["Not followed"]["kpis"]["opens"]) == (False, 0)
    assert (items["Draft"]["followed"], items["Draft"]["kpis"]) == (None, None)


async def test_another_records_activities_are_its_own(heed: Heed) -> None:
    await opened(heed)

    assert (await heed.get("/records/contact/c2/activities"))["items"] == []
