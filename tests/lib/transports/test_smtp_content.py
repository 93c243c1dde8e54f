"""A mail's content on the wire: read by the rules of RFC 5321, it is the mail again, and ends where Heed ends it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.transports import smtp_content
from lib.transports.smtp_content import ended_by_dot

PIECES = ["\r\n", "\n", "\r", ".", "..", "a", "\r\n.\r\n", "\n.\n", "\r.\r", "x" * 20]


def read_back(wire: bytes) -> bytes:
    """What a server keeps: all up to the first line that is a dot, without the dots that were added."""
    content, end, rest = wire.partition(b"\r\n.\r\n") if not wire.startswith(b".\r\n") else (b"", b".\r\n", wire[3:])
    assert end
    assert rest == b""
    return re.sub(rb"(?m)^\.", b"", content)


@pytest.fixture(params=[1, 2, 3, 7, 256 * 1024], autouse=True)
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_content, "_PIECE", request.param)


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_content_is_read_back_with_every_line_end_as_crlf(text: str) -> None:
    wire = b"".join(ended_by_dot(text.encode()))
    lines = re.sub("\r\n|\r|\n", "\r\n", text).encode()
    assert read_back(wire) == lines.removesuffix(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", wire)
