"""What sources did with other mails: verdicts that know it, and corrections when more is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib.clock import milliseconds
from lib.storage import Delete, Row, Upsert
from lib.storage.layout import EVIDENCE, table
from lib.tracking.facts import Fact
from tests.support.heed import Heed
from tests.support.other_mails import ADA, HOME, OFFICE, OUTLOOK, SCANNER, World


@pytest.fixture
async def world() -> World:
    return World(await Heed().start())


async def test_a_scanner_in_no_list_is_told_at_the_fourth_company_and_the_verdict_says_why(world: World) -> None:
    first = [await world.scanned(f"p{number}@c{number}.example") for number in range(3)]
    before = [await world.classes(message) for message in first]
    fourth = await world.scanned("p3@c3.example")

    assert before[0] == ["human", "human"]
    assert (await world.classes(fourth))[1] == "machine"
    click = (await world.events(fourth))[1]["verdict"]
    assert click["reasons"][0]["text"] == "The same source looked at mail of 4 companies."


async def test_earlier_mails_are_corrected_by_the_look_a_day_later(world: World) -> None:
    first = await world.scanned("p0@c0.example")
    for number in range(1, 4):
        await world.scanned(f"p{number}@c{number}.example")
    assert (await world.classes(first))[1] == "human"

    await world.pass_time(hours=31)

    assert (await world.classes(first))[1] == "machine"
    assert "source-at-many-companies" in await world.codes(first)
    kpis = (await world.heed.get(f"/messages/{first}"))["kpis"]
    assert (kpis["clicks"], kpis["machine"]["clicks"]) == (0, 1)


async def test_a_place_known_from_an_answer_makes_a_prompt_open_a_persons_and_told(world: World) -> None:
    await world.read_and_answered()
    message = await world.send()

    await world.hit("o", 8, **HOME)
    await world.pass_time(minutes=2)

    assert await world.classes(message) == ["human"]
    assert "known-place" in await world.codes(message)
    cards = (await world.heed.get("/cards", x_heed_user="rep1"))["items"]
    assert [card["kind"] for card in cards if card["message"] == message] == ["email_opened"]


async def test_a_prompt_open_at_a_place_of_which_nothing_is_known_is_not_told(world: World) -> None:
    await world.read_and_answered()
    message = await world.send()

    await world.hit("o", 8, **OFFICE)
    await world.pass_time(minutes=2)

    cards = (await world.heed.get("/cards", x_heed_user="rep1"))["items"]
    assert [card["kind"] for card in cards if card["message"] == message] == []


async def test_the_senders_device_that_looks_at_mail_to_several_companies_is_no_reader(world: World) -> None:
    """It opens what it has sent, and follows no link."""
    messages = []
    for number in range(4):
        messages.append(await world.send(f"p{number}@c{number}.example"))
        await world.hit("o", 3_600, **OFFICE)
        await world.pass_time(minutes=3)

    assert await world.classes(messages[0]) == ["human"]
    assert await world.classes(messages[-1]) == ["machine"]
    assert "own-device" in await world.codes(messages[-1])


async def test_the_quoted_mail_that_the_sender_reads_is_no_open_of_the_recipient(world: World) -> None:
    message = await world.read_and_answered()

    await world.hit("o", 3_600, **OFFICE)
    await world.hit("o", 60, **HOME)
    await world.pass_time(minutes=5)

    assert await world.classes(message) == ["human", "machine", "human"]
    [quoted] = [
        event for event in await world.events(message)
        if "after-the-answer" in {reason["code"] for reason in event["verdict"]["reasons"]}
    ]  # fmt: skip
    assert quoted["verdict"]["reasons"][0]["text"] == (
        "The recipient had answered before, and an answer quotes the mail."
    )


async def test_of_a_pair_of_clicks_the_one_where_the_mail_is_read_is_the_persons(world: World) -> None:
    message = await world.send()
    await world.hit("o", 3_600, OUTLOOK, **HOME)
    await world.hit("c", 2_400, **SCANNER)
    await world.hit("c", 8, **HOME)
    await world.pass_time(minutes=5)

    assert await world.classes(message) == ["human", "machine", "human"]


# The look a day later


async def test_a_message_with_hits_is_looked_at_once_a_day_later_and_then_no_more(world: World) -> None:
    await world.scanned("p0@c0.example")

    late = [at for at in await world.pass_time(days=14) if at.hour % 6 == 0]

    # The hits came at 9.32; the queue counts a second for its rounding.
    assert [at.replace(second=0) for at in late] == [datetime(2026, 5, 5, 12, tzinfo=UTC)]


async def test_hits_that_go_on_for_days_ask_for_a_look_a_day_and_one_after_the_last(world: World) -> None:
    await world.send()
    looks: list[datetime] = []
    for _ in range(24):
        await world.hit("o", 0, **HOME)
        looks += await world.pass_time(hours=3)

    looks += await world.pass_time(days=9)

    late = [at.replace(second=0) for at in looks if at.hour % 6 == 0 and at.minute == 0]
    # The first open is not decided, so that the week without a click is told of it, on the 11th.
    assert late == [datetime(2026, 5, day, 12, tzinfo=UTC) for day in (5, 6, 7, 8, 11)]
    assert world.queue.later == []


async def test_a_message_without_hits_is_not_looked_at_later(world: World) -> None:
    message = await world.send()
    await world.answer(message)

    assert all(at < datetime(2026, 5, 4, 10, tzinfo=UTC) for at in await world.pass_time(days=3))


async def test_a_look_that_comes_twice_or_too_early_asks_for_nothing(world: World) -> None:
    await world.scanned("p0@c0.example")
    [(_, sent)] = world.queue.later

    for _ in range(3):
        await world.heed.hand_over(sent.queue, sent.body)
    await world.queue.work()

    assert len(world.queue.later) == 1


async def test_a_busy_message_is_looked_at_later_once(world: World) -> None:
    message = await world.send()
    late = []
    for _ in range(3):
        at = milliseconds(world.heed.clock.now())
        hits = [
            Fact(f"{at + n:013d}-{n:012x}", message, "open", at + n, "GET", 0, 0, f"agent/{n}", "81.2.69.0/24")
            for n in range(310)
        ]
        await world.heed.services.assessor.assess_facts("acme", hits)
        late += [at for at in await world.pass_time(hours=32) if at.hour % 6 == 0 and at.minute == 0]

    assert len(late) == 1


async def test_where_it_is_not_known_who_did_it_no_look_is_asked_for(world: World) -> None:
    await world.switch(tracking="aggregate")
    await world.scanned("p0@c0.example")

    assert await world.pass_time(days=3) == []


# The look a week later


async def test_an_open_that_is_not_decided_is_looked_at_a_week_later_and_no_click_is_told(world: World) -> None:
    message = await world.send()
    await world.hit("o", 1_200, **HOME)
    await world.pass_time(days=6)
    assert "no-click-in-a-week" not in await world.codes(message)

    looks = await world.pass_time(days=30)

    assert len(looks) == 1
    assert "no-click-in-a-week" in await world.codes(message)


async def test_no_look_a_week_later_is_asked_for_where_a_click_has_followed(world: World) -> None:
    await world.send()
    await world.hit("o", 1_200, **HOME)
    await world.hit("c", 20, **HOME)
    await world.pass_time(days=2)

    assert await world.pass_time(days=30) == []


# Judging an organization again


async def test_judging_again_uses_the_memory_and_shows_before_it_writes(world: World) -> None:
    first = await world.scanned("p0@c0.example")
    for number in range(1, 4):
        await world.scanned(f"p{number}@c{number}.example")
    before = await world.rows()

    shown = [each async for each in world.heed.services.rejudge.organization("acme", write=False)]

    [of_first] = [each for each in shown if each.message == first]
    assert of_first.changed >= 1
    assert "companies" in of_first.changes[0].because
    assert await world.rows() == before
    assert (await world.classes(first))[1] == "human"
    [_ async for _ in world.heed.services.rejudge.organization("acme", write=True)]
    assert (await world.classes(first))[1] == "machine"
    again = [each async for each in world.heed.services.rejudge.organization("acme", write=False)]
    assert sum(each.changed + each.reworded for each in again) == 0


async def test_judging_again_fills_a_memory_that_was_not_there_when_it_writes_alone(world: World) -> None:
    """As after an upgrade from a release without a memory."""
    first = await world.scanned("p0@c0.example")
    for number in range(1, 4):
        await world.scanned(f"p{number}@c{number}.example")
    rows = await world.rows()
    for row in rows:
        await world.heed.storage.tables.write_rows(table("acme", EVIDENCE), [Delete(row.partition, row.key)])

    [_ async for _ in world.heed.services.rejudge.organization("acme", write=False)]
    assert await world.rows() == []
    [_ async for _ in world.heed.services.rejudge.organization("acme", write=True)]

    assert [(row.partition, row.key) for row in await world.rows()] == [(row.partition, row.key) for row in rows]
    assert (await world.classes(first))[1] == "machine"


async def test_judging_again_once_ends_where_judging_twice_does(world: World) -> None:
    """As after an upgrade by whose rules each mail tells something else of its sources."""
    for number in range(4):
        await world.scanned(f"p{number}@c{number}.example")
    await world.pass_time(hours=31)
    right = await world.rows()
    for row in right:
        outdated = Row(row.partition, row.key, {**row.values, "sure": "machine", "odds": -8.0})
        await world.heed.storage.tables.write_rows(table("acme", EVIDENCE), [Upsert(outdated)])

    once = [each async for each in world.heed.services.rejudge.organization("acme", write=True)]
    twice = [each async for each in world.heed.services.rejudge.organization("acme", write=True)]

    assert sum(each.changed + each.reworded for each in (*once, *twice)) == 0
    assert [(row.key, row.values) for row in await world.rows()] == [(row.key, row.values) for row in right]


async def test_a_mail_that_is_erased_while_all_is_judged_again_leaves_no_visit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.scanned(ADA)
    for row in await world.rows():
        await world.heed.storage.tables.write_rows(table("acme", EVIDENCE), [Delete(row.partition, row.key)])
    world.erase_before_visits(monkeypatch)
    [_ async for _ in world.heed.services.rejudge.organization("acme", write=True)]

    assert await world.rows() == []


async def test_a_device_that_looks_at_one_users_mail_is_that_users_and_no_others(world: World) -> None:
    await world.heed.put("/users/rep2", {"email": "rep2@acme.example", "opt_in": True})
    for email in ("bob@two.example", "cleo@three.example"):
        await world.send(email)
        await world.hit("o", 7_200, OUTLOOK, **HOME)

    codes = {}
    for user in ("rep1", "rep2"):
        message = await world.send(f"{user}s@four.example", **{"from": user})
        await world.hit("o", 7_200, OUTLOOK, **HOME)
        await world.pass_time(minutes=5)
        codes[user] = await world.codes(message)

    assert "own-device" in codes["rep1"]
    assert not {"own-device", "perhaps-own-device"} & codes["rep2"]
