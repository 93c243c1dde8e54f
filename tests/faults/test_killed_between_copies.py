"""A worker is killed while it sends the copies of a mail, within one or between two, and another one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from lib.sending.orders import Wake
from lib.storage.layout import OUTBOX
from tests.faults.death import Death
from tests.faults.hosts import ProcessHost
from tests.faults.jobs import Message
from tests.support.mail_server import MailServer, TakesAndDrops

TO = ["ada@example.com", "bob@example.com", "cy@example.com"]
TIMES = 3

Ends = list[tuple[str | None, int]]
"""For each recipient, what Heed says of the copy, and how many have come."""

ALL_SENT: Ends = [("sent", 1)] * 3


def in_doubt(number: int, received: int) -> Ends:
    """That one's worker died at it; it had reached the server, or not."""
    return [("uncertain", received) if number == each else ("sent", 1) for each in (1, 2, 3)]


@pytest.fixture
async def splitting(host: ProcessHost) -> ProcessHost:
    await host.heed.organization("acme", mixed_recipients="split")
    return host


async def told_to_go(host: ProcessHost, times: int) -> list[str]:
    to = [{"email": email} for email in TO]
    return list(await asyncio.gather(*(host.told_to_go(to=to) for _ in range(times))))


async def ends_of(host: ProcessHost, mails: MailServer, messages: Sequence[str]) -> list[Ends]:
    ends: list[Ends] = []
    for message in messages:
        loaded = await host.heed.services.messages.load("acme", message)
        assert loaded
        states = {copy.state for copy in loaded.copies}
        assert loaded.message.state == ("uncertain" if "uncertain" in states else "sent")
        name = loaded.message.message_id or ""
        ends.append(
            [(copy.state, mails.received_by[name, email]) for copy, email in zip(loaded.copies, TO, strict=True)]
        )
    return ends


@pytest.mark.parametrize(
    ("death", "ends"),
    [
        (Death("before", "the row says submitting"), ALL_SENT),
        (Death("after", "the row says submitting"), in_doubt(1, 0)),
        (Death("before", "a copy is begun"), ALL_SENT),
        (Death("after", "a copy is begun"), in_doubt(1, 0)),
        (Death("after", "the mail server has answered"), in_doubt(1, 1)),
        (Death("before", "a copy is sent"), in_doubt(1, 1)),
        (Death("after", "a copy is sent"), in_doubt(2, 0)),
        (Death("after", "the mail server has answered", 2), in_doubt(2, 1)),
        (Death("before", "a copy is sent", 2), in_doubt(2, 1)),
        (Death("after", "a copy is sent", 2), in_doubt(3, 0)),
        (Death("after", "the mail server has answered", 3), in_doubt(3, 1)),
        (Death("before", "a copy is sent", 3), in_doubt(3, 1)),
        (Death("after", "a copy is sent", 3), ALL_SENT),
        (Death("after", "a due entry is gone"), ALL_SENT),
    ],
    ids=lambda value: "" if isinstance(value, list) else str(value),
)
async def test_everybody_gets_one_copy_or_it_is_uncertain(
    splitting: ProcessHost, mails: MailServer, death: Death, ends: Ends
) -> None:
    messages = await told_to_go(splitting, TIMES)

    assert await splitting.kill_each(death) == TIMES
    await splitting.settle()

    assert await ends_of(splitting, mails, messages) == [ends] * TIMES


async def test_one_worker_after_the_other_dies_and_still_nobody_gets_two(
    splitting: ProcessHost, mails: MailServer
) -> None:
    messages = await told_to_go(splitting, 1)

    for _ in TO:
        [wake] = await splitting.take_all()
        await splitting.kill(Death("after", "the mail server has answered"), wake)
        splitting.clock.move(minutes=3)
        await splitting.do(wake)  # finds the lease as the dead worker has left it, and comes again
    await splitting.settle()

    assert await ends_of(splitting, mails, messages) == [[("uncertain", 1)] * 3]


async def test_of_a_line_that_breaks_only_that_copy_is_in_doubt(splitting: ProcessHost, mails: MailServer) -> None:
    mails.will(TakesAndDrops())
    messages = await told_to_go(splitting, 1)

    await splitting.settle()

    assert await ends_of(splitting, mails, messages) == [in_doubt(1, 1)]


async def test_workers_that_race_for_the_same_mails_send_every_copy_once(
    splitting: ProcessHost, mails: MailServer
) -> None:
    messages = await told_to_go(splitting, 20)
    await splitting.take_all()
    wakes = [Message(OUTBOX, Wake("acme", message).to_json()) for message in messages]

    await splitting.race([Random(number).sample(wakes, len(wakes)) for number in range(3)], at_once=8)

    assert await ends_of(splitting, mails, messages) == [ALL_SENT] * len(messages)
