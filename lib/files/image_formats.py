"""Images that a mail may show: PNG, JPEG, GIF and WebP, told by their bytes and read through from end to end.

Nothing is decoded. The check is of the frame that every decoder relies on: the file is of the kind that its first bytes
name, its pieces fit, it has a size, and its end is there. SVG is not among the kinds: it can hold scripts.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable


class BrokenImage(ValueError):
    """An image that cannot be shown. The text says what is wrong."""


_NO_SIZE = "it has no width or no height"
_CUT = "it is cut short"


def image_type(data: bytes | memoryview) -> str:
    """Return the media type of a whole image. Raises BrokenImage for other kinds, and for a part of one."""
    raw = bytes(data)
    for signature, kind, check in _FORMATS:
        if raw.startswith(signature):
            try:
                check(raw)
            except (struct.error, IndexError):
                raise BrokenImage(_CUT) from None
            return kind
    raise BrokenImage("it is no PNG, JPEG, GIF or WebP")


def known_image_type(data: bytes) -> str:
    """Return the media type of an image that was read through when it came. Raises BrokenImage for other kinds."""
    for signature, kind, _ in _FORMATS:
        if data.startswith(signature):
            return kind
    raise BrokenImage("it is no PNG, JPEG, GIF or WebP")


def _check_png(raw: bytes) -> None:
    """Check chunks of length, type, data and CRC, from IHDR to IEND. Source: PNG Specification (Third Edition), 5."""
    place, kinds = 8, list[bytes]()
    while not kinds or kinds[-1] != b"IEND":
        length, kind = struct.unpack_from(">I4s", raw, place)
        end = place + 8 + length
        (crc,) = struct.unpack_from(">I", raw, end)
        if zlib.crc32(raw[place + 4 : end]) != crc:
            raise BrokenImage("a checksum in it is wrong")
        if not kinds and (kind != b"IHDR" or 0 in struct.unpack_from(">II", raw, place + 8)):
            raise BrokenImage(_NO_SIZE)
        kinds.append(kind)
        place = end + 4
    if b"IDAT" not in kinds:
        raise BrokenImage("it has no picture in it")


_WITH_SIZE = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))


def _check_jpeg(raw: bytes) -> None:
    """Check segments up to the start of scan, and the end of image. Source: ITU T.81, annex B."""
    place, sized = 2, False
    while True:
        if raw[place] != 0xFF:
            raise BrokenImage("its segments do not fit")
        marker = raw[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in _ALONE:
            place += 2
            continue
        (length,) = struct.unpack_from(">H", raw, place + 2)
        if marker in _WITH_SIZE:
            height, width = struct.unpack_from(">HH", raw, place + 5)
            sized = width > 0 and height > 0
        if marker == 0xDA:
            break
        place += 2 + length
    if not sized:
        raise BrokenImage(_NO_SIZE)
    if raw.find(b"\xff\xd9", place) < 0:
        raise BrokenImage(_CUT)


def _check_gif(raw: bytes) -> None:
    """Check blocks up to the trailer, at least one of them an image. Source: GIF89a Specification, 17 to 27."""
    width, height, packed = struct.unpack_from("<HHB", raw, 6)
    if not width or not height:
        raise BrokenImage(_NO_SIZE)
    place, images = 13 + _table_length(packed), 0
    while (introducer := raw[place]) != 0x3B:
        if introducer == 0x21:
            place += 2
        elif introducer == 0x2C:
            images += 1
            place += 11 + _table_length(raw[place + 9])
        else:
            raise BrokenImage("its blocks do not fit")
        while length := raw[place]:
            place += 1 + length
        place += 1
    if not images:
        raise BrokenImage("it has no picture in it")


def _table_length(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _check_webp(raw: bytes) -> None:
    """Check RIFF chunks, at least one of them with a picture. Source: WebP Container Specification."""
    size, form = struct.unpack_from("<I4s", raw, 4)
    if form != b"WEBP":
        raise BrokenImage("it is no PNG, JPEG, GIF or WebP")
    if len(raw) < 8 + size:
        raise BrokenImage(_CUT)
    place, kinds = 12, set[bytes]()
    while place + 8 <= 8 + size:
        kind, length = struct.unpack_from("<4sI", raw, place)
        kinds.add(kind)
        place += 8 + length + length % 2
    if place > 8 + size + 1:
        raise BrokenImage(_CUT)
    if not kinds & {b"VP8 ", b"VP8L", b"ANMF"}:
        raise BrokenImage("it has no picture in it")


_FORMATS: tuple[tuple[bytes, str, Callable[[bytes], None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", _check_png),
    (b"\xff\xd8\xff", "image/jpeg", _check_jpeg),
    (b"GIF87a", "image/gif", _check_gif),
    (b"GIF89a", "image/gif", _check_gif),
    (b"RIFF", "image/webp", _check_webp),
)
