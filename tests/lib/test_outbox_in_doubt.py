"""A try of which nobody knows the outcome: the provider is asked, and its answer decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.messages import StoredMessage
from lib.storage.memory import MemoryQueues
from lib.transports import Accepted, Again, Envelope, Outcome, Refused, Unknown
from lib.transports.memory import MemoryTransport
from tests.heed import START, Heed

SILENCE = Unknown("no answer")
BUSY = Refused(temporary=True, code="429", text="later", retry_after=timedelta(minutes=30))


async def heed_with(transport: MemoryTransport) -> tuple[Heed, str]:
    heed = await Heed(transport=transport).start()
    message = await heed.draft()
    await heed.post(f"/messages/{message}/send")
    return heed, message


async def deliver(heed: Heed, message: str) -> StoredMessage:
    await heed.services.outbox.deliver("acme", message)
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    return loaded.message


async def change(heed: Heed, message: str, **update: object) -> None:
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    await heed.services.messages.change("acme", loaded.message.model_copy(update=update), loaded.etag)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted(ids=("<theirs@example.com>",)), "sent"),
        (BUSY, "scheduled"),
        (Refused(temporary=False, code="403", text="no"), "failed"),
        (Unknown("nor do they know"), "uncertain"),
        (Unknown("not now", ask_again=timedelta(minutes=5)), "submitting"),
    ],
)
@pytest.mark.parametrize("crashed", [False, True])
async def test_the_provider_s_answer_decides(answer: Outcome, state: str, crashed: bool) -> None:
    heed, message = await heed_with(MemoryTransport(SILENCE, doubts=[answer]))
    if crashed:
        await change(heed, message, state="submitting", lease_until=START, attempts=1, tried_at=START)

    assert (await deliver(heed, message)).state == state


async def test_the_reader_of_an_uncertain_message_learns_both_reasons() -> None:
    heed, message = await heed_with(MemoryTransport(SILENCE, doubts=[Unknown("They do not know.")]))

    stored = await deliver(heed, message)

    assert stored.failure
    assert (stored.failure.code, stored.failure.text) == ("unconfirmed", "no answer They do not know.")


async def test_a_time_that_the_provider_names_counts_when_it_is_longer_than_ours() -> None:
    heed, message = await heed_with(MemoryTransport(BUSY))

    assert (await deliver(heed, message)).due_at == START + timedelta(minutes=30)


async def test_a_repetition_is_the_same_try_and_says_so() -> None:
    transport = MemoryTransport(SILENCE, SILENCE, BUSY, doubts=[Again(), Again(timedelta(seconds=20))])
    heed, message = await heed_with(transport)

    assert (await deliver(heed, message)).in_doubt
    heed.clock.move(seconds=1)
    assert (await deliver(heed, message)).due_at == START + timedelta(seconds=21)
    heed.clock.move(seconds=20)
    stored = await deliver(heed, message)
    assert (stored.attempts, stored.in_doubt, stored.due_at) == (1, False, heed.clock.now() + timedelta(minutes=30))
    heed.clock.move(minutes=30)
    assert (await deliver(heed, message)).attempts == 2

    assert [envelope.earlier for envelope in transport.sent] == ["none", "doubtful", "doubtful", "settled"]
    assert [envelope.tried_at == START for envelope in transport.sent] == [True, True, True, False]
    assert len({envelope.key for envelope in transport.sent}) == 1


@pytest.mark.parametrize("wait", [timedelta(0), timedelta(seconds=20)])
@pytest.mark.parametrize("asked_again", [False, True])
async def test_what_goes_on_is_found_by_the_sweep_when_the_queue_forgets_it(wait: timedelta, asked_again: bool) -> None:
    outcome = Unknown("not now", ask_again=wait) if asked_again else Again(wait)
    heed, message = await heed_with(MemoryTransport(SILENCE, doubts=[outcome]))
    await deliver(heed, message)
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting.clear()

    assert await heed.services.schedule.sweep() == 1


async def test_a_doubtful_message_that_cannot_be_written_any_more_has_not_failed() -> None:
    heed, message = await heed_with(MemoryTransport(SILENCE, doubts=[Again()]))
    await deliver(heed, message)
    await change(heed, message, sender="gone")

    stored = await deliver(heed, message)

    assert (stored.state, stored.failure and stored.failure.code) == ("uncertain", "compose")


async def test_one_whose_process_died_and_that_cannot_be_written_any_more_is_uncertain() -> None:
    heed, message = await heed_with(MemoryTransport())
    await change(heed, message, state="submitting", lease_until=START, attempts=1, tried_at=START, sender="gone")

    stored = await deliver(heed, message)

    assert (stored.state, stored.failure and stored.failure.code) == ("uncertain", "interrupted")


class Slow(MemoryTransport):
    """While it is being asked, another worker looks at the message."""

    heed: Heed
    message: str

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        answer = await super().after_doubt(envelope)
        if len(self.doubted) == 1:
            await self.heed.services.outbox.deliver("acme", self.message)
        return answer


async def test_of_two_workers_one_asks() -> None:
    transport = Slow(doubts=[Accepted()])
    transport.heed, transport.message = heed, message = await heed_with(transport)
    await change(heed, message, state="submitting", lease_until=START, attempts=1, tried_at=START)

    stored = await deliver(heed, message)

    assert (stored.state, transport.sent, len(transport.doubted)) == ("sent", [], 1)
