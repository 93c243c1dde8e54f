"""AMQP 1.0's frames: what travels over a connection (part 2 of the OASIS standard, "Transport")."""

import asyncio
import struct
from dataclasses import dataclass, field
from typing import Any

from infra.local.service_bus.amqp_values import AmqpError, Described, decode, encode

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
SASL = 1
LARGEST_FRAME = 65_536

_SHAPES: dict[str, tuple[int, tuple[str, ...]]] = {
    "open": (
        0x10,
        (
            "container-id",
            "hostname",
            "max-frame-size",
            "channel-max",
            "idle-time-out",
            "outgoing-locales",
            "incoming-locales",
            "offered-capabilities",
            "desired-capabilities",
            "properties",
        ),
    ),
    "begin": (
        0x11,
        (
            "remote-channel",
            "next-outgoing-id",
            "incoming-window",
            "outgoing-window",
            "handle-max",
            "offered-capabilities",
            "desired-capabilities",
            "properties",
        ),
    ),
    "attach": (
        0x12,
        (
            "name",
            "handle",
            "role",
            "snd-settle-mode",
            "rcv-settle-mode",
            "source",
            "target",
            "unsettled",
            "incomplete-unsettled",
            "initial-delivery-count",
            "max-message-size",
            "offered-capabilities",
            "desired-capabilities",
            "properties",
        ),
    ),
    "flow": (
        0x13,
        (
            "next-incoming-id",
            "incoming-window",
            "next-outgoing-id",
            "outgoing-window",
            "handle",
            "delivery-count",
            "link-credit",
            "available",
            "drain",
            "echo",
            "properties",
        ),
    ),
    "transfer": (
        0x14,
        (
            "handle",
            "delivery-id",
            "delivery-tag",
            "message-format",
            "settled",
            "more",
            "rcv-settle-mode",
            "state",
            "resume",
            "aborted",
            "batchable",
        ),
    ),
    "disposition": (0x15, ("role", "first", "last", "settled", "state", "batchable")),
    "detach": (0x16, ("handle", "closed", "error")),
    "end": (0x17, ("error",)),
    "close": (0x18, ("error",)),
    "sasl-mechanisms": (0x40, ("sasl-server-mechanisms",)),
    "sasl-init": (0x41, ("mechanism", "initial-response", "hostname")),
    "sasl-outcome": (0x44, ("code", "additional-data")),
}
_NAMES = {code: name for name, (code, _) in _SHAPES.items()}


@dataclass(frozen=True, slots=True)
class Frame:
    """One performative with its fields by name, and what follows it (a piece of a message, with `transfer`)."""

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    payload: bytes = b""
    channel: int = 0

    def __getitem__(self, name: str) -> Any:
        """The field's value; None where it was not given."""
        return self.fields.get(name)

    def encode(self, kind: int = 0) -> bytes:
        """The whole frame. Every field is written: some clients count on the places."""
        code, names = _SHAPES[self.name]
        body = encode(Described(code, [self.fields.get(name) for name in names])) + self.payload
        return struct.pack(">IBBH", len(body) + 8, 2, kind, self.channel) + body


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame; None for an empty one, which only says that the peer lives. Raises AmqpError, EOFError."""
    size, offset, _, channel = struct.unpack(">IBBH", await reader.readexactly(8))
    if not 8 <= size <= LARGEST_FRAME or not 2 <= offset <= size // 4:
        raise AmqpError(f"a frame of {size} bytes")
    rest = (await reader.readexactly(size - 8))[offset * 4 - 8 :]
    if not rest:
        return None
    performative, end = decode(rest)
    if not isinstance(performative, Described) or performative.descriptor not in _NAMES:
        raise AmqpError("a frame without a performative")
    name = _NAMES[performative.descriptor]
    fields = dict(zip(_SHAPES[name][1], performative.value, strict=False))
    return Frame(name, fields, rest[end:], channel)


async def read_header(reader: asyncio.StreamReader) -> bytes:
    """The eight bytes with which each layer of the protocol begins."""
    return await reader.readexactly(8)
