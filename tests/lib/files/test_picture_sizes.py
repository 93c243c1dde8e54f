"""Pictures of absurd size are refused by what their headers say, with the limit that they exceed."""

from __future__ import annotations

import struct
import zlib

import pytest

from lib.files.image_formats import BrokenImage, image_type
from tests.support.pictures import jpeg


def png(
    width: int, height: int, *, frames: int = 0, claimed: int | None = None, frame: tuple[int, int] = (1, 1)
) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    control = struct.pack(">III", 0, *frame) + bytes(14)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + (chunk(b"acTL", struct.pack(">II", claimed or frames, 0)) if frames else b"")
        + chunk(b"IDAT", b"x")
        + chunk(b"fcTL", control) * frames
        + chunk(b"IEND", b"")
    )


def gif(width: int, height: int, *, frames: int = 1, frame: tuple[int, int] = (1, 1)) -> bytes:
    image = b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x01\x00\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + image * frames + b";"


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    data = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2) for kind, body in chunks
    )
    return b"RIFF" + struct.pack("<I", len(data)) + data


def vp8(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)


def vp8l(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14)


def three_bytes(*sides: int) -> bytes:
    return b"".join((side - 1).to_bytes(3, "little") for side in sides)


def vp8x(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8X", bytes(4) + three_bytes(width, height)


def anmf(width: int, height: int) -> tuple[bytes, bytes]:
    return b"ANMF", bytes(6) + three_bytes(width, height) + bytes(4)


@pytest.mark.parametrize(
    "data",
    [
        png(65_535, 65_535),
        png(16_385, 1),
        png(2**31 - 1, 1),
        png(100, 100, frames=1, frame=(65_535, 65_535)),
        jpeg(65_535, 65_535),
        jpeg(1, 16_385),
        gif(65_535, 65_535),
        gif(10, 10, frames=2, frame=(65_535, 65_535)),
        webp(vp8x(65_535, 65_535), vp8(10, 10)),
        webp(vp8x(10, 10), anmf(1 << 24, 10)),
    ],
)
def test_a_picture_with_too_long_a_side_is_refused(data: bytes) -> None:
    assert len(data) < 10_000
    with pytest.raises(BrokenImage, match=r"pixels; a side has at most 16,384 pixels$"):
        image_type(data)


@pytest.mark.parametrize(
    "data",
    [
        png(16_000, 16_000),
        jpeg(16_000, 16_000),
        gif(16_000, 16_000),
        gif(10, 10, frame=(16_000, 16_000)),
        webp(vp8(16_000, 16_000)),
        webp(vp8l(16_000, 16_000)),
        webp(vp8x(16_000, 16_000), vp8(10, 10)),
        webp(vp8x(10, 10), anmf(10, 10), anmf(16_000, 16_000)),
    ],
)
def test_a_picture_with_too_many_pixels_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenImage, match=r"16,000 by 16,000 pixels, 256 million in all; at most 64 million"):
        image_type(data)


@pytest.mark.parametrize(
    "data",
    [
        png(4000, 4000, frames=63),
        png(4000, 4000, frames=1, claimed=63),
        gif(4000, 4000, frames=63),
        webp(vp8x(4000, 4000), *[anmf(10, 10)] * 63),
    ],
)
def test_a_moving_picture_with_too_many_pixels_in_all_its_frames_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenImage, match=r"63 frames of 4,000 by 4,000 pixels; all frames together .* 1,000 million$"):
        image_type(data)


@pytest.mark.parametrize(
    "data",
    [
        png(8000, 8000),
        png(16_384, 3906),
        png(1920, 1080, frames=300),
        jpeg(8064, 6048),  # what phones take
        gif(600, 400, frames=200, frame=(600, 400)),
        webp(vp8(16_383, 3900)),
        webp(vp8l(16_384, 3900)),
        webp(vp8x(1920, 1080), *[anmf(1920, 1080)] * 300),
    ],
)
def test_a_large_picture_of_the_kind_that_people_have_is_taken(data: bytes) -> None:
    assert image_type(data).startswith("image/")


@pytest.mark.parametrize("data", [png(0, 5), jpeg(5, 0), gif(0, 5), gif(5, 5, frame=(0, 5)), webp(vp8(0, 5))])
def test_a_picture_without_a_size_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenImage, match="no width or no height"):
        image_type(data)
