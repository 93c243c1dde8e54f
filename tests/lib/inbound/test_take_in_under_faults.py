"""A process dies, or storage fails, between two steps of taking in a mail: in the end all is as without it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from lib.storage import Unavailable
from lib.storage.memory import MemoryQueues, memory_storage
from tests.support.failing import Failure, failing_storage
from tests.support.heed import Heed
from tests.support.inbound import answer_to, blobs_of, bounce_of, bring, post_mail

MOST_STEPS = 120
FIRST_STEP = {"before": 1, "after": 3}
"""Each test tries every fourth step; all of them would take minutes."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a user sees in the end."""

    received: list[dict[str, Any]] = field(default_factory=list)
    replies: int = 0
    events: list[str] = field(default_factory=list)
    delivery: str = ""
    blobs: int = 0


class Death(Failure):
    """The end of a process: the operation is not begun, or not answered, and nothing goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.has_come = asyncio.Event()

    async def meet(self, operation: Any) -> Any:
        try:
            return await super().meet(operation)
        except Unavailable:
            self.has_come.set()
            return await asyncio.Event().wait()


async def run_until(death: Death, work: Coroutine[Any, Any, None]) -> None:
    """Run the work of a process until it ends, or the process does, with all its tasks."""
    others = asyncio.all_tasks()
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(death.has_come.wait())]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in asyncio.all_tasks() - others:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def started(failure: Failure) -> tuple[Heed, Heed, str]:
    """A Heed that fails, one over the same storage that does not, and a message that was sent."""
    storage = memory_storage()
    sound = await Heed(storage=storage).start()
    message = await sound.sent()
    failing = Heed(storage=failing_storage(storage, failure), clock=sound.clock, key=sound.key)
    return failing, sound, message


async def ending(heed: Heed, message: str) -> Ending:
    await heed.work()
    heed.clock.move(minutes=30)
    await heed.tick("sweep_journal")  # for facts of which the assessor was not told
    await heed.work()
    sent = await heed.get(f"/messages/{message}")
    received = (await heed.get("/messages?view=received"))["items"]
    [recipient] = (await heed.get(f"/messages/{message}/recipients"))["items"]
    shown = [{name: each[name] for name in ("id", "kind", "tracked_by", "conversation")} for each in received]
    events = [each["kind"] for each in (await heed.get(f"/messages/{message}/timeline"))["items"]]
    return Ending(shown, sent["kpis"]["replies"], events, recipient["delivery"]["state"], len(blobs_of(heed)))


async def take_one(heed: Heed) -> None:
    """Let the worker take the order, which stays on the queue if the worker dies."""
    body = next(each.body for each in _waiting(heed) if each.queue == "inbound")
    await heed.hand_over("inbound", body)


def _waiting(heed: Heed) -> list[Any]:
    queues = heed.storage.queues
    found = queues if isinstance(queues, MemoryQueues) else queues._queues  # type: ignore[attr-defined]
    return list(found.waiting)


async def brought(heed: Heed, message: str, kind: str) -> bytes:
    return await (answer_to(heed, message) if kind == "reply" else bounce_of(heed, message))


async def undisturbed(kind: str) -> Ending:
    failing, sound, message = await started(Failure())
    await bring(failing, await brought(sound, message, kind), mailbox="one", owner="rep1")
    return await ending(sound, message)


@pytest.mark.parametrize("kind", ["reply", "bounce"])
async def test_wherever_a_worker_dies_the_mail_is_taken_in_once(kind: str) -> None:
    wanted = await undisturbed(kind)
    assert len(wanted.received) == 1
    steps = 0
    for number in range(1 if kind == "reply" else 2, MOST_STEPS, 3):
        death = Death()
        failing, sound, message = await started(death)
        await bring(sound, await brought(sound, message, kind), mailbox="one", owner="rep1")
        death.arm(number, "after")
        await run_until(death, take_one(failing))
        steps = number
        found = await ending(sound, message)
        for each in found.received:
            each["id"], each["conversation"] = wanted.received[0]["id"], wanted.received[0]["conversation"]
        assert found == wanted, f"death after step {number}"
        if not death.has_come.is_set():
            break
    assert 10 < steps < MOST_STEPS - 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_wherever_storage_fails_a_posted_mail_is_taken_in_once(when: Literal["before", "after"]) -> None:
    wanted = await undisturbed("reply")
    for number in range(FIRST_STEP[when], MOST_STEPS, 4):
        failure = Failure()
        failing, sound, message = await started(failure)
        raw = await answer_to(sound, message)
        failure.arm(number, when)
        answer = await post_mail(failing, raw)
        await failing.services.journal.settle()
        met = failure.count >= number
        failure.arm(0, when)
        if answer.status != 202:  # the caller tries again
            assert answer.status == 503
            assert (await post_mail(failing, raw)).status == 202
        found = await ending(sound, message)
        for each in found.received:
            each["id"], each["conversation"] = wanted.received[0]["id"], wanted.received[0]["conversation"]
        assert found == wanted, f"failure {when} step {number}"
        if not met:
            return
    pytest.fail("it takes too many steps")


async def test_a_reply_that_comes_before_we_know_that_the_mail_was_sent_counts() -> None:
    heed = await Heed().start()
    message = await heed.draft()
    sender = heed.transport.send  # type: ignore[union-attr]
    answers: list[Any] = []

    async def answered_at_once(envelope: Any) -> Any:
        outcome = await sender(envelope)
        answers.append((await post_mail(heed, await answer_to(heed, message))).json)
        return outcome

    heed.transport.send = answered_at_once  # type: ignore[union-attr, method-assign]
    await heed.post(f"/messages/{message}/send")
    await heed.work()
    assert answers[0]["correlation"]["matched"] == message
    sent = await heed.get(f"/messages/{message}")
    assert (sent["status"], sent["kpis"]["replies"]) == ("sent", 1)


async def test_two_workers_with_one_mail_make_one_activity() -> None:
    heed = await Heed().start()
    message = await heed.sent()
    raw = await answer_to(heed, message)
    for mailbox in ("one", "two", "three"):
        await bring(heed, raw, mailbox=mailbox, owner="rep1")
    bodies = [each.body for each in _waiting(heed) if each.queue == "inbound"]
    await asyncio.gather(*(heed.hand_over("inbound", body) for body in bodies))
    await heed.work()
    assert len((await heed.get("/messages?view=received"))["items"]) == 1
    assert (await heed.get(f"/messages/{message}"))["kpis"]["replies"] == 1
    assert blobs_of(heed) == []
