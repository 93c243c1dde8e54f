"""The engagement of records follows the messages' tallies: forwards, backwards, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from lib.errors import Stale
from lib.fields import Regarding
from lib.records import Contribution
from lib.storage import Change, Conflict
from lib.storage import retry as attempts
from lib.verdicts.tallies import Tallies
from tests.support.engaging import AT, MINUTE, Office, fact, judged, opens
from tests.support.heed import START


@pytest.fixture
async def office() -> Office:
    return await Office().open()


async def test_a_record_without_messages_has_zeros_and_nulls(office: Office) -> None:
    found = (await office.of("contact/c1")).model_dump()

    assert set(found.pop("score_parts").values()) == {0}
    assert set(found.values()) == {0, None}


async def test_all_that_people_did_is_counted_with_its_last_times_and_its_score(office: Office) -> None:
    message = office.sent("contact/c1")
    facts = [
        *opens(2),
        fact("click", AT + 5 * MINUTE, 0, 7),
        fact("attachment_view", AT + 6 * MINUTE, 0, 8),
        fact("reply", AT + 7 * MINUTE, 0, 9),
    ]

    await office.assess(message, judged(facts))

    found = (await office.of("contact/c1")).model_dump(mode="json")
    score, parts = found.pop("score"), found.pop("score_parts")
    assert found == {
        "messages": 1,
        "opens": 2,
        "clicks": 1,
        "attachment_views": 1,
        "replies": 1,
        "last_sent_at": "2026-05-04T09:30:00.000Z",
        "last_opened_at": "2026-05-04T09:31:00.000Z",
        "last_clicked_at": "2026-05-04T09:35:00.000Z",
        "last_attachment_view_at": "2026-05-04T09:36:00.000Z",
        "last_replied_at": "2026-05-04T09:37:00.000Z",
    }
    assert score == pytest.approx(2 + 5 + 5 + 10, rel=0.001)
    assert parts == pytest.approx({"opens": 2, "clicks": 5, "attachment_views": 5, "replies": 10}, rel=0.001)


async def test_following_twice_is_following_once(office: Office) -> None:
    message = office.sent("contact/c1", regarding="opportunity/o1")
    await office.assess(message, judged(opens(3)))
    before = await office.rows()

    contributions = await office.assess(message)
    await office.follower.apply(office.assessed(message), contributions)

    assert await office.rows() == before
    assert await office.counts("contact/c1") == await office.counts("opportunity/o1") == (1, 3, 0)


async def test_where_nothing_has_changed_one_request_is_enough(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    message = office.sent("contact/c1", regarding="opportunity/o1")
    await office.assess(message, judged(opens(3)))
    await office.assess(message)
    office.tables.calls = 0

    await office.assess(message)

    assert office.tables.calls == 1


async def test_an_event_costs_the_same_whether_or_not_the_record_has_had_many_messages(office: Office) -> None:
    costs = []
    for _ in range(30):
        message = office.sent("account/a1")
        await office.assess(message)
        office.tables.calls = 0
        await office.assess(message, judged(opens(1, start=office.now)))
        costs.append(office.tables.calls)
        office.clock.move(minutes=1)

    assert set(costs) == {4}


async def test_drafts_and_scheduled_messages_count_for_nobody(office: Office) -> None:
    message = office.sent("contact/c1")
    office.messages[message].state = "scheduled"
    office.tables.calls = 0

    assert await office.assess(message, judged(opens(3))) == []
    assert office.tables.calls == 0


async def test_two_messages_of_one_record_both_count_when_they_come_at_once(office: Office) -> None:
    messages = [office.sent("contact/c1", regarding="account/a1") for _ in range(20)]

    # Half of them in another process, which knows nothing of the first one's locks.
    other = office.another_process()
    await asyncio.gather(
        *(
            office.assess(message, judged(opens(1, start=AT + place * MINUTE)), other if place % 2 else None)
            for place, message in enumerate(messages)
        )
    )

    assert await office.counts("contact/c1") == await office.counts("account/a1") == (20, 20, 0)
    assert (await office.of("account/a1")).last_opened_at == START + timedelta(minutes=19)


async def test_who_is_never_let_through_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    message = office.sent("contact/c1")
    monkeypatch.setattr(attempts, "_LONGEST_PAUSE", 0.0)

    async def refuse(table: str, changes: Sequence[Change]) -> list[str | None]:
        raise Conflict("somebody was quicker")

    monkeypatch.setattr(office.tables, "write_rows", refuse)
    with pytest.raises(Stale):
        await office.follower.apply(
            office.assessed(message), [Contribution(record="contact|c1", parents=[], generation=1)]
        )


async def test_a_verdict_that_turns_to_a_machine_takes_the_event_back(office: Office) -> None:
    first, second = office.sent("contact/c1"), office.sent("contact/c1")
    await office.assess(first, judged(opens(1)))
    await office.assess(second, judged(opens(2, start=AT + 60 * MINUTE)))

    await office.assess(second, judged(opens(2, start=AT + 60 * MINUTE), "machine"))

    found = await office.of("contact/c1")
    assert (found.messages, found.opens, found.last_opened_at) == (2, 1, START)
    assert found.score == 1


async def test_without_events_the_last_times_are_null_again(office: Office) -> None:
    message = office.sent("contact/c1")
    await office.assess(message, judged([*opens(1), fact("click", AT)]))

    await office.assess(message, Tallies())

    found = await office.of("contact/c1")
    assert (found.last_opened_at, found.last_clicked_at, found.last_sent_at) == (None, None, START)


async def test_a_message_that_comes_to_regard_another_record_leaves_the_first(office: Office) -> None:
    message = office.sent("contact/c1", regarding="opportunity/o1")
    await office.assess(message, judged(opens(2)))

    office.messages[message].regarding = Regarding(type="case", id="k1")
    await office.assess(message)

    assert await office.counts("opportunity/o1") == (0, 0, 0)
    assert await office.counts("case/k1") == await office.counts("contact/c1") == (1, 2, 0)


async def test_a_message_can_come_back_to_a_record_that_it_has_left(office: Office) -> None:
    message = office.sent(regarding="opportunity/o1")
    for record_id in ("o2", "o1", "o2", "o1"):
        office.messages[message].regarding = Regarding(type="opportunity", id=record_id)
        await office.assess(message, judged(opens(2)))
        await office.assess(message)

    assert await office.counts("opportunity/o1") == (1, 2, 0)
    assert await office.counts("opportunity/o2") == (0, 0, 0)


async def test_a_message_can_come_back_to_a_record_after_it_belonged_to_none(office: Office) -> None:
    message = office.sent(regarding="opportunity/o1")
    about = office.messages[message].regarding
    for regarding in (about, None, None, None, about):
        office.messages[message].regarding = regarding
        await office.assess(message, judged(opens(2)))

    assert await office.counts("opportunity/o1") == (1, 2, 0)


async def test_records_that_a_message_has_left_are_forgotten(office: Office) -> None:
    message = office.sent("contact/c1")
    for number in range(10):
        office.messages[message].regarding = Regarding(type="opportunity", id=f"o{number}")
        await office.assess(message)
        kept = await office.assess(message)

    assert sorted(each.record for each in kept) == ["contact|c1", "opportunity|o8", "opportunity|o9"]


async def test_a_message_that_has_left_a_record_does_not_move_with_it(office: Office) -> None:
    await office.record("opportunity/o1", "account/a1")
    message = office.sent(regarding="opportunity/o1")
    await office.assess(message)
    office.messages[message].regarding = Regarding(type="opportunity", id="o2")
    await office.assess(message)

    await office.record("opportunity/o1", "account/a2")

    assert await office.work() == 0


async def test_an_erased_message_is_counted_no_more(office: Office) -> None:
    kept, erased = office.sent("contact/c1"), office.sent("contact/c1")
    await office.assess(kept, judged(opens(1)))
    contributions = await office.assess(erased, judged(opens(3)))

    await office.follower.forget("acme", erased, contributions)

    assert await office.counts("contact/c1") == (1, 1, 0)
