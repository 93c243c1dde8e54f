"""Dead letters of Service Bus: looked at and put back."""

from __future__ import annotations

import pytest

from lib.storage.service_bus.queues import ServiceBusQueues
from tests.servicebus.conftest import Bus
from tests.support.dead_letter_suite import Bury, DeadLetterSuite, Take

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def name(bus: Bus) -> str:
    return bus.queue()


@pytest.fixture
def bury(bus: Bus) -> Bury:
    async def give_up(queue: str, body: bytes) -> None:
        await bus.send(queue, body)
        receiver = bus.receiver(queue)
        [message] = await receiver.receive_messages(max_wait_time=5)
        await receiver.dead_letter_message(message, reason="ada@example.com said so")

    return give_up


@pytest.fixture
def take(bus: Bus) -> Take:
    return bus.take


class TestServiceBusDeadLetters(DeadLetterSuite):
    """The shared suite."""


async def test_a_reason_that_may_hold_an_address_is_not_told(queues: ServiceBusQueues, name: str, bury: Bury) -> None:
    await bury(name, b"{}")

    [letter] = await queues.dead_letters.peek(name)

    assert "ada" not in letter.reason
    assert letter.tries == 0


async def test_a_replayed_message_is_no_duplicate_of_the_first(bus: Bus, queues: ServiceBusQueues, name: str) -> None:
    await queues.send(name, "{}", message_id="once")
    receiver = bus.receiver(name)
    [message] = await receiver.receive_messages(max_wait_time=5)
    await receiver.dead_letter_message(message)

    await queues.dead_letters.replay(name)

    assert await bus.take(name, 1) == [b"{}"]
