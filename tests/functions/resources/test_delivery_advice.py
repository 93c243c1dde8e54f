"""Delivery advice through the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lib.organizations.settings import WorkHours
from lib.send_time.advice import advise
from lib.send_time.places import Place
from lib.send_time.reading import EarlierAct, EarlierMail
from tests.support.heed import CHROME, Heed

ADA = {"email": "ada@example.com", "name": "Ada", "record": {"type": "contact", "id": "c1"}}
BOB = {"email": "bob@example.com", "name": "Bob", "record": {"type": "contact", "id": "c2"}}
MONDAY_AT_7 = datetime(2026, 4, 6, 5, 0, tzinfo=UTC)
"""In Vienna."""
SUNDAY = "2026-05-02T21:40:00Z"


async def to_ada(heed: Heed, **record: Any) -> str:
    """A draft to Ada, whose record is this; its id."""
    await heed.put("/records/contact/c1", record)
    return await heed.draft(to=[ADA])


async def advice(heed: Heed, message: str, now: str | None = SUNDAY) -> Any:
    return await heed.get(f"/messages/{message}/delivery-advice" + (f"?now={now}" if now else ""))


async def mails_opened_at_seven(
    heed: Heed, count: int, agent: str = CHROME, *, hours: float = 20, scanned: bool = False, **fields: Any
) -> None:
    """One each day, opened five minutes after seven in Vienna; it was sent so many hours before."""
    for day in range(count):
        opened_at = MONDAY_AT_7 + timedelta(days=day, minutes=5)
        move_to(heed, opened_at - timedelta(hours=hours))
        message = await heed.draft(**{"to": [ADA], **fields})
        await heed.post(f"/messages/{message}/send")
        await heed.work()
        if scanned:
            heed.clock.move(minutes=20)
            await heed.hit(heed.urls("o")[0], "curl/8.5")
        move_to(heed, opened_at)
        await heed.hit(heed.urls("o")[0], agent)
        await heed.work()


def move_to(heed: Heed, at: datetime) -> None:
    heed.clock.move(seconds=(at - heed.clock.now()).total_seconds())


async def test_it_suggests_when_office_hours_begin_where_the_recipient_is(heed: Heed) -> None:
    await heed.put("/users/rep1", {"email": "rep@acme.example", "opt_in": True, "time_zone": "Europe/Vienna"})
    message = await to_ada(heed, time_zone="Asia/Kolkata")

    assert await advice(heed, message) == {
        "suggested_at": "2026-05-04T02:30:00.000Z",
        "local_time": "2026-05-04T08:00:00.000+05:30",
        "time_zone": "Asia/Kolkata",
        "sender_local_time": "2026-05-04T04:30:00.000+02:00",
        "sender_time_zone": "Europe/Vienna",
        "because": (
            "It is 3:10 on Sunday in Kolkata; office hours begin there on Monday at 8:00, which is 4:30 for you."
        ),
        "confidence": 0.7,
    }


async def test_without_a_time_it_advises_for_now(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Asia/Kolkata")

    answer = await advice(heed, message, None)

    assert answer["suggested_at"] == "2026-05-04T09:30:00.000Z"
    assert "It is 15:00 on Monday in Kolkata (9:30 for you), within office hours" in answer["because"]


async def test_the_address_will_do_and_the_city_is_named(heed: Heed) -> None:
    message = await to_ada(heed, address={"city": "Graz", "country": "Austria"})

    answer = await advice(heed, message)

    assert (answer["time_zone"], answer["suggested_at"]) == ("Europe/Vienna", "2026-05-04T06:00:00.000Z")
    assert "in Graz" in answer["because"]
    assert answer["confidence"] == 0.66


async def test_work_hours_are_the_organizations(heed: Heed) -> None:
    hours = {"days": [7, 1, 2, 3, 4], "start": "09:30", "end": "18:00"}
    await heed.organization("acme", work_hours=hours)
    message = await to_ada(heed, time_zone="Asia/Kolkata")

    assert (await advice(heed, message))["local_time"] == "2026-05-03T09:30:00.000+05:30"


@pytest.mark.parametrize(
    ("zone", "now", "local"),
    [
        ("Asia/Riyadh", "2027-01-01T06:00:00Z", "2027-01-03T08:00:00.000+03:00"),  # Friday; Sunday
        ("Asia/Tel_Aviv", "2027-01-03T07:00:00Z", "2027-01-03T09:00:00.000+02:00"),  # Sunday, in working time
        ("Asia/Jerusalem", "2027-01-01T07:00:00Z", "2027-01-03T08:00:00.000+02:00"),
        ("Asia/Dubai", "2027-01-08T06:00:00Z", "2027-01-08T10:00:00.000+04:00"),  # Friday, in working time
    ],
)
async def test_the_weekend_is_that_of_the_recipient_s_country(heed: Heed, zone: str, now: str, local: str) -> None:
    message = await to_ada(heed, time_zone=zone)

    assert (await advice(heed, message, now))["local_time"] == local


async def test_days_that_the_organization_sets_go_before_those_of_the_country(heed: Heed) -> None:
    await heed.organization("acme", work_hours={"days": [1, 2, 3, 4, 5]})
    message = await to_ada(heed, time_zone="Asia/Riyadh")

    assert (await advice(heed, message, "2027-01-01T06:00:00Z"))["local_time"] == "2027-01-01T09:00:00.000+03:00"


async def test_a_zone_by_its_former_name_keeps_its_country_s_holidays(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Asia/Calcutta")

    answer = await advice(heed, message, "2027-01-26T05:00:00Z")

    assert answer["local_time"] == "2027-01-27T08:00:00.000+05:30"
    assert "Republic Day" in answer["because"]


async def test_a_public_holiday_there_is_passed_over_and_named(heed: Heed) -> None:
    message = await to_ada(heed, address={"city": "Boston", "region": "MA", "country": "US"})

    answer = await advice(heed, message, "2026-11-26T14:10:00Z")

    assert answer["local_time"] == "2026-11-27T08:00:00.000-05:00"
    assert "Thanksgiving" in answer["because"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": [ADA, BOB]}, "several recipients"),
        ({"to": [ADA], "bcc": [BOB]}, "several recipients"),
        ({"to": []}, "no recipient yet"),
        ({"to": [{"email": "ada@example.com"}]}, "not linked to a record"),
        ({"to": [{**ADA, "record": {"type": "contact", "id": "gone"}}]}, "not linked to a record"),
        ({"to": [BOB]}, "neither a time zone nor an address"),
    ],
)
async def test_without_one_recipient_at_a_known_place_it_says_why(heed: Heed, fields: Any, said: str) -> None:
    await heed.put("/records/contact/c1", {"time_zone": "Asia/Kolkata"})
    await heed.put("/records/contact/c2", {"name": "Bob"})
    message = await heed.draft(**fields)

    answer = await advice(heed, message)

    assert (answer["suggested_at"], answer["local_time"], answer["time_zone"]) == (None, None, None)
    assert answer["confidence"] == 0
    assert said in answer["because"]


async def test_a_city_that_nobody_knows_is_named(heed: Heed) -> None:
    message = await to_ada(heed, address={"city": "Hintertupfing"})

    assert "No place called Hintertupfing is known" in (await advice(heed, message))["because"]


@pytest.mark.parametrize(
    "now",
    [
        *("yesterday", "2026-05-04T09:30:00", "1777887000", "2026-05-04"),
        *("0001-01-01T00:00:00%2B14:00", "1999-12-31T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z"),
    ],
)
async def test_a_wrong_time_is_named(heed: Heed, now: str) -> None:
    message = await to_ada(heed, time_zone="Asia/Kolkata")

    answer = await heed.api("GET", f"/messages/{message}/delivery-advice?now={now}")

    assert answer.status == 422
    assert answer.json["errors"][0]["loc"] == ["query", "now"]


async def test_a_message_that_is_not_there_gets_no_advice(heed: Heed) -> None:
    assert (await heed.api("GET", f"/messages/{'0' * 32}/delivery-advice")).status == 404


async def test_enough_mails_opened_early_bring_the_advice_forward(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 12)

    answer = await advice(heed, message, "2026-05-06T20:00:00Z")

    assert answer["local_time"] == "2026-05-07T07:00:00.000+02:00"
    assert "By the 12 mails" in answer["because"]
    assert answer["confidence"] >= 0.9


async def test_four_mails_are_too_few(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 4)

    assert (await advice(heed, message, "2026-05-06T20:00:00Z"))["local_time"] == "2026-05-07T08:00:00.000+02:00"


async def test_opens_by_machines_are_no_habit(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 12, "curl/8.5")

    assert (await advice(heed, message, "2026-05-06T20:00:00Z"))["local_time"] == "2026-05-07T08:00:00.000+02:00"


async def test_of_a_mail_that_a_machine_opened_first_the_persons_open_counts(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 12, scanned=True)

    assert (await advice(heed, message, "2026-05-06T20:00:00Z"))["local_time"] == "2026-05-07T07:00:00.000+02:00"


async def test_mail_that_is_read_when_it_comes_is_no_habit(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 12, hours=0.5)

    assert (await advice(heed, message, "2026-05-06T20:00:00Z"))["local_time"] == "2026-05-07T08:00:00.000+02:00"


async def test_the_advice_is_that_of_the_pure_function(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 8)
    opened = [datetime(2026, 4, 6 + day, 7, 5) for day in range(8)]  # noqa: DTZ001

    answer = await advice(heed, message, "2026-05-06T20:00:00Z")

    pure = advise(
        Place("Europe/Vienna", "Vienna", "AT", None, 1.0),
        WorkHours(),
        "UTC",
        [EarlierMail(at - timedelta(hours=20), [EarlierAct("open", at, 0.95)]) for at in opened],
        datetime(2026, 5, 6, 20, 0, tzinfo=UTC),
    )
    assert (answer["because"], answer["confidence"]) == (pure.because, pure.confidence)
    assert datetime.fromisoformat(answer["suggested_at"]) == pure.suggested_at
    assert "By the 8 mails" in answer["because"]


async def test_it_returns_when_verdicts_change_and_change_back(heed: Heed) -> None:
    await heed.put("/users/rep1", {"email": "rep@acme.example", "opt_in": True, "time_zone": "Europe/Vienna"})
    message = await to_ada(heed, time_zone="Europe/Vienna")
    now = "2026-05-06T20:00:00Z"
    before = await advice(heed, message, now)
    await mails_opened_at_seven(heed, 8)
    by_habit = await advice(heed, message, now)

    await say_who_it_was(heed, "me")
    taken_back = await advice(heed, message, now)
    await say_who_it_was(heed, "person")

    assert "By the 8 mails" in by_habit["because"]
    assert taken_back == before
    assert (await advice(heed, message, now)) == by_habit


async def say_who_it_was(heed: Heed, was: str) -> None:
    for each in (await heed.get("/messages?limit=50"))["items"]:
        for event in (await heed.get(f"/messages/{each['id']}/timeline"))["items"]:
            path = f"/messages/{each['id']}/timeline/{event['id']}/feedback"
            await heed.api("POST", path, {"was": was}, x_heed_user="rep1")
    await heed.work()


async def test_lists_tell_when_mail_was_read_and_those_of_before_are_read_from_its_facts(
    heed: Heed, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    await mails_opened_at_seven(heed, 8, scanned=True)
    monkeypatch.setattr("lib.send_time.advisor._MOST_FACTS", 2)
    by_lists = await advice(heed, message, "2026-05-06T20:00:00Z")

    await list_as_before(heed, monkeypatch)

    # Of a mail with more events than are read, it is not known when it was first read.
    too_many = await advice(heed, message, "2026-05-06T20:00:00Z")
    monkeypatch.undo()
    by_facts = await advice(heed, message, "2026-05-06T20:00:00Z")
    assert by_lists["local_time"] == by_facts["local_time"] == "2026-05-07T07:00:00.000+02:00"
    assert too_many["local_time"] == "2026-05-07T08:00:00.000+02:00"


async def list_as_before(heed: Heed, monkeypatch: pytest.MonkeyPatch) -> None:
    """List all messages as earlier releases have: without the times at which people did something."""
    monkeypatch.setattr("lib.lists.follower.acts_of", lambda assessed: None)
    for each in (await heed.get("/messages?limit=50"))["items"]:
        await heed.services.assessor.refresh("acme", each["id"])


async def test_what_somebody_else_opened_is_not_the_recipients_habit(heed: Heed) -> None:
    message = await to_ada(heed, time_zone="Europe/Vienna")
    about_ada: dict[str, Any] = {"regarding": {"type": "contact", "id": "c1"}}
    await heed.put("/records/contact/c2", {"time_zone": "Europe/Vienna"})
    await mails_opened_at_seven(heed, 12, to=[BOB], **about_ada)

    assert (await advice(heed, message, "2026-05-06T20:00:00Z"))["local_time"] == "2026-05-07T08:00:00.000+02:00"


async def test_with_a_key_azure_maps_is_asked_and_without_an_answer_the_data_at_hand() -> None:
    answers: list[Any] = [
        {"results": [{"address": {"countryCode": "AT"}, "position": {"lat": 47.0, "lon": 15.4}}]},
        {"TimeZones": [{"Id": "Europe/Vienna"}]},
    ]

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["subscription-key"] == "secret"
        return web.json_response(answers.pop(0)) if answers else web.Response(status=500)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with TestServer(application) as server:
        url = str(server.make_url("/"))
        heed = await Heed(settings={"HEED_MAPS_KEY": "secret", "HEED_MAPS_URL": url}).start()
        message = await to_ada(heed, address={"city": "Hintertupfing"})

        by_maps = await advice(heed, message)
        by_data = await advice(heed, message)

    assert by_maps["time_zone"] == "Europe/Vienna"
    assert "in Hintertupfing" in by_maps["because"]
    assert by_data["time_zone"] is None
