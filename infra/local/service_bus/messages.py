"""A message as the broker keeps it: its body untouched, what the broker must know and change taken apart.

Sections are those of part 3 of the AMQP standard, "Messaging"; the annotations are Service Bus's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.service_bus.amqp_values import AmqpError, Described, Symbol, Timestamp, UInt, decode, encode

BATCH_FORMAT = 0x80013700
"""Service Bus's message format of many messages in one: each data section holds one encoded message."""

_HEADER, _DELIVERY_ANNOTATIONS, _ANNOTATIONS, _PROPERTIES, _APPLICATION = 0x70, 0x71, 0x72, 0x73, 0x74
_DATA = 0x75
_SEQUENCE_NUMBER = Symbol("x-opt-sequence-number")
_ENQUEUED_TIME = Symbol("x-opt-enqueued-time")
_LOCKED_UNTIL = Symbol("x-opt-locked-until")
_SCHEDULED_TIME = Symbol("x-opt-scheduled-enqueue-time")


@dataclass(slots=True)
class Message:
    """`rest` are the body and the footer as they came."""

    annotations: dict[Any, Any] = field(default_factory=dict)
    properties: list[Any] = field(default_factory=list)
    application: dict[Any, Any] = field(default_factory=dict)
    rest: bytes = b""

    @property
    def id(self) -> Any:
        """The message id that the sender gave; None where it gave none."""
        return self.properties[0] if self.properties else None

    @property
    def scheduled(self) -> float | None:
        """Seconds since 1970 when it is to show; None for at once."""
        at = self.annotations.get(_SCHEDULED_TIME)
        return None if at is None else at / 1000

    def encode(self, *, sequence: int, enqueued: float, deliveries: int, locked_until: float | None = None) -> bytes:
        """The message as a receiver gets it; times in seconds since 1970."""
        annotations = {**self.annotations, _SEQUENCE_NUMBER: sequence, _ENQUEUED_TIME: _timestamp(enqueued)}
        if locked_until is not None:
            annotations[_LOCKED_UNTIL] = _timestamp(locked_until)
        # The service always says how often a message was delivered before.
        sections = [
            Described(_HEADER, [None, None, None, None, UInt(deliveries)]),
            Described(_ANNOTATIONS, annotations),
        ]
        if self.properties:
            sections.append(Described(_PROPERTIES, self.properties))
        if self.application:
            sections.append(Described(_APPLICATION, self.application))
        return b"".join(map(encode, sections)) + self.rest

    def stored(self) -> bytes:
        """The message as its sender sent it, less what a broker drops."""
        return self.encode(sequence=0, enqueued=0, deliveries=0)


def _timestamp(seconds: float) -> Timestamp:
    return Timestamp(seconds * 1000)


def read_message(raw: bytes) -> Message:
    """Raises AmqpError."""
    message, rest = Message(), []
    for code, value, section in _sections(raw):
        if code == _ANNOTATIONS:
            message.annotations = value
        elif code == _PROPERTIES:
            message.properties = value
        elif code == _APPLICATION:
            message.application = value
        elif code not in (_HEADER, _DELIVERY_ANNOTATIONS):
            rest.append(section)
    message.rest = b"".join(rest)
    return message


def read_batch(raw: bytes) -> list[Message]:
    """The messages in one of `BATCH_FORMAT`. Raises AmqpError."""
    return [read_message(value) for code, value, _ in _sections(raw) if code == _DATA]


def _sections(raw: bytes) -> Iterator[tuple[int, Any, bytes]]:
    start = 0
    while start < len(raw):
        section, end = decode(raw, start)
        if not isinstance(section, Described):
            raise AmqpError("a message has something between its sections")
        yield section.descriptor, section.value, raw[start:end]
        start = end
