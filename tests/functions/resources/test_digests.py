"""The daily mail of open cards: what fails costs no digest, and what is muted hides no other card."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from infra.local.host.invocation import InvocationError
from lib.alerts.told import ToldCard
from lib.cards.store import Card
from lib.people.alert_choices import CardKind
from lib.storage import Range
from lib.storage.layout import table
from lib.transports.memory import MemoryTransport
from tests.support.cards import opened
from tests.support.disturbed import disturbed_heed
from tests.support.failing import Failure
from tests.support.heed import Heed

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


def mails(heed: Heed) -> int:
    assert isinstance(heed.transport, MemoryTransport)
    return len(heed.transport.sent)


async def show_card(heed: Heed, number: int, kind: CardKind) -> None:
    card = Card(
        id=f"card{number}",
        user="rep1",
        kind=kind,
        priority="normal",
        title=f"Card {number}",
        text="Text",
        created_at=heed.clock.now() + timedelta(seconds=number),
        message="0" * 32,
    )
    await heed.services.cards.ensure("acme", card)


async def test_cards_that_are_muted_hide_no_older_one(heed: Heed) -> None:
    await heed.put("/users/rep1/alerts", {"digest": {"at": "12:00"}, "muted_kinds": ["email_opened"]})
    await show_card(heed, 0, "bounce")
    for number in range(1, 130):
        await show_card(heed, number, "email_opened")
    heed.clock.move(hours=3)
    await heed.tick("tell_of_cards")

    assert mails(heed) == 1
    assert b"Subject: 1 open card in Heed" in heed.mail()


async def test_whatever_storage_refuses_the_digest_comes_that_day_and_once() -> None:
    step, is_over = 1, False
    while not is_over:
        failure = Failure()
        heed = await disturbed_heed(failure)
        await heed.put("/users/rep1/alerts", {"digest": {"at": "12:00", "days": EVERY_DAY}})
        await opened(heed)
        before = mails(heed)
        heed.clock.move(hours=1)
        failure.arm(step, "before")
        with suppress(InvocationError):  # the host notes it, and calls again in a minute
            await heed.tick("tell_of_cards")
        is_over = failure.count < step
        failure.arm(0, "before")
        for _ in range(5):
            heed.clock.move(minutes=1)
            await heed.tick("tell_of_cards")
        assert mails(heed) == before + 1, step
        step += 1
    assert step > 10


async def test_counts_of_earlier_days_go_without_a_digest_too(heed: Heed) -> None:
    for _ in range(8):
        count, day = await heed.services.told_cards.count_of_day("acme", "rep1", f"{heed.clock.now():%Y-%m-%d}")
        await heed.services.told_cards.save("acme", "rep1", day.key, ToldCard(), None, day)
        heed.clock.move(days=1)
        assert count == 0

    rows = heed.storage.tables.query(table("acme", "cards"), "rep1", Range.prefix("told-day|"))
    assert len([row async for row in rows]) <= 4
