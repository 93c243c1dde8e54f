"""Engagement is exact, whoever is held up, dies, or loses rows."""

from __future__ import annotations

import asyncio

import pytest

from lib.errors import Stale
from lib.fields import Regarding
from lib.records import Contribution
from lib.storage import Change, Delete, Row, Unavailable, Upsert
from tests.support.engaging import AT, MINUTE, Office, fact, judged, opens
from tests.support.failing import When


@pytest.fixture
async def office() -> Office:
    return await Office().open()


async def test_of_two_assessors_the_one_that_lost_writes_nothing(office: Office) -> None:
    message = office.sent("contact/c1")
    await office.assess(message)
    office.tallies[message] = judged(opens(2))

    answers = await asyncio.gather(office.plan(message), office.plan(message), return_exceptions=True)

    assert sorted(isinstance(answer, Stale) for answer in answers) == [False, True]
    assert await office.counts("contact/c1") == (1, 0, 0)


async def test_an_assessor_that_was_held_up_changes_nothing_that_a_later_one_has_written(office: Office) -> None:
    message = office.sent("contact/c1", regarding="opportunity/o1")
    await office.assess(message)
    early = office.tallies[message] = judged(opens(2))
    about, late = office.messages[message].model_copy(), await office.plan(message)

    # The later one: the opens were a machine's, and the message regards something else.
    office.messages[message].regarding = Regarding(type="case", id="k1")
    await office.assess(message, judged(opens(2), "machine"))
    expected = await office.rows()
    await office.follower.apply(office.assessed(message, early, about), late)

    assert await office.rows() == expected
    assert await office.counts("contact/c1") == (1, 0, 0)
    assert await office.counts("opportunity/o1") == (0, 0, 0)


async def test_an_assessor_that_was_held_up_does_not_come_back_when_the_verdict_does(office: Office) -> None:
    message = office.sent("contact/c1")
    await office.assess(message, judged(opens(1)))
    early = office.tallies[message] = judged(opens(2))
    late = await office.plan(message)

    await office.assess(message, judged(opens(1)))
    await office.follower.apply(office.assessed(message, early), late)

    assert await office.counts("contact/c1") == (1, 1, 0)


async def test_who_dies_before_the_rows_are_written_is_followed_by_one_who_writes_them(office: Office) -> None:
    message = office.sent("contact/c1", regarding="opportunity/o1")
    office.tallies[message] = judged(opens(2))
    await office.plan(message)
    assert await office.counts("contact/c1") == (0, 0, 0)

    await office.assess(message)

    assert await office.counts("contact/c1") == await office.counts("opportunity/o1") == (1, 2, 0)


STEPS = [judged(opens(3)), judged([*opens(2), fact("click", AT)]), judged([*opens(1), fact("reply", AT)])]


async def life_of_a_message(office: Office, number: int, when: When) -> tuple[dict[str, object], int]:
    """A message that is assessed again and again, while one operation fails: (the end, how many operations)."""
    await office.record("contact/c1", "account/a1")
    await office.record("contact/c2", "account/a1")
    older = office.sent("contact/c2")
    await office.assess(older, judged([*opens(1, start=AT - MINUTE), fact("click", AT - MINUTE, 0, 1)]))
    message = office.sent("contact/c1", "contact/c2", regarding="opportunity/o1")
    office.failure.arm(number, when)
    for tallies in STEPS:
        while True:
            try:
                await office.assess(message, tallies)
                break
            except Unavailable:
                continue
    count = office.failure.count
    office.failure.arm(0, when)
    await office.assess(message)
    return dict(await office.rows()), count


@pytest.mark.parametrize("when", ["before", "after"])
async def test_wherever_storage_fails_the_end_is_the_same(when: When) -> None:
    expected, count = await life_of_a_message(await Office().open(), 0, when)
    assert count > 50

    for number in range(1, count + 1):
        found, _ = await life_of_a_message(await Office().open(), number, when)
        assert found == expected, f"operation {number} fails {when} it is done"


async def test_a_roll_up_stays_small_however_long_people_go_on(office: Office) -> None:
    for _ in range(20):
        office.clock.move(days=1)
        message = office.sent("contact/c1")
        await office.assess(message, judged(fact("open", office.now - hour * 60 * MINUTE) for hour in range(20)))

    assert len((await office.rollup("contact/c1")).open_minutes) <= 8 * 24 * 60


async def test_a_roll_up_that_was_damaged_can_be_counted_anew(office: Office) -> None:
    await office.record("contact/c1")
    await office.record("contact/c1", "account/a1")
    messages = [office.sent("contact/c1") for _ in range(130)]
    for place, message in enumerate(messages):
        await office.assess(message, judged([*opens(1, start=AT + place * MINUTE), fact("click", AT + place)]))
    expected = await office.rows()
    last = [key for key in expected if key.startswith("l|contact|c1|")]
    listed = next(key for key in expected if key.startswith("v|") and key.endswith("c1"))
    wrong = Row("records|engaged", "r|contact|c1", {"v": 1, "d0": '{"messages":7,"told":"account|a1"}'})
    stray = Row("records|engaged", "v|0000000001|contact|c1", {"v": 1, "d0": "{}"})
    for start in range(0, len(last), 100):
        some: list[Change] = [Delete("records|engaged", key) for key in last[start : start + 100]]
        await office.tables.write_rows("heedacmeindex", some)
    await office.tables.write_rows("heedacmeindex", [Upsert(wrong), Upsert(stray), Delete("records|engaged", listed)])

    await office.engagements.exchanges.recount("acme", "contact|c1")

    assert await office.rows() == expected
    await office.record("contact/c1", "account/a1")
    await office.work()
    assert await office.rows() == expected


@pytest.mark.parametrize("lost", ["r|", "l|", "v|"])
async def test_rows_that_are_missing_are_made_anew_by_the_next_event(office: Office, lost: str) -> None:
    await office.record("contact/c1")
    messages = [office.sent("contact/c1") for _ in range(3)]
    for message in messages:
        await office.assess(message, judged(opens(2)))
    gone = [key for key in await office.rows() if key.startswith(lost)]
    await office.tables.write_rows("heedacmeindex", [Delete("records|engaged", key) for key in gone])

    await office.assess(messages[0], judged([*opens(1), fact("click", AT)]))

    assert await office.counts("contact/c1") == (3, 5, 1)
    assert await office.engaged() == ["contact/c1"]


async def test_messages_of_an_organization_that_is_gone_harm_nobody() -> None:
    office = Office()
    message = office.sent("contact/c1")

    contributions = await office.assess(message, judged(opens(1)))

    assert [each.record for each in contributions] == ["contact|c1"]
    assert await office.rows() == {}


async def test_what_is_kept_with_a_message_stays_small(office: Office) -> None:
    message = office.sent(*(f"contact/c{number}" for number in range(500)))

    contributions = await office.assess(message, judged(opens(2, None)))

    assert len(contributions) == 500
    assert sum(len(each.model_dump_json(exclude_none=True)) for each in contributions) < 100_000
    assert all(isinstance(each, Contribution) for each in contributions)
