"""A mail's content as it goes over the wire after DATA (RFC 5321, 4.5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = 256 * 1024
"""Bytes: few enough to be handled within a millisecond."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


def ended_by_dot(mime: bytes) -> Iterator[bytes]:
    """Yield the content in pieces, with dots doubled at the beginning of lines, and the line that ends it.

    Every kind of line end becomes CRLF: a server must not see the end anywhere else than Heed does.
    """
    begins_line = True
    start = 0
    while start < len(mime):
        end = _end_of_piece(mime, start)
        piece = _with_crlf(mime[start:end]).replace(b"\r\n.", b"\r\n..")
        yield b"." + piece if begins_line and piece.startswith(b".") else piece
        begins_line = piece.endswith(b"\n")
        start = end
    yield b".\r\n" if begins_line else b"\r\n.\r\n"


def _end_of_piece(mime: bytes, start: int) -> int:
    """A piece ends behind a line, if a line ends in it, and never between CR and LF."""
    end = mime.rfind(b"\n", start, start + _PIECE) + 1
    if end:
        return end
    end = start + _PIECE
    return end + 1 if mime[end - 1 : end + 1] == b"\r\n" else end


def _with_crlf(piece: bytes) -> bytes:
    count = piece.count(b"\r\n")
    return piece if piece.count(b"\n") == count == piece.count(b"\r") else _LINE_END.sub(b"\r\n", piece)
