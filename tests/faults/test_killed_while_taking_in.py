"""A worker is killed while it takes in a mail, after one of its writes, and another one goes on.

Each test of "wherever" tries every third write, beginning with another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from lib.storage.layout import INBOUND, container
from tests.faults.death import Death
from tests.faults.hosts import ProcessHost
from tests.faults.jobs import Arrival, Job, Message, Request
from tests.faults.steps import Step
from tests.support.inbound import answer_to, bounce_of
from tests.support.mail_server import MailServer

MOST_WRITES = 21
"""Taking in a mail takes fewer writes: the last workers survive."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a user sees of a message that drew a mail."""

    status: str
    received: list[str]
    """The kind of each mail that is an activity, by its conversation with the message."""

    events: list[str]
    replies: int
    cards: list[str]
    reminder: str
    delivery: str


ANSWERED = Ending("sent", ["reply"], ["reply"], 1, ["reply"], "met", "accepted")
RETURNED = Ending("sent", ["bounce"], ["bounce"], 0, ["bounce"], "set", "bounced")


async def sent(host: ProcessHost, times: int) -> list[str]:
    """Messages that were sent, with a reminder unless they are answered."""
    messages = await told_to_go(host, times)
    await host.settle()
    return messages


async def told_to_go(host: ProcessHost, times: int) -> list[str]:
    reminder = {"title": "Ask Ada", "condition": "no_reply", "at": host.clock.now() + timedelta(days=30)}
    return list(await asyncio.gather(*(host.told_to_go(reminder=reminder) for _ in range(times))))


async def answers_to(host: ProcessHost, messages: Sequence[str]) -> list[bytes]:
    return [await answer_to(host.heed, message, number=number) for number, message in enumerate(messages)]


async def orders(host: ProcessHost) -> list[Message]:
    """The orders to take in mails; whatever else waits comes again."""
    messages = await host.take_all()
    host.come_again(*(each for each in messages if each.queue != INBOUND))
    return [each for each in messages if each.queue == INBOUND]


async def endings(host: ProcessHost, messages: Sequence[str]) -> list[Ending]:
    await host.settle()
    assert await raw_mails(host) == []
    cards = (await host.heed.get("/cards?status=open&limit=200", x_heed_user="rep1"))["items"]
    return [await ending(host, message, cards) for message in messages]


async def ending(host: ProcessHost, message: str, cards: Sequence[dict[str, Any]]) -> Ending:
    read = await host.heed.get(f"/messages/{message}")
    conversation = (await host.heed.get(f"/conversations/{message}"))["items"]
    [recipient] = (await host.heed.get(f"/messages/{message}/recipients"))["items"]
    return Ending(
        read["status"],
        [each["kind"] for each in conversation if each["status"] == "received"],
        [each["kind"] for each in (await host.heed.get(f"/messages/{message}/timeline"))["items"]],
        read["kpis"]["replies"],
        [each["kind"] for each in cards if each["message"] == message],
        read["reminder"]["state"],
        recipient["delivery"]["state"],
    )


async def raw_mails(host: ProcessHost) -> list[str]:
    """The blobs of mails that wait, or were forgotten."""
    service = host.heed.storage.blobs._service  # type: ignore[attr-defined]
    listed = service.get_container_client(container("acme")).list_blob_names(name_starts_with="inbound/")
    return [name async for name in listed]


async def killed_after_writes(host: ProcessHost, numbers: Sequence[int], jobs: Sequence[Job]) -> None:
    """Have a worker die at each job, after the write of that number."""
    deaths = [Death("after", "any write", number) for number in numbers]
    died = await asyncio.gather(*map(host.dies, deaths, jobs))
    survived = died.count(False)
    assert died == [True] * (len(jobs) - survived) + [False] * survived
    assert 0 < survived < len(jobs) - 1, "there are further writes, or hardly any"


async def test_wherever_a_worker_dies_an_answer_from_a_mailbox_counts_once(host: ProcessHost) -> None:
    numbers = range(1, MOST_WRITES, 3)
    messages = await sent(host, len(numbers))
    await host.do(*(Arrival(raw, "ritas") for raw in await answers_to(host, messages)))
    waiting = await orders(host)

    await killed_after_writes(host, numbers, waiting)
    host.come_again(*waiting)

    assert await endings(host, messages) == [ANSWERED] * len(numbers)


