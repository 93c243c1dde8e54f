"""The list of records that people have engaged with in the last 7 days, by score."""

from __future__ import annotations

import pytest

from lib.organizations.registry import OrganizationSpec
from lib.storage import Row, Upsert
from tests.support.engaging import Office, fact, judged, ref

HOUR = 60 * 60_000
DAY = 24 * HOUR


@pytest.fixture
async def office() -> Office:
    return await Office().open()


async def drew(office: Office, name: str, kind: str = "open", number: int = 1, ago: int = 0) -> str:
    """A mail to the record drew so many events, `ago` milliseconds before now; the message."""
    await office.record(name)
    message = office.sent(name)
    await office.assess(message, judged(fact(kind, office.now - ago, 0, each) for each in range(number)))
    return message


@pytest.mark.parametrize(("opens", "listed"), [(0, False), (1, False), (2, True), (19, True), (20, False)])
async def test_more_than_one_and_fewer_than_twenty_opens_are_engagement(
    office: Office, opens: int, listed: bool
) -> None:
    await drew(office, "contact/c1", number=opens)

    assert await office.engaged() == (["contact/c1"] if listed else [])


@pytest.mark.parametrize("kind", ["click", "attachment_view", "reply"])
async def test_one_of_anything_but_opens_is_engagement_however_many_opens_there_are(office: Office, kind: str) -> None:
    await drew(office, "contact/c1", kind)
    await drew(office, "contact/c1", number=30)

    assert await office.engaged() == ["contact/c1"]


async def test_opens_of_several_mails_and_hours_are_counted_together(office: Office) -> None:
    for ago in (0, 30 * HOUR):
        await drew(office, "contact/c1", ago=ago)

    assert await office.engaged() == ["contact/c1"]


@pytest.mark.parametrize("kind", ["open", "click"])
async def test_what_was_more_than_seven_days_ago_is_no_engagement_any_more(office: Office, kind: str) -> None:
    await drew(office, "contact/c1", kind, 2)

    office.clock.move(days=6, hours=23)
    assert await office.engaged() == ["contact/c1"]
    office.clock.move(hours=2)
    assert await office.engaged() == []


@pytest.mark.parametrize(
    ("recent", "older", "minutes_more", "listed"),
    [(18, 2, 30, True), (18, 2, 0, False), (0, 2, 59, False), (0, 2, 1, False), (0, 2, 0, True), (1, 1, 1, False)],
)
async def test_the_week_ends_to_the_minute(
    office: Office, recent: int, older: int, minutes_more: int, listed: bool
) -> None:
    await office.record("contact/c1")
    ago = 7 * DAY + minutes_more * 60_000
    facts = [fact("open", office.now - (ago if each < older else DAY), 0, each) for each in range(recent + older)]
    await office.assess(office.sent("contact/c1"), judged(facts))

    assert await office.engaged() == (["contact/c1"] if listed else [])


async def test_a_record_with_too_many_opens_is_listed_when_the_oldest_are_a_week_old(office: Office) -> None:
    await drew(office, "contact/c1", number=18, ago=5 * DAY)
    await drew(office, "contact/c1", number=3)
    assert await office.engaged() == []

    office.clock.move(days=3)

    assert await office.engaged() == ["contact/c1"]


async def test_a_record_leaves_the_list_when_its_opens_turn_out_to_be_a_machines(office: Office) -> None:
    message = await drew(office, "contact/c1", number=3)

    await office.assess(message, judged([fact("open", office.now)]))

    assert await office.engaged() == []
    assert not [key for key in await office.rows() if key.startswith("v|")]


async def test_the_highest_score_comes_first_and_pages_are_in_order(office: Office) -> None:
    for number, opens in enumerate([3, 9, 5, 2, 7]):
        await drew(office, f"contact/c{number}", number=opens)
    await drew(office, "lead/l1", "click")
    await drew(office, "lead/l2", "reply")

    everybody = ["lead/l2", "contact/c1", "contact/c4", "contact/c2", "lead/l1", "contact/c0", "contact/c3"]
    assert await office.engaged() == await office.engaged(limit=100) == everybody
    assert await office.engaged(type="lead") == ["lead/l2", "lead/l1"]
    assert await office.engaged(type="case") == []


