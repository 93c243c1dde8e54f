"""The loopback broker's codec: what it writes it reads, and nonsense is said to be nonsense."""

from __future__ import annotations

import struct
from typing import Any
from uuid import UUID

import pytest
from azure.servicebus._pyamqp import _decode, _encode
from hypothesis import given
from hypothesis import strategies as st

from infra.local.service_bus.amqp_values import (
    AmqpError,
    Array,
    Described,
    Int,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
    decode,
    encode,
)

longs = st.integers(-(2**63), 2**63 - 1)
simple = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 255).map(UByte),
    st.integers(0, 2**16 - 1).map(UShort),
    st.integers(0, 2**32 - 1).map(UInt),
    st.integers(0, 2**64 - 1).map(ULong),
    st.integers(-(2**31), 2**31 - 1).map(Int),
    longs,
    longs.map(Timestamp),
    st.floats(allow_nan=False),
    st.uuids(),
    st.binary(max_size=300),
    st.text(max_size=300),
    st.text(st.characters(max_codepoint=127), max_size=50).map(Symbol),
)
values: st.SearchStrategy[Any] = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text(max_size=5), inner, max_size=5),
        st.lists(longs, max_size=5).map(Array),
        st.builds(Described, st.integers(0, 255), inner),
    ),
    max_leaves=20,
)


def typed(value: Any) -> Any:
    """The value with the type of every part, which `==` between numbers does not see."""
    if isinstance(value, dict):
        return [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, list):
        return type(value), [typed(item) for item in value]
    if isinstance(value, Described):
        return int(value.descriptor), typed(value.value)
    return type(value), value


@given(values)
def test_what_was_written_is_read_with_its_type(value: Any) -> None:
    raw = encode(value)

    read, end = decode(raw)

    assert typed(read) == typed(value)
    assert end == len(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        decode(raw)
    except AmqpError:
        return


@pytest.mark.parametrize("code", [b"\xc0", b"\xf0"], ids=["lists", "arrays"])
def test_a_value_that_is_nested_too_deep_is_refused(code: bytes) -> None:
    raw = b"\x40"
    for _ in range(60):
        head = struct.pack(">BB", len(raw) + 1, 1) if code == b"\xc0" else struct.pack(">II", len(raw) + 4, 1)
        raw = code + head + raw

    with pytest.raises(AmqpError):
        decode(raw)


def test_the_sdk_reads_what_we_write() -> None:
    written = {"number": 7, "text": "ü", "token": UUID(int=5), "at": Timestamp(1000), "many": Array([1, 2])}

    _, read = _decode._decode_map_large(memoryview(encode(written)[1:]))

    assert read == {b"number": 7, b"text": "ü".encode(), b"token": UUID(int=5), b"at": 1000, b"many": [1, 2]}


def test_we_read_what_the_sdk_writes() -> None:
    raw = bytearray()
    _encode.encode_value(raw, {"number": 7, "text": "ü", "token": UUID(int=5), "raw": b"\x00", "many": [True, None]})

    read, end = decode(bytes(raw))

    assert read == {"number": 7, "text": "ü", "token": UUID(int=5), "raw": b"\x00", "many": [True, None]}
    assert end == len(raw)
