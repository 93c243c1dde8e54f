"""What a record gets, its parents get; and where it comes under another one, its messages follow."""

from __future__ import annotations

import asyncio

import pytest

from lib.storage import Unavailable
from tests.support.engaging import AT, MINUTE, Office, judged, opens, ref
from tests.support.failing import When


@pytest.fixture
async def office() -> Office:
    return await Office().open()


async def test_parents_of_parents_get_what_their_children_get(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    await office.record("contact/c2", "account/a1")
    await office.record("account/a1", "account/top")
    message = office.sent("contact/c1", "contact/c2", regarding="contact/c1")

    await office.assess(message, judged([*opens(1, 0), *opens(2, 1, AT + 60 * MINUTE)]))

    assert await office.counts("contact/c2") == (1, 2, 0)
    assert await office.counts("account/a1") == await office.counts("account/top") == (1, 3, 0)


async def test_parents_in_a_circle_do_no_harm(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    await office.record("account/a1", "account/a2")
    await office.record("account/a2", "account/a1")
    await office.record("account/self", "account/self")
    message = office.sent("contact/c1", "account/self")

    await office.assess(message, judged(opens(2, None)))

    for name in ("contact/c1", "account/a1", "account/a2", "account/self"):
        assert await office.counts(name) == (1, 2, 0)
    assert await office.work() == 0


async def test_a_chain_of_parents_is_followed_so_far_and_no_further(office: Office) -> None:
    for number in range(20):
        await office.record(f"account/a{number}", f"account/a{number + 1}")
    message = office.sent("account/a0")

    await office.assess(message)

    reached = [number for number in range(20) if (await office.of(f"account/a{number}")).messages]
    assert reached == list(range(9))
    assert await office.work() == 0


async def test_a_record_that_comes_under_another_parent_takes_its_messages_along(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    await office.record("contact/c2", "account/a1")
    moving = [office.sent("contact/c1") for _ in range(3)]
    both = office.sent("contact/c1", "contact/c2")
    for message in [*moving, both]:
        await office.assess(message, judged(opens(1)))

    await office.record("contact/c1", "account/a2")

    assert await office.work() == 4
    assert await office.counts("account/a2") == (4, 4, 0)
    # One message still reaches it by the other child; the open of it was the first one's.
    assert await office.counts("account/a1") == (1, 0, 0)
    await office.record("contact/c1", None)
    await office.work()
    assert await office.counts("account/a2") == (0, 0, 0)


async def test_what_is_below_an_account_moves_with_it(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    await office.record("account/a1", "account/old")
    message = office.sent("contact/c1")
    await office.assess(message, judged(opens(2)))

    await office.record("account/a1", "account/new")
    await office.work()

    assert await office.counts("account/new") == (1, 2, 0)
    assert await office.counts("account/old") == (0, 0, 0)


async def test_a_record_that_is_put_after_its_mail_was_sent_has_its_engagement_and_its_parent(office: Office) -> None:
    message = office.sent("contact/c1")
    await office.assess(message, judged(opens(2)))

    await office.record("contact/c1", "account/a1")
    await office.work()

    assert await office.engaged() == ["contact/c1"]
    assert await office.counts("account/a1") == (1, 2, 0)


async def test_putting_a_record_again_as_it_was_looks_at_no_message(office: Office) -> None:
    await office.record("contact/c1", "account/a1")
    await office.assess(office.sent("contact/c1"))

    await office.record("contact/c1", "account/a1")

    assert await office.work() == 0


@pytest.mark.parametrize("number", range(1, 16))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_putting_a_record_again_repairs_a_move_that_failed_midway(number: int, when: When) -> None:
    office = await Office().open()
    await office.record("contact/c1", "account/a1")
    messages = [office.sent("contact/c1") for _ in range(3)]
    for message in messages:
        await office.assess(message, judged(opens(1)))
    office.failure.arm(number, when)
    try:
        await office.record("contact/c1", "account/a2")
    except Unavailable:
        await office.record("contact/c1", "account/a2")
    office.failure.arm(0, when)
    await office.work()

    assert await office.counts("account/a2") == (3, 3, 0)
    assert await office.counts("account/a1") == (0, 0, 0)


@pytest.mark.parametrize("next_one", ["an event", "a new message"])
async def test_a_move_that_was_left_half_done_is_finished_by_what_comes_next(
    office: Office, monkeypatch: pytest.MonkeyPatch, next_one: str
) -> None:
    await office.record("contact/c1", "account/a1")
    messages = [office.sent("contact/c1") for _ in range(3)]
    for message in messages:
        await office.assess(message, judged(opens(1)))

    async def fail(organization: str) -> None:
        raise Unavailable("storage is down")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(office.engagements.rows, "change_family", fail)
        with pytest.raises(Unavailable):
            await office.record("contact/c1", "account/a2")
    if next_one == "an event":
        await office.assess(messages[0], judged(opens(2)))
    else:
        await office.assess(office.sent("contact/c1"), judged(opens(1)))
    await office.work()

    assert (await office.of("account/a2")).opens == 4
    assert await office.counts("account/a1") == (0, 0, 0)


@pytest.mark.parametrize("behind", range(0, 16, 2))
async def test_of_two_moves_at_once_the_one_that_is_stored_counts(office: Office, behind: int) -> None:
    await office.record("contact/c1", "account/a1")
    for _ in range(3):
        await office.assess(office.sent("contact/c1"), judged(opens(1)))

    async def move(account: str, behind: int) -> None:
        for _ in range(behind):
            await asyncio.sleep(0)
        await office.record("contact/c1", account)

    await asyncio.gather(move("account/a2", 0), move("account/a3", behind), return_exceptions=True)
    await office.work()

    stored, rollup = await office.people.record("acme", ref("contact/c1")), await office.rollup("contact/c1")
    assert stored
    assert rollup.told == rollup.parent
    assert stored.parent
    for account in ("a1", "a2", "a3"):
        assert await office.counts(f"account/{account}") == ((3, 3, 0) if account == stored.parent.id else (0, 0, 0))


@pytest.mark.parametrize("move_at", range(16))
@pytest.mark.parametrize("earlier", [0, 1])
@pytest.mark.parametrize("parent", ["account/a2", None])
async def test_a_record_that_moves_while_its_message_is_on_its_way_is_followed(
    move_at: int, earlier: int, parent: str | None
) -> None:
    office = await Office().open()
    await office.record("contact/c1", "account/a1")
    for _ in range(earlier):
        await office.assess(office.sent("contact/c1"))
    message = office.sent("contact/c1")
    office.tallies[message] = judged(opens(1))

    async def move() -> None:
        for _ in range(move_at):
            await asyncio.sleep(0)
        await office.record("contact/c1", parent)

    await asyncio.gather(office.assess(message), move())
    await office.work()

    assert await office.counts("account/a2") == ((1 + earlier, 1, 0) if parent else (0, 0, 0))
    assert await office.counts("account/a1") == (0, 0, 0)
    # And it is at rest: the next event finds nothing to set right.
    await office.assess(message, judged(opens(2)))
    assert await office.work() == 0
