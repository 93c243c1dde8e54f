"""A try of which nobody knows the outcome: the provider is asked, and its answer decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.messages.models import StoredMessage
from lib.storage.memory import MemoryQueues
from lib.transports import Accepted, Again, Envelope, Outcome, Refused, Underway, Unknown
from lib.transports.memory import MemoryTransport
from tests.support.copying import Dies, take_over
from tests.support.heed import START, Heed

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


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted(ids=("<theirs@example.com>",)), "sent"),
        (BUSY, "scheduled"),
        (Refused(temporary=False, code="403", text="no"), "failed"),
        (Unknown("nor do they know"), "uncertain"),
        (Underway(timedelta(minutes=5)), "submitting"),
        (Unknown("not now", ask_again=timedelta(minutes=5)), "uncertain"),
    ],
)
@pytest.mark.parametrize("crashed", [False, True])
async def test_the_provider_s_answer_decides(answer: Outcome, state: str, crashed: bool) -> None:
    dies_at = 1 if crashed else 0
    heed, message = await heed_with(Dies(dies_at, True, SILENCE, doubts=[answer]))
    if crashed:
        with pytest.raises(KeyboardInterrupt):
            await deliver(heed, message)
        assert (await take_over(heed, message)).message.state == state
    else:
        assert (await deliver(heed, message)).state == state


async def test_an_uncertain_message_is_settled_by_a_late_answer() -> None:
    doubts: list[Outcome | Again] = [Unknown("Not there.", ask_again=timedelta(minutes=2)), Accepted(ids=("<theirs>",))]
    transport = MemoryTransport(SILENCE, doubts=doubts)
    heed, message = await heed_with(transport)

    await deliver(heed, message)
    await heed.work("interactions")
    assert (await heed.get(f"/messages/{message}"))["status"] == "uncertain"
    heed.clock.move(minutes=2)
    stored = await deliver(heed, message)

    assert (stored.state, stored.failure, stored.known_ids, len(transport.sent)) == ("sent", None, ["<theirs>"], 1)


async def test_an_uncertain_message_that_nobody_finds_comes_to_rest() -> None:
    transport = MemoryTransport(
        SILENCE, doubts=[Unknown("Not there.", ask_again=timedelta(minutes=2)), Unknown("Not there.")]
    )
    heed, message = await heed_with(transport)
    await deliver(heed, message)
    heed.clock.move(minutes=2)

    stored = await deliver(heed, message)
    heed.clock.move(minutes=60)
    await deliver(heed, message)

    assert (stored.state, stored.goes_on, len(transport.doubted), len(transport.sent)) == ("uncertain", False, 2, 1)


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

    await deliver(heed, message)
    heed.clock.move(seconds=20)
    stored = await deliver(heed, message)
    assert (stored.state, stored.due_at) == ("scheduled", heed.clock.now() + timedelta(minutes=30))
    heed.clock.move(minutes=30)
    assert (await deliver(heed, message)).state == "sent"

    assert [envelope.earlier for envelope in transport.sent] == ["none", "doubtful", "doubtful", "settled"]
    assert [envelope.tried_at == START for envelope in transport.sent] == [True, True, True, False]
    assert len({envelope.key for envelope in transport.sent}) == 1


@pytest.mark.parametrize("outcome", [Again(timedelta(seconds=20)), Underway(timedelta(seconds=20))])
async def test_what_goes_on_is_found_by_the_sweep_when_the_queue_forgets_it(outcome: Outcome | Again) -> None:
    heed, message = await heed_with(MemoryTransport(SILENCE, doubts=[outcome]))
    await deliver(heed, message)
    queues = heed.storage.queues
    assert isinstance(queues, MemoryQueues)
    queues.waiting.clear()

    assert await heed.services.schedule.sweep() == 1


async def test_a_doubtful_message_that_cannot_be_written_any_more_has_not_failed() -> None:
    heed, message = await heed_with(MemoryTransport(SILENCE, doubts=[Again(timedelta(seconds=20))]))
    await deliver(heed, message)
    await lose_the_sender(heed, message)
    heed.clock.move(seconds=20)

    stored = await deliver(heed, message)

    assert (stored.state, stored.failure and stored.failure.code) == ("uncertain", "compose")


async def lose_the_sender(heed: Heed, message: str) -> None:
    loaded = await heed.services.messages.load("acme", message)
    assert loaded
    gone = loaded.message.model_copy(update={"sender": "gone"})
    await heed.services.messages.change("acme", gone, loaded.etag)


async def test_one_whose_process_died_and_that_cannot_be_written_any_more_is_uncertain() -> None:
    heed, message = await heed_with(Dies(1, taken=True))
    with pytest.raises(KeyboardInterrupt):
        await deliver(heed, message)
    await lose_the_sender(heed, message)

    assert (await take_over(heed, message)).message.state == "uncertain"


class Slow(Dies):
    """While it is being asked, another worker looks at the message."""

    heed: Heed
    message: str

    async def after_doubt(self, envelope: Envelope) -> Outcome | Again:
        answer = await super().after_doubt(envelope)
        if len(self.doubted) == 1:
            await self.heed.services.outbox.deliver("acme", self.message)
        return answer


async def test_of_two_workers_one_asks() -> None:
    transport = Slow(1, True, doubts=[Accepted()])
    transport.heed, transport.message = heed, message = await heed_with(transport)
    with pytest.raises(KeyboardInterrupt):
        await deliver(heed, message)

    stored = (await take_over(heed, message)).message

    assert (stored.state, len(transport.sent), len(transport.doubted)) == ("sent", 1, 1)
