"""What a file is, its bytes say: neither its name nor who sends it can make a page or a program of it."""

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.files.content_types import UNKNOWN, content_type
from lib.files.image_formats import BrokenImage, image_type
from tests.support.attachments import EICAR, SVG
from tests.support.pictures import ALL, gif, jpeg, png, webp


def archive(*names: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name in names:
            file.writestr(name, "content")
    return written.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n", "offer.exe", "application/pdf"),
        (png(), "offer.html", "image/png"),
        (archive("a.txt"), "offer.docx", "application/zip"),
        (
            archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
            "offer.zip",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"MZ" + bytes(100), "offer.pdf", "application/x-msdownload"),
        (b"name,price\nOffer,1\n", "prices.csv", "text/csv"),
        ("Grüße".encode(), "letter.pdf", "text/plain"),
        (b"\x00\x01\x02", "offer.pdf", UNKNOWN),
        ("Grüße".encode("latin-1"), "letter.txt", UNKNOWN),
        (b"<!doctype html><script>alert(1)</script>", "page.txt", UNKNOWN),
        (b"\xef\xbb\xbf  <html>", "page.csv", UNKNOWN),
        (b"hello <script>alert(1)</script>", "page.html", UNKNOWN),
        (b"no markup", "page.html", "text/plain"),
        (SVG, "picture.png", UNKNOWN),
        (EICAR, "eicar.com", "text/plain"),
    ],
)
def test_the_bytes_decide(data: bytes, name: str, expected: str) -> None:
    assert content_type(data, name) == expected
    assert content_type(memoryview(data), name) == expected


def test_a_letter_of_several_bytes_at_the_end_of_what_is_looked_at_is_text() -> None:
    assert content_type(b"a" + "é".encode() * 5000, "letter.txt") == "text/plain"


@pytest.mark.parametrize("kind", ALL)
def test_an_image_is_known_by_its_bytes(kind: str) -> None:
    assert image_type(ALL[kind]) == kind


@pytest.mark.parametrize("kind", ALL)
def test_an_image_that_is_cut_anywhere_is_broken(kind: str) -> None:
    data = ALL[kind]
    for end in range(len(data)):
        with pytest.raises(BrokenImage):
            image_type(data[:end])


@pytest.mark.parametrize(
    "data",
    [b"", SVG, b"<html>", EICAR, b"GIF89a" + SVG, b"\xff\xd8\xff" + SVG, b"\x89PNG\r\n\x1a\n" + SVG,
     b"RIFF\x04\0\0\0WAVE", png(0, 1), jpeg(0, 1), b"BM" + bytes(60), gif()[:-1], webp()[:12]],
)  # fmt: skip
def test_what_only_begins_as_an_image_or_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenImage):
        image_type(data)


def test_a_changed_byte_of_a_png_is_noticed() -> None:
    data = bytearray(png())
    data[45] ^= 1
    with pytest.raises(BrokenImage, match="checksum"):
        image_type(bytes(data))


@given(st.sampled_from(sorted(ALL)), st.binary(max_size=60))
def test_whatever_follows_the_beginning_of_an_image_the_answer_is_a_type_or_a_refusal(kind: str, rest: bytes) -> None:
    with suppress(BrokenImage):
        assert image_type(ALL[kind][:12] + rest) == kind
