"""What clients ask beside sending and receiving: requests to `$cbs` and to a queue's `/$management`.

After "AMQP 1.0 in Service Bus: request-response-based operations", as far as the SDK needs them for queues.
"""

from collections.abc import Callable
from typing import Any

from infra.local.service_bus.amqp_values import AmqpError, Array, Described, Int, Symbol, Timestamp, decode, encode
from infra.local.service_bus.messages import read_message
from infra.local.service_bus.queues import Broker, Queue

_PROPERTIES, _APPLICATION, _VALUE = 0x73, 0x74, 0x77
_CORRELATION = 5
_VENDOR = "com.microsoft:"

Answer = tuple[int, Any]
"""(status code, body)."""


def answer_of(broker: Broker, address: str, request: bytes) -> bytes:
    """The encoded answer to an encoded request. Raises AmqpError for what is no request."""
    message = read_message(request)
    operation = _text(message.application.get("operation"))
    if address.endswith("$cbs"):
        status, body = 200, None  # whoever reaches this machine's loopback may come in
    elif operation in _OPERATIONS:
        queue = broker.queue(address.removesuffix("/$management"))
        status, body = _OPERATIONS[operation](queue, _value(message.rest))
    else:
        status, body = 501, None
    properties = [None] * _CORRELATION + [message.id]
    said = {name: Int(status) for name in ("status-code", "statusCode")}
    texts = {name: _STATUS_TEXTS.get(status, "OK") for name in ("status-description", "statusDescription")}
    condition = {"errorCondition": Symbol(_VENDOR + "message-lock-lost")} if status == 410 else {}
    sections = [
        Described(_PROPERTIES, properties),
        Described(_APPLICATION, {**said, **texts, **condition}),
        Described(_VALUE, body),
    ]
    return b"".join(map(encode, sections))


_STATUS_TEXTS = {
    404: "There is no such message.",
    410: "The lock has ended.",
    501: "The loopback broker has no such operation.",
}


def _value(body: bytes) -> dict[str, Any]:
    section, _ = decode(body)
    if not isinstance(section, Described) or not isinstance(section.value, dict):
        raise AmqpError("a request without a map")
    return {_text(name): value for name, value in section.value.items()}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _renew(queue: Queue, body: dict[str, Any]) -> Answer:
    ends = [queue.renew(token) for token in body["lock-tokens"]]
    held = [end for end in ends if end is not None]
    if len(held) < len(ends):
        return 410, None
    return 200, {"expirations": Array(Timestamp(end * 1000) for end in held)}


def _peek(queue: Queue, body: dict[str, Any]) -> Answer:
    found = queue.peek(body["from-sequence-number"], body["message-count"])
    if not found:
        return 204, None
    encoded = [
        each.message.encode(sequence=each.sequence, enqueued=each.enqueued, deliveries=each.deliveries)
        for each in found
    ]
    return 200, {"messages": [{"message": raw} for raw in encoded]}


def _schedule(queue: Queue, body: dict[str, Any]) -> Answer:
    sent = [queue.send(read_message(each["message"])) for each in body["messages"]]
    return 200, {"sequence-numbers": Array(number or 0 for number in sent)}


def _cancel(queue: Queue, body: dict[str, Any]) -> Answer:
    taken_back = [queue.cancel(number) for number in body["sequence-numbers"]]
    return (200 if all(taken_back) else 404), None


def _settle(queue: Queue, body: dict[str, Any]) -> Answer:
    """How a receiver settles what it has received over another link than the present one."""
    said = (body.get("deadletter-reason"), body.get("deadletter-description"))
    settle: dict[str, Callable[[Any], bool]] = {
        "completed": queue.complete,
        "abandoned": queue.abandon,
        "suspended": lambda token: queue.dead_letter(token, *said),
    }
    operation = settle.get(body["disposition-status"])
    if operation is None:
        return 501, None
    settled = [operation(token) for token in body["lock-tokens"]]
    return (200 if all(settled) else 410), None


_OPERATIONS: dict[str, Callable[[Queue, dict[str, Any]], Answer]] = {
    _VENDOR + "renew-lock": _renew,
    _VENDOR + "peek-message": _peek,
    _VENDOR + "schedule-message": _schedule,
    _VENDOR + "cancel-scheduled-message": _cancel,
    _VENDOR + "update-disposition": _settle,
}
