"""Images that a mail may show: PNG, JPEG, GIF and WebP, told by their bytes and read through from end to end.

Nothing is decoded. The check is of the frame that every decoder relies on: the file is of the kind that its first bytes
name, its pieces fit, it has a size, and its end is there. The size has limits, as a picture of a few kilobytes can take
gigabytes in the recipient's mail program. SVG is not among the kinds: it can hold scripts.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

LONGEST_SIDE = 16_384
"""Pixels. A WebP has at most as many."""

MOST_PIXELS = 64_000_000
"""Pixels of a picture or of a frame, which take 256 MB when it is shown."""

MOST_PIXELS_OF_FRAMES = 1_000_000_000
"""Pixels of all frames of an animated picture, each counted as large as the picture."""


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


def _check_size(width: int, height: int, frames: int = 1) -> None:
    """Check the size of a picture, or of one of its frames. Raises BrokenImage, naming the limit."""
    if width <= 0 or height <= 0:
        raise BrokenImage(_NO_SIZE)
    size = f"{width:,} by {height:,} pixels"
    if max(width, height) > LONGEST_SIDE:
        raise BrokenImage(f"it has {size}; a side has at most {LONGEST_SIDE:,} pixels")
    if width * height > MOST_PIXELS:
        million = f"{width * height / 1e6:,.0f} million in all; at most {MOST_PIXELS // 1_000_000} million are taken"
        raise BrokenImage(f"it has {size}, {million}")
    if width * height * frames > MOST_PIXELS_OF_FRAMES:
        most = f"all frames together have at most {MOST_PIXELS_OF_FRAMES // 1_000_000:,} million"
        raise BrokenImage(f"it has {frames:,} frames of {size}; {most}")


def _check_png(raw: bytes) -> None:
    """Check chunks of length, type, data and CRC, from IHDR to IEND. Source: PNG Specification (Third Edition), 5."""
    place, kinds, size, frames = 8, list[bytes](), (0, 0), 1
    while not kinds or kinds[-1] != b"IEND":
        length, kind = struct.unpack_from(">I4s", raw, place)
        end = place + 8 + length
        (crc,) = struct.unpack_from(">I", raw, end)
        if zlib.crc32(raw[place + 4 : end]) != crc:
            raise BrokenImage("a checksum in it is wrong")
        if not kinds:
            size = struct.unpack_from(">II", raw, place + 8) if kind == b"IHDR" else (0, 0)
            _check_size(*size)
        if kind == b"acTL":
            (frames,) = struct.unpack_from(">I", raw, place + 8)
        elif kind == b"fcTL":
            _check_size(*struct.unpack_from(">II", raw, place + 12))
        kinds.append(kind)
        place = end + 4
    if b"IDAT" not in kinds:
        raise BrokenImage("it has no picture in it")
    _check_size(*size, max(frames, kinds.count(b"fcTL")))


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
            _check_size(width, height)
            sized = True
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
    _check_size(width, height)
    place, images = 13 + _table_length(packed), 0
    while (introducer := raw[place]) != 0x3B:
        if introducer == 0x21:
            place += 2
        elif introducer == 0x2C:
            images += 1
            _check_size(*struct.unpack_from("<HH", raw, place + 5))  # a frame may be larger than the picture
            place += 11 + _table_length(raw[place + 9])
        else:
            raise BrokenImage("its blocks do not fit")
        while length := raw[place]:
            place += 1 + length
        place += 1
    if not images:
        raise BrokenImage("it has no picture in it")
    _check_size(width, height, images)


def _table_length(packed: int) -> int:
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _check_webp(raw: bytes) -> None:
    """Check RIFF chunks, at least one of them with a picture. Source: WebP Container Specification."""
    size, form = struct.unpack_from("<I4s", raw, 4)
    if form != b"WEBP":
        raise BrokenImage("it is no PNG, JPEG, GIF or WebP")
    if len(raw) < 8 + size:
        raise BrokenImage(_CUT)
    place, kinds, canvas = 12, list[bytes](), (1, 1)
    while place + 8 <= 8 + size:
        kind, length = struct.unpack_from("<4sI", raw, place)
        if kind in _WEBP_SIZES:
            found = _WEBP_SIZES[kind](raw, place + 8)
            _check_size(*found)
            canvas = canvas if kinds else found
        kinds.append(kind)
        place += 8 + length + length % 2
    if place > 8 + size + 1:
        raise BrokenImage(_CUT)
    if not {b"VP8 ", b"VP8L", b"ANMF"} & set(kinds):
        raise BrokenImage("it has no picture in it")
    _check_size(*canvas, max(1, kinds.count(b"ANMF")))


def _sides_of_vp8(raw: bytes, place: int) -> tuple[int, int]:
    """Read the sides from a key frame. Source: RFC 6386, 9.1."""
    width, height = struct.unpack_from("<HH", raw, place + 6)
    return width & 0x3FFF, height & 0x3FFF


def _sides_of_vp8l(raw: bytes, place: int) -> tuple[int, int]:
    """Read 14 bits for each side, less one. Source: WebP Lossless Bitstream Specification, 3."""
    (bits,) = struct.unpack_from("<I", raw, place + 1)
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _sides_in_three_bytes(raw: bytes, place: int) -> tuple[int, int]:
    """Read 24 bits for each side, less one, with which chunks of the container name a size."""
    low, high, low_height, high_height = struct.unpack_from("<HBHB", raw, place)
    return 1 + (high << 16 | low), 1 + (high_height << 16 | low_height)


_WEBP_SIZES: dict[bytes, Callable[[bytes, int], tuple[int, int]]] = {
    b"VP8 ": _sides_of_vp8,
    b"VP8L": _sides_of_vp8l,
    b"VP8X": lambda raw, place: _sides_in_three_bytes(raw, place + 4),
    b"ANMF": lambda raw, place: _sides_in_three_bytes(raw, place + 6),
}
"""Readers of the size in each chunk that has one. Source: WebP Container Specification."""


_FORMATS: tuple[tuple[bytes, str, Callable[[bytes], None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", _check_png),
    (b"\xff\xd8\xff", "image/jpeg", _check_jpeg),
    (b"GIF87a", "image/gif", _check_gif),
    (b"GIF89a", "image/gif", _check_gif),
    (b"RIFF", "image/webp", _check_webp),
)
