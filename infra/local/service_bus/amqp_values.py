"""AMQP 1.0's values as bytes, and back (part 1 of the OASIS standard, "Types").

What Python cannot tell apart has a type of its own here, so that a value that was decoded is encoded as it came.
Decimals are left out: nothing that comes here has them.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


class AmqpError(Exception):
    """The bytes are not what the protocol says."""


class UByte(int):
    pass


class UShort(int):
    pass


class UInt(int):
    pass


class ULong(int):
    pass


class Int(int):
    """32 bits; a plain `int` is a long of 64."""


class Timestamp(int):
    """Milliseconds since 1970, UTC."""


class Symbol(str):
    """ASCII from a constrained domain, such as the name of a property."""

    __slots__ = ()


class Array(list[Any]):
    """A list of values of one type, and written so."""


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor that says what it is."""

    descriptor: int
    value: Any


_NUMBERS: dict[int, tuple[str, Callable[[Any], Any]]] = {
    0x50: (">B", UByte),
    0x51: (">b", Int),
    0x52: (">B", UInt),
    0x53: (">B", ULong),
    0x54: (">b", Int),
    0x55: (">b", int),
    0x56: (">?", bool),
    0x60: (">H", UShort),
    0x61: (">h", Int),
    0x70: (">I", UInt),
    0x71: (">i", Int),
    0x72: (">f", float),
    0x73: (">I", chr),
    0x80: (">Q", ULong),
    0x81: (">q", int),
    0x82: (">d", float),
    0x83: (">q", Timestamp),
}
_CONSTANTS: dict[int, Any] = {0x40: None, 0x41: True, 0x42: False, 0x43: UInt(0), 0x44: ULong(0), 0x45: []}
_TEXTS: dict[int, Callable[[bytes], Any]] = {
    0xA0: bytes,
    0xA1: lambda raw: raw.decode(),
    0xA3: lambda raw: Symbol(raw.decode("ascii")),
    0xB0: bytes,
    0xB1: lambda raw: raw.decode(),
    0xB3: lambda raw: Symbol(raw.decode("ascii")),
}
_UUID = 0x98
_LISTS, _MAPS, _ARRAYS = (0xC0, 0xD0), (0xC1, 0xD1), (0xE0, 0xF0)
_DEEPEST = 32

_ENCODED_NUMBERS: dict[type, tuple[int, str]] = {
    UByte: (0x50, ">B"),
    UShort: (0x60, ">H"),
    UInt: (0x70, ">I"),
    ULong: (0x80, ">Q"),
    Int: (0x71, ">i"),
    int: (0x81, ">q"),
    Timestamp: (0x83, ">q"),
    float: (0x82, ">d"),
}


def decode(data: bytes, start: int = 0) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends. Raises AmqpError."""
    try:
        return _decode(data, start, 0)
    except (struct.error, IndexError, ValueError, TypeError, OverflowError) as error:
        raise AmqpError(f"a value cannot be read: {error}") from error


def _decode(data: bytes, start: int, depth: int) -> tuple[Any, int]:
    code = data[start]
    if code == 0:
        descriptor, start = _decode(data, start + 1, depth + 1)
        value, end = _decode(data, start, depth + 1)
        return Described(descriptor, value), end
    return _decode_as(code, data, start + 1, depth)


def _decode_as(code: int, data: bytes, start: int, depth: int) -> tuple[Any, int]:
    """The value whose type is known already: in an array, it stands once for all of them."""
    if depth > _DEEPEST:
        raise AmqpError("values are nested too deep")
    if code in _CONSTANTS:
        constant = _CONSTANTS[code]
        return ([] if constant == [] else constant), start
    if code in _NUMBERS:
        shape, make = _NUMBERS[code]
        return make(struct.unpack_from(shape, data, start)[0]), start + struct.calcsize(shape)
    if code == _UUID:
        return UUID(bytes=data[start : start + 16]), start + 16
    width = 1 if code < 0xB0 or 0xC0 <= code < 0xD0 or 0xE0 <= code < 0xF0 else 4
    size = int.from_bytes(data[start : start + width], "big")
    start += width
    end = start + size
    if end > len(data):
        raise AmqpError("a value is cut off")
    if code in _TEXTS:
        return _TEXTS[code](data[start:end]), end
    count = int.from_bytes(data[start : start + width], "big")
    if count > size:
        raise AmqpError("a value has more items than bytes")
    return _decode_items(code, data, start + width, count, depth), end


def _decode_items(code: int, data: bytes, start: int, count: int, depth: int) -> Any:
    items: list[Any] = []
    if code in _ARRAYS:
        of, start = data[start], start + 1
        for _ in range(count):
            item, start = _decode_as(of, data, start, depth + 1)
            items.append(item)
        return Array(items)
    for _ in range(count):
        item, start = _decode(data, start, depth + 1)
        items.append(item)
    if code in _MAPS:
        return dict(zip(items[::2], items[1::2], strict=True))
    if code in _LISTS:
        return items
    raise AmqpError(f"a type is unknown: {code:#04x}")


def encode(value: Any) -> bytes:
    """The value's bytes. Raises AmqpError for what has no type here."""
    if value is None:
        return b"\x40"
    if isinstance(value, bool):
        return b"\x41" if value else b"\x42"
    if isinstance(value, Described):
        return b"\x00" + _descriptor(value.descriptor) + encode(value.value)
    if type(value) in _ENCODED_NUMBERS:
        code, shape = _ENCODED_NUMBERS[type(value)]
        return bytes([code]) + struct.pack(shape, value)
    if isinstance(value, UUID):
        return bytes([_UUID]) + value.bytes
    if isinstance(value, Symbol):
        return _sized(0xB3, value.encode("ascii"))
    if isinstance(value, str):
        return _sized(0xB1, value.encode())
    if isinstance(value, bytes):
        return _sized(0xB0, value)
    if isinstance(value, Array):
        return _counted(0xF0, len(value), _array_body(value))
    if isinstance(value, list):
        return _counted(0xD0, len(value), b"".join(map(encode, value)))
    if isinstance(value, dict):
        items = [item for pair in value.items() for item in pair]
        return _counted(0xD1, len(items), b"".join(map(encode, items)))
    raise AmqpError(f"a {type(value).__name__} cannot be written")


def _descriptor(code: int) -> bytes:
    # One byte, always: clients look for the code there.
    return bytes([0x53, code])


def _array_body(items: Sequence[Any]) -> bytes:
    if not items:
        return b"\x40"
    encoded = [encode(item) for item in items]
    if len({each[0] for each in encoded}) != 1:
        raise AmqpError("an array has items of more than one type")
    return encoded[0][:1] + b"".join(each[1:] for each in encoded)


def _sized(code: int, raw: bytes) -> bytes:
    return bytes([code]) + struct.pack(">I", len(raw)) + raw


def _counted(code: int, count: int, raw: bytes) -> bytes:
    return bytes([code]) + struct.pack(">II", len(raw) + 4, count) + raw
