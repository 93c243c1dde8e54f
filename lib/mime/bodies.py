"""The encoded bodies of a mail's parts (RFC 2045, 6.7 and 6.8), put into a mail after `email` has written its headers.

`email` writes line by line in Python; for short lines that takes ten times as long as all the rest. So each part is
written with a marker for its body, and bodies take the markers' places in the end.
"""

from __future__ import annotations

import binascii
import re
import secrets

_LINE = 57
"""Bytes in one line of base64, which are 76 characters then."""

_LINES_AT_ONCE = 8192
_READABLE = bytes({*range(0x20, 0x7F), *b"\t\n"} - {*b"="})
"""The bytes that quoted-printable leaves as they are."""

_MARKER = re.compile(rb"heed-body-([0-9]{4})-([0-9a-f]{32})")


class MailBodies:
    """The bodies of one mail, by their markers."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(16)
        self._bodies: list[bytes] = []

    def text(self, body: str) -> tuple[str, str]:
        """Return the marker for a text, and its encoding: text that is not mostly ASCII is shorter in base64.

        Its line ends become CRLF.
        """
        lines = body.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
        if len(lines.translate(None, _READABLE)) > len(lines) / 4:  # each takes three times its place
            return self._marker(_in_base64(lines.replace(b"\n", b"\r\n"))), "base64"
        return self._marker(binascii.b2a_qp(lines).replace(b"\n", b"\r\n")), "quoted-printable"

    def file(self, data: bytes) -> str:
        """Return the marker for bytes in base64."""
        return self._marker(_in_base64(data))

    def filled(self, mime: bytes) -> bytes:
        """Return the mail, with each marker replaced by its body."""
        pieces, done = list[bytes](), 0
        for marker in _MARKER.finditer(mime):
            if marker[2] == self._secret.encode():
                pieces += (mime[done : marker.start()], self._bodies[int(marker[1])])
                done = marker.end()
        return b"".join([*pieces, mime[done:]])

    def _marker(self, body: bytes) -> str:
        self._bodies.append(body)
        return f"heed-body-{len(self._bodies) - 1:04d}-{self._secret}"


def _in_base64(data: bytes) -> bytes:
    step = _LINE * _LINES_AT_ONCE
    return b"".join([_lines(data[start : start + step]) for start in range(0, len(data), step)])


def _lines(data: bytes) -> bytes:
    line = binascii.b2a_base64
    return b"".join(
        [line(data[start : start + _LINE], newline=False) + b"\r\n" for start in range(0, len(data), _LINE)]
    )