async def test_a_record_that_the_crm_has_not_put_is_not_listed_before_it_is(office: Office) -> None:
    await office.assess(office.sent("contact/c1"), judged([fact("click", office.now)]))
    assert await office.engaged() == []

    await office.record("contact/c1")

    assert await office.engaged() == ["contact/c1"]


async def test_a_page_costs_one_request_whatever_it_passes_over(office: Office) -> None:
    for number in range(30):
        await drew(office, f"contact/c{number:04d}", "click")
    office.tables.calls = 0
    assert len((await office.engagements.engaged.page("acme", None, 20)).found) == 20
    assert len((await office.engagements.engaged.page("acme", None, 50)).found) == 30
    assert office.tables.calls == 2

    rows = [each async for each in office.tables.query("heedacmeindex", "records|engaged")]
    stored = next(each for each in rows if each.key.startswith("v|"))
    for start in range(0, 2000, 100):
        crowd = [Row(stored.partition, f"v|0000{start + n:06d}|lead|l1", stored.values) for n in range(100)]
        await office.tables.write_rows("heedacmeindex", [Upsert(each) for each in crowd])
    office.tables.calls = 0
    page = await office.engagements.engaged.page("acme", None, 20, "contact")
    assert (page.found, office.tables.calls) == ([], 1)
    assert page.after
    assert len(await office.engaged(type="contact", limit=20)) == 30


async def test_the_timer_removes_records_whose_week_is_over(office: Office) -> None:
    await drew(office, "contact/c1", "click")
    office.clock.move(days=5)
    await drew(office, "contact/c2", "click")
    office.clock.move(days=3)

    assert await office.engagements.engaged.tidy() == 1

    assert [key.rpartition("|")[2] for key in await office.rows() if key.startswith("v|")] == ["c2"]
    assert await office.counts("contact/c1") == (1, 0, 1)
    # And one that comes back is listed again.
    await drew(office, "contact/c1", "click")
    assert await office.engaged() == ["contact/c1", "contact/c2"]


async def test_the_timer_removes_a_row_that_was_left_behind(office: Office) -> None:
    await drew(office, "contact/c1", "click")
    rows = [each async for each in office.tables.query("heedacmeindex", "records|engaged")]
    stray = next(each for each in rows if each.key.startswith("v|"))
    await office.tables.write_rows(
        "heedacmeindex", [Upsert(Row(stray.partition, "v|0000000001|contact|c1", stray.values))]
    )

    await office.engagements.engaged.tidy()

    assert await office.engaged() == ["contact/c1"]


async def test_the_timer_puts_records_in_order_by_new_weights(office: Office) -> None:
    await drew(office, "contact/opens", number=3)
    await drew(office, "contact/clicks", "click", 1)
    assert await office.engaged() == ["contact/clicks", "contact/opens"]

    spec = OrganizationSpec.model_validate({"name": "acme", "settings": {"score": {"open": 10, "click": 1}}})
    await office.organizations.save_organization("acme", spec, None)
    office.clock.move(minutes=2)
    await office.engagements.engaged.tidy()

    assert await office.engaged() == ["contact/opens", "contact/clicks"]
    assert await office.engagements.engaged.tidy() == 0


async def test_the_order_of_two_records_does_not_change_by_time_passing(office: Office) -> None:
    await drew(office, "contact/often", number=9, ago=6 * DAY)
    await drew(office, "contact/lately", number=8)
    scores = []
    for _ in range(3):
        scores.append([(await office.of(f"contact/{name}")).score for name in ("lately", "often")])
        office.clock.move(days=20)

    assert all(lately > often for lately, often in scores)
    assert scores[1] == pytest.approx([each * 0.5 ** (20 / 30) for each in scores[0]], abs=0.001)


async def test_a_list_shows_a_record_as_it_was_last_put(office: Office) -> None:
    await drew(office, "contact/c1", "click")
    stored = await office.people.records.load("acme", "record|contact", "c1")
    assert stored
    renamed = stored[0].model_copy(update={"name": "Ada"})
    etag, _ = await office.people.records.save("acme", "record|contact", "c1", renamed, None)

    await office.engagements.record_changed("acme", ref("contact/c1"))

    [record] = (await office.engagements.engaged.page("acme", None, 5)).found
    assert record.record
    assert (record.record.name, record.etag) == ("Ada", etag)
