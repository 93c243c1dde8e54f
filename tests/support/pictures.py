"""Small images of each kind that mails show, whole and valid."""

import struct
import zlib


def png(width: int = 2, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * (height * (1 + 3 * width)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif() -> bytes:
    return bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")


def jpeg(width: int = 1, height: int = 1) -> bytes:
    """A frame and a scan; what the scan holds, nobody here decodes."""
    frame = struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)
    scan = bytes((1, 1, 0, 0, 63, 0))
    return (
        b"\xff\xd8"
        + b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1\0\0\1\0\1\0\0"
        + b"\xff\xc0" + struct.pack(">H", 2 + len(frame)) + frame
        + b"\xff\xda" + struct.pack(">H", 2 + len(scan)) + scan
        + b"\x00\x3f\xff\xd9"
    )  # fmt: skip


def webp() -> bytes:
    data = b"WEBPVP8L" + struct.pack("<I", 6) + bytes.fromhex("2f0000000000")
    return b"RIFF" + struct.pack("<I", len(data)) + data


ALL = {"image/png": png(), "image/gif": gif(), "image/jpeg": jpeg(), "image/webp": webp()}
