"""The loopback broker's queues, with a clock that is set by hand."""

from __future__ import annotations

import pytest

from infra.local.service_bus.amqp_values import Described, Symbol, Timestamp, decode, encode
from infra.local.service_bus.messages import Message
from infra.local.service_bus.queues import Broker, Queue, QueueSettings, Stored

START = 1_800_000_000.0


class Time:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def broker(time: Time) -> Broker:
    return Broker(QueueSettings(lock_seconds=30, most_deliveries=3, duplicate_window_seconds=600), time)


@pytest.fixture
def queue(broker: Broker) -> Queue:
    return broker.queue("work")


def message(body: str, message_id: str | None = None, at: float | None = None) -> Message:
    annotations = {} if at is None else {Symbol("x-opt-scheduled-enqueue-time"): Timestamp(at * 1000)}
    return Message(annotations, [message_id], {}, encode(Described(0x75, body.encode())))


def body_of(stored: Stored) -> str:
    section, _ = decode(stored.message.rest)
    assert isinstance(section, Described)
    return bytes(section.value).decode()


def taken(queue: Queue) -> list[str]:
    """Bodies of all that can be taken, which is then gone."""
    bodies = []
    while found := queue.take():
        token, stored, _ = found
        queue.complete(token)
        bodies.append(body_of(stored))
    return bodies


def test_messages_are_taken_in_the_order_in_which_they_were_sent(queue: Queue) -> None:
    for body in "abc":
        queue.send(message(body))

    assert taken(queue) == ["a", "b", "c"]


def test_a_locked_message_is_nobody_elses(queue: Queue) -> None:
    queue.send(message("mine"))
    assert queue.take()

    assert queue.take() is None


def test_a_lock_that_is_over_gives_the_message_back_and_is_worth_nothing(
    broker: Broker, queue: Queue, time: Time
) -> None:
    queue.send(message("slow"))
    found = queue.take()
    assert found
    time.now += 29
    broker.tick()
    assert queue.take() is None

    time.now += 1
    broker.tick()

    assert not queue.complete(found[0])
    assert queue.renew(found[0]) is None
    again = queue.take()
    assert again
    assert again[1].deliveries == 1


def test_a_lock_that_is_renewed_lasts(broker: Broker, queue: Queue, time: Time) -> None:
    queue.send(message("slow"))
    found = queue.take()
    assert found
    time.now += 29

    assert queue.renew(found[0]) == time.now + 30

    time.now += 29
    broker.tick()
    assert queue.complete(found[0])


def test_a_scheduled_message_shows_at_its_time(broker: Broker, queue: Queue, time: Time) -> None:
    queue.send(message("later", at=START + 60))
    queue.send(message("now"))
    assert taken(queue) == ["now"]
    time.now += 59
    broker.tick()
    assert taken(queue) == []

    time.now += 1
    broker.tick()

    found = queue.take()
    assert found
    assert found[1].enqueued == START + 60


def test_a_scheduled_message_can_be_taken_back_once(broker: Broker, queue: Queue, time: Time) -> None:
    number = queue.send(message("later", at=START + 60))
    assert number

    assert queue.cancel(number)
    assert not queue.cancel(number)

    time.now += 61
    broker.tick()
    assert taken(queue) == []


def test_an_id_is_taken_once_in_the_window_and_again_after_it(queue: Queue, time: Time) -> None:
    assert queue.send(message("first", "once"))
    assert queue.send(message("other", "another"))
    assert taken(queue) == ["first", "other"]
    time.now += 599

    assert queue.send(message("again", "once")) is None
    time.now += 2
    assert queue.send(message("anew", "once"))

    assert taken(queue) == ["anew"]


def test_messages_without_an_id_are_no_duplicates(queue: Queue) -> None:
    queue.send(message("same"))
    queue.send(message("same"))

    assert taken(queue) == ["same", "same"]


def test_a_message_that_fails_each_time_ends_among_the_dead_letters(broker: Broker, queue: Queue) -> None:
    queue.send(message("bad"))
    for delivery in range(3):
        found = queue.take()
        assert found
        assert found[1].deliveries == delivery
        queue.abandon(found[0])

    assert queue.take() is None
    [dead] = broker.queue("Work/$DeadLetterQueue").all()
    assert dead.deliveries == 3
    assert dead.message.application["DeadLetterReason"] == "MaxDeliveryCountExceeded"


def test_a_dead_letter_can_be_looked_at_again_and_again(broker: Broker, queue: Queue) -> None:
    queue.send(message("bad"))
    found = queue.take()
    assert found
    queue.dead_letter(found[0], "nonsense", "it is no JSON")
    dead = broker.queue("work/$deadletterqueue")

    for _ in range(5):
        looked = dead.take()
        assert looked
        dead.abandon(looked[0])

    assert [stored.message.application["DeadLetterReason"] for stored in dead.all()] == ["nonsense"]


def test_a_message_that_is_released_was_not_tried(queue: Queue) -> None:
    queue.send(message("unread"))
    found = queue.take()
    assert found

    assert queue.release(found[0])

    again = queue.take()
    assert again
    assert again[1].deliveries == 0


def test_peeking_shows_all_and_takes_nothing(queue: Queue) -> None:
    for body in "abc":
        queue.send(message(body))
    queue.send(message("later", at=START + 60))
    queue.take()

    assert [body_of(stored) for stored in queue.peek(2, 2)] == ["b", "c"]
    assert len(queue.peek(0, 10)) == 4
    assert taken(queue) == ["b", "c"]


def test_whoever_waits_is_called_when_a_message_comes(queue: Queue) -> None:
    calls: list[int] = []
    queue.on_ready.add(lambda: calls.append(1))

    queue.send(message("here", at=START + 60))
    assert calls == []
    queue.send(message("here"))

    assert calls == [1]


def test_a_broker_that_is_started_anew_has_the_messages_of_the_last(broker: Broker, queue: Queue, time: Time) -> None:
    queue.send(message("waits", "id-1"))
    queue.send(message("locked", "id-2"))
    queue.send(message("later", "id-3", at=START + 60))
    first = queue.take()
    assert first
    queue.abandon(first[0])
    queue.take()

    again = Broker(now=time)
    again.load(broker.dump())

    assert [stored.deliveries for stored in again.queue("work").peek(0, 10)] == [1, 0, 0]
    assert taken(again.queue("work")) == ["waits", "locked"]
    time.now += 60
    again.tick()
    assert taken(again.queue("work")) == ["later"]
    assert again.queue("work").send(message("new")) == 4
