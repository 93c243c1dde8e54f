"""The feed as a CRM reads it: what happens comes once, in order, and adds up to what the message shows."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from lib.storage import Unavailable
from lib.tracking.queue_messages import read_interactions
from lib.verdicts.kpis import LAST_TIMES
from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure
from tests.support.heed import ADMIN_KEY, Heed
from tests.support.inbound import bounce_of, raw_mail, receive
from tests.support.known_subject import EMAIL, LOCAL_PART, SETTINGS, make_known, run_job
from tests.support.remains import remains_of

COUNTS = ("opens", "clicks", "attachment_views", "replies")
CLASSES = ("raw", "machine", "uncertain", "own")


async def feed_of(heed: Heed, query: str = "") -> list[Any]:
    """All events, page by page."""
    found, after = list[Any](), ""
    while True:
        page = await heed.get(f"/events?limit=3{query}{after}")
        found += page["items"]
        after = f"&after={page['next']}"
        if not page["more"]:
            return found


def summed(events: list[Any]) -> dict[str, Any]:
    """The KPIs of a message, as a CRM adds them up."""
    total: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {name: dict.fromkeys(COUNTS[:3], 0) for name in CLASSES}
    total |= dict.fromkeys(LAST_TIMES.values())
    for kpis in (event["kpis"] for event in events if event["kpis"]):
        for name in COUNTS:
            total[name] += kpis[name]
        for name in CLASSES:
            for count in COUNTS[:3]:
                total[name][count] += kpis[name][count]
        total |= {name: kpis[name] for name in LAST_TIMES.values()}
    return total


def types(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


@pytest.fixture
async def heed() -> Heed:
    return await Heed().start()


async def test_an_open_a_click_and_a_reply_are_events_with_their_message_recipient_and_record(heed: Heed) -> None:
    ada = {"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}
    message = await heed.sent(to=[ada])
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    internet_id = (await heed.get(f"/messages/{message}"))["message_id"]
    await receive(heed, raw_mail("Yes.", "ada@example.com", In_Reply_To=internet_id))

    events = await feed_of(heed)

    assert types(events)[0] == "message.sent"
    hits = [event for event in events if event["type"] in ("message.opened", "message.clicked", "message.replied")]
    assert types(hits) == ["message.opened", "message.clicked", "message.replied"]
    assert {(event["message"], event["recipient"], event["record"]["id"]) for event in hits} == {
        (message, "ada@example.com", "c1")
    }
    timeline = (await heed.get(f"/messages/{message}/timeline"))["items"]
    assert {event["event"] for event in hits} == {event["id"] for event in timeline}
    assert hits[0]["verdict"]["from"] is None
    assert hits[0]["verdict"]["to"] == "human"
    assert summed(events) == (await heed.get(f"/messages/{message}"))["kpis"]


async def test_a_verdict_that_goes_backwards_is_an_event_that_takes_the_counts_back(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    [click] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    path = f"/messages/{message}/timeline/{click['id']}/feedback"
    for was in ("machine", "person", "me", None):
        await heed.api("POST", path, {"was": was}, x_heed_user="rep1")

    events = await feed_of(heed)

    moves = [event["verdict"] for event in events if event["type"] == "verdict.changed"]
    assert [(move["from"], move["to"]) for move in moves[:2]] == [("human", "machine"), ("machine", "human")]
    assert summed(events) == (await heed.get(f"/messages/{message}"))["kpis"]
    humans = await feed_of(heed, "&verdict=human")
    assert 0 < len(humans) < len(events)
    assert types(await feed_of(heed, "&kind=verdict.changed")) == ["verdict.changed"] * len(moves)


async def test_a_card_is_told_when_it_comes_and_when_it_is_withdrawn(heed: Heed) -> None:
    message = await heed.sent()
    await heed.hit(heed.urls("c")[0])
    await heed.work()
    heed.clock.move(minutes=2)
    await heed.services.assessor.look_again("acme", message, last=True)
    [card] = (await heed.get("/cards", x_heed_user="rep1"))["items"]
    [click] = (await heed.get(f"/messages/{message}/timeline"))["items"]
    path = f"/messages/{message}/timeline/{click['id']}/feedback"
    await heed.api("POST", path, {"was": "machine"}, x_heed_user="rep1")

    cards = [event for event in await feed_of(heed) if event["card"]]

    assert types(cards) == ["card.created", "card.withdrawn"]
    assert {(each["card"]["id"], each["card"]["kind"], each["card"]["user"]) for each in cards} == {
        (card["id"], "link_clicked", "rep1")
    }


async def test_a_bounce_is_told_with_the_recipient_whom_the_mail_did_not_reach(heed: Heed) -> None:
    message = await heed.sent()
    await receive(heed, await bounce_of(heed, message, "ada@example.com"))

    [bounce] = await feed_of(heed, "&kind=message.bounced")

    assert (bounce["message"], bounce["recipient"]) == (message, "ada@example.com")


async def test_a_recipient_who_says_no_is_told_of_once(heed: Heed) -> None:
    for _ in range(3):
        await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})
    await heed.put("/consents/ada@example.com", {"follow": "allow"})
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})

    stops = await feed_of(heed, "&kind=recipient.stopped")

    assert [event["recipient"] for event in stops] == ["ada@example.com"] * 2
    assert stops[0]["id"] != stops[1]["id"]


async def test_a_page_goes_on_where_the_one_before_ended_while_others_write(heed: Heed) -> None:
    await heed.sent()
    first = await heed.get("/events")
    assert types(first["items"]) == ["message.sent"]
    assert not first["more"]
    await heed.hit(heed.urls("o")[0])
    await heed.work()

    second = await heed.get(f"/events?after={first['next']}")

    assert types(second["items"])[0] == "message.opened"
    third = await heed.get(f"/events?after={second['next']}")
    assert third["items"] == []
    assert (await heed.get(f"/events?after={third['next']}"))["items"] == []


async def test_a_filtered_page_that_shows_nothing_leads_on(heed: Heed) -> None:
    await heed.sent()

    page = await heed.get("/events?kind=message.bounced")

    assert page["items"] == []
    assert (await heed.get(f"/events?after={page['next']}"))["items"] == []


async def test_events_are_kept_for_thirty_days_and_an_older_cursor_is_gone(heed: Heed) -> None:
    await heed.sent()
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    first = await heed.get("/events?limit=1")
    heed.clock.move(days=20)
    await heed.sent()
    assert (await heed.api("GET", f"/events?after={first['next']}")).status == 200
    heed.clock.move(days=12)
    for _ in range(40):  # retention moves on by a day a run
        await heed.tick("remove_old_data")

    answer = await heed.api("GET", f"/events?after={first['next']}")

    assert answer.status == 410
    assert answer.headers["content-type"] == "application/problem+json"
    assert types((await heed.get("/events"))["items"])[0] == "message.sent"


async def test_a_cursor_of_another_list_or_organization_is_refused(heed: Heed) -> None:
    await heed.sent()
    cursor = (await heed.get("/events"))["next"]
    other = await heed.organization("rival")

    assert (await heed.request("GET", f"/api/orgs/rival/events?after={cursor}", key=other)).status == 400
    refused = await heed.api("GET", "/events?after=nonsense")
    assert (refused.status, refused.json["code"]) == (400, "unknown_cursor")


async def test_the_feed_is_for_the_crm_alone(heed: Heed) -> None:
    made = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "inbound"}, key=ADMIN_KEY)
    for key, status in ((ADMIN_KEY, 403), (made.json["key"], 403), ("wrong", 401)):
        assert (await heed.request("GET", "/api/orgs/acme/events", key=key)).status == status
    read = await heed.request("POST", "/api/orgs/acme/keys", {"scope": "read"}, key=ADMIN_KEY)
    assert (await heed.request("GET", "/api/orgs/acme/events", key=read.json["key"])).status == 200


async def test_an_organization_that_counts_without_who_reads_no_recipient() -> None:
    heed = await Heed().start()
    await heed.sent(to=[{"email": "ada@example.com", "record": {"type": "contact", "id": "c1"}}])
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    await heed.put("/consents/ada@example.com", {"follow": "do_not_allow"})
    organization = {"settings": {"tracking": "aggregate"}}
    await heed.request("PATCH", "/api/orgs/acme", organization, key=ADMIN_KEY)
    heed.clock.move(minutes=2)
    await heed.sent(to=[{"email": "bob@example.com", "record": {"type": "contact", "id": "c2"}}])
    await heed.hit(heed.urls("o")[0])
    await heed.work()
    await heed.put("/consents/bob@example.com", {"follow": "do_not_allow"})

    events = await feed_of(heed)

    assert len(events) > 3
    assert not [event for event in events if event["recipient"] or event["record"]]
    stored = [each for each in await remains_of(heed.storage, "bob@example.com") if each.startswith("heedacmefeed")]
    assert stored == []


async def test_an_erasure_reaches_the_feed() -> None:
    heed = await Heed().start(**SETTINGS)
    await make_known(heed)
    await heed.put(f"/consents/{EMAIL}", {"follow": "do_not_allow"})
    assert [event for event in await feed_of(heed) if event["recipient"] == EMAIL]
    assert [each for each in await remains_of(heed.storage, EMAIL) if each.startswith("heedacmefeed")]

    await run_job(heed, "DELETE")

    assert [each for each in await remains_of(heed.storage, EMAIL, LOCAL_PART) if each.startswith("heedacmefeed")] == []
    events = await feed_of(heed)
    assert EMAIL not in json.dumps(events)
    for message in {event["message"] for event in events if event["message"]}:
        answer = await heed.api("GET", f"/messages/{message}")
        if answer.status == 200:
            assert summed([event for event in events if event["message"] == message]) == answer.json["kpis"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_whatever_fails_while_a_hit_is_told_it_is_told_once(when: Any) -> None:
    """Every operation of storage fails once, before or after it was done: the message comes again."""
    failure = Failure()
    number, was_hit = 1, True
    while was_hit:
        heed = await disturbed_heed(failure)
        message = await heed.sent()
        failure.arm(number, when)
        await heed.hit(heed.urls("c")[0])
        with suppress(Unavailable):
            await heed.work()
        was_hit = failure.count >= number
        failure.arm(0, "before")
        await heed.tick("sweep_journal")
        await heed.work()
        await heed.services.assessor.refresh("acme", message)

        events = await feed_of(heed)
        assert types(events).count("message.clicked") == 1, number
        assert summed(events) == (await heed.get(f"/messages/{message}"))["kpis"], number
        number += 4


async def test_an_event_that_was_planned_and_not_written_is_written_by_the_next_look(heed: Heed) -> None:
    message = await heed.sent()
    append = heed.services.feed.append_batch

    async def die(organization: str, batch: Any) -> None:
        raise Unavailable("the process dies before the feed is written")

    heed.services.feed.append_batch = die  # type: ignore[method-assign]
    await heed.hit(heed.urls("c")[0])
    await heed.services.journal.settle()
    sent = heed.storage.queues.take_message("interactions")  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        await heed.services.intake.assess_interactions(read_interactions(json.loads(sent.body)))
    assert types(await feed_of(heed)) == ["message.sent"]
    heed.services.feed.append_batch = append  # type: ignore[method-assign]

    await heed.services.assessor.refresh("acme", message)

    assert types(await feed_of(heed))[:2] == ["message.sent", "message.clicked"]