async def test_wherever_a_worker_dies_a_bounce_counts_once(host: ProcessHost) -> None:
    numbers = range(2, MOST_WRITES, 3)
    messages = await sent(host, len(numbers))
    bounces = [(await bounce_of(host.heed, each)).replace(b"<bounce-", b"<" + each.encode()) for each in messages]
    await host.do(*(Arrival(raw, "ritas") for raw in bounces))
    waiting = await orders(host)

    await killed_after_writes(host, numbers, waiting)
    host.come_again(*waiting)

    assert await endings(host, messages) == [RETURNED] * len(numbers)


async def test_wherever_a_worker_dies_an_answer_that_is_posted_again_counts_once(host: ProcessHost) -> None:
    numbers = range(3, MOST_WRITES, 3)
    messages = await sent(host, len(numbers))
    posts = [Request("POST", "/inbound", raw) for raw in await answers_to(host, messages)]

    await killed_after_writes(host, numbers, posts)
    await host.do(*posts)

    assert await endings(host, messages) == [ANSWERED] * len(numbers)


async def test_a_poller_that_dies_while_it_hands_a_mail_over_hands_it_over_again(host: ProcessHost) -> None:
    steps: list[Step] = ["a blob", "the intake is told"]
    messages = await sent(host, len(steps))
    arrivals = [Arrival(raw, "ritas") for raw in await answers_to(host, messages)]

    await asyncio.gather(*(host.kill(Death("after", step), each) for step, each in zip(steps, arrivals, strict=True)))
    assert len(await raw_mails(host)) == len(steps)
    await host.do(*arrivals)

    assert await endings(host, messages) == [ANSWERED] * len(steps)


async def test_an_answer_counts_once_wherever_its_assessor_dies(host: ProcessHost) -> None:
    steps: list[Step] = ["the facts", "a card", "the summary", "the commit is marked as seen"]
    messages = await sent(host, len(steps))
    await host.do(*(Arrival(raw, "ritas") for raw in await answers_to(host, messages)))
    await host.do(*await orders(host))

    waiting = await host.take_all()
    await asyncio.gather(*(host.kill(Death("after", step), each) for step, each in zip(steps, waiting, strict=True)))
    host.come_again(*waiting)

    assert await endings(host, messages) == [ANSWERED] * len(steps)


async def test_a_mail_that_came_to_two_mailboxes_is_one_activity_though_two_workers_race(host: ProcessHost) -> None:
    messages = await sent(host, 3)
    answers = await answers_to(host, messages)
    await host.do(*(Arrival(raw, mailbox) for raw in answers for mailbox in ("ritas", "shared")))
    waiting = await orders(host)
    assert len(waiting) == 6

    await host.race([Random(number).sample(waiting, len(waiting)) for number in range(2)], at_once=4)

    assert await endings(host, messages) == [ANSWERED] * 3


async def test_an_answer_that_comes_before_our_own_sent_is_written_says_that_it_was_sent(
    host: ProcessHost, mails: MailServer
) -> None:
    messages = await told_to_go(host, 2)
    assert await host.kill_each(Death("after", "the mail server has answered")) == 2

    await host.do(*(Request("POST", "/inbound", raw) for raw in await answers_to(host, messages)))

    assert await endings(host, messages) == [ANSWERED] * 2
    assert [mails.received[(await host.heed.get(f"/messages/{each}"))["message_id"]] for each in messages] == [1] * 2


async def test_an_answer_to_an_uncertain_mail_says_that_it_was_sent(host: ProcessHost, mails: MailServer) -> None:
    messages = await told_to_go(host, 2)
    await host.kill_each(Death("after", "the mail server has answered"))
    uncertain = await endings(host, messages)
    assert [(each.status, each.cards) for each in uncertain] == [("uncertain", ["send_uncertain"])] * 2

    await host.do(*(Request("POST", "/inbound", raw) for raw in await answers_to(host, messages)))

    assert await endings(host, messages) == [ANSWERED] * 2
    assert sum(mails.received.values()) == 2
