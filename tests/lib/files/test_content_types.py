"""What a file is, its bytes say: neither its name nor who sends it can make a page or a program of it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.files.content_types import UNKNOWN, read_kind
from lib.files.image_formats import BrokenImage, image_type
from tests.support.attachments import EICAR, SVG
from tests.support.pictures import ALL, gif, jpeg, png, webp

CSV, TEXT = "text/csv; charset=utf-8", "text/plain; charset=utf-8"


def content_type(data: bytes | memoryview, name: str) -> str:
    return read_kind(data).content_type(name)


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"%PDF-1.7\n", "offer.exe", "application/pdf"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n\0", "offer.txt", "application/pdf"),
        (b"{\\rtf1\\ansi Hello}", "offer.txt", "application/rtf"),
        (b"%!PS-Adobe-3.0\n", "offer.txt", "application/postscript"),
        (png(), "offer.html", "image/png"),
        (b"MZ" + bytes(100), "offer.pdf", "application/x-msdownload"),
        (b"MZ\x90\0 a program", "minutes.txt", "application/x-msdownload"),
        (b"\xff\xfbimpossible" + bytes(9), "song.txt", "audio/mpeg"),
        (b"\x1f\x8b\x08abc", "notes.txt", "application/gzip"),
        (b"\x00\x01\x02", "offer.pdf", UNKNOWN),
        (b"a text with a bell\x07", "letter.txt", UNKNOWN),
        (b"", "letter.txt", TEXT),
    ],
)
def test_the_bytes_decide(data: bytes, name: str, expected: str) -> None:
    assert content_type(data, name) == expected
    assert content_type(memoryview(data), name) == expected


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"BMW;Audi\n1;2\n", "bmw.csv", CSV),
        (b"MZ meeting minutes\n", "minutes.txt", TEXT),
        (b"ID3,Name\n", "list.csv", CSV),
        (b"CWS: cleaning\n", "offer.txt", TEXT),
        (b"FWS, sewage\n", "works.txt", TEXT),
        (b"GIF87a is a format\n", "formats.txt", TEXT),
        (b"II*, MM*: makers of pictures\n", "tiff.md", "text/markdown; charset=utf-8"),
        (b"8BPS\tphotos\n", "photos.tsv", "text/tab-separated-values; charset=utf-8"),
        (b"OggS and RIFF, fLaC, Rar!\n", "sounds.txt", TEXT),
        (b"BZh: a place\n", "places.txt", TEXT),
        (b"%PDF files are welcome\n", "rules.txt", TEXT),
        (b"{\\rtfm}\n", "hint.txt", TEXT),
        (b"BMW;M\xfcller\n", "bmw.csv", "text/csv"),
        (b"MZ Gr\xfc\xdfe\n", "letter.txt", "text/plain"),
        ("BMW;Audi\n".encode("utf-16"), "bmw.csv", "text/csv; charset=utf-16"),
    ],
)
def test_a_text_that_begins_like_a_signature_is_a_text(data: bytes, name: str, expected: str) -> None:
    assert content_type(data, name) == expected


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        ("Grüße".encode(), "utf-8"),
        ("\ufeffGrüße".encode(), "utf-8"),
        (b"only ASCII", "utf-8"),
        ("Grüße, 見積書 😀".encode("utf-16"), "utf-16"),
        ("\ufeffGrüße".encode("utf-16-be"), "utf-16"),
        ("Grüße".encode("utf-32"), "utf-32"),
        ("Grüße".encode("latin-1"), None),
        ("Übersicht".encode("cp1252"), None),
        ("Привет".encode("cp1251"), None),
        (b"the end, in DOS\r\n\x1a", "utf-8"),
        (b"a" * 9000 + b"\xfc", None),
        (b"a" + "é".encode() * 70_000, "utf-8"),  # the pieces that are read end within a letter
        (b"a" * 65_535 + "é".encode(), "utf-8"),
    ],
)
def test_a_text_tells_its_character_set_where_it_is_known(data: bytes, charset: str | None) -> None:
    assert content_type(data, "letter.txt") == "text/plain" + (f"; charset={charset}" if charset else "")


@pytest.mark.parametrize(
    "data",
    [
        b"a" * 70_000 + b"\0",
        b"\xff\xfe\0",
        b"\xff\xfe\0\xd8a\0",
        b"\xff\xfe\1\0",
        b"\xff\xfe\xfe\xff",
        b"\xef\xbb\xbf\xff\0",
    ],
)
def test_what_is_text_at_the_beginning_alone_is_none(data: bytes) -> None:
    assert content_type(data, "letter.txt") == UNKNOWN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prices.csv", CSV),
        ("PRICES.CSV", CSV),
        ("notes.md", "text/markdown; charset=utf-8"),
        ("ada.vcf", "text/vcard; charset=utf-8"),
        ("data.json", "application/json"),
        ("page.html", TEXT),
        ("run.bat", TEXT),
        ("offer.pdf", TEXT),
        ("invite.ics", TEXT),  # it is no calendar
        ("README", TEXT),
    ],
)
def test_the_name_tells_one_harmless_text_from_another(name: str, expected: str) -> None:
    assert content_type(b"name,price\nOffer,1\n", name) == expected


def test_json_is_always_in_utf_8() -> None:
    assert content_type('{"a": "ü"}'.encode("utf-16"), "data.json") == "text/plain; charset=utf-16"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<!doctype html><script>alert(1)</script>", "page.txt"),
        (b"\xef\xbb\xbf  <html>", "page.csv"),
        ("\ufeff <HTML>".encode("utf-16-le"), "page.csv"),
        (b"hello <script>alert(1)</script>", "page.html"),
        (b"\xfc <script>alert(1)</script>", "page.txt"),
        (b"<?xml version='1.0'?>", "data.xml"),
        (SVG, "picture.png"),
    ],
)
def test_what_a_browser_would_run_is_of_unknown_kind(data: bytes, name: str) -> None:
    assert content_type(data, name) == UNKNOWN


def test_a_test_virus_is_what_its_bytes_are() -> None:
    assert content_type(EICAR, "eicar.com") == TEXT


def calendar(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""]).encode()


EVENT = ("BEGIN:VEVENT", "SUMMARY:Lunch für alle", "END:VEVENT")


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (calendar("METHOD:REQUEST", *EVENT), "REQUEST"),
        (calendar("method:request", *EVENT), "REQUEST"),
        (calendar("METHOD;X-A=b:CANCEL", *EVENT), "CANCEL"),
        (calendar("METH", " OD:REQ", "\tUEST", *EVENT), "REQUEST"),
        (calendar("X-WR-CALDESC:a description", " METHOD:CANCEL", "METHOD:PUBLISH", *EVENT), "PUBLISH"),
        (calendar(*EVENT, "METHOD:REPLY"), "REPLY"),
        (calendar("METHOD:REQUEST", *EVENT).replace(b"\r\n", b"\n"), "REQUEST"),
        (b"\xef\xbb\xbf" + calendar("METHOD:REQUEST", *EVENT), "REQUEST"),
        (b"\r\n" + calendar("METHOD:REQUEST", *EVENT).lower(), "REQUEST"),
        (calendar(*EVENT), None),
        (calendar("BEGIN:VEVENT", "METHOD:REQUEST", "END:VEVENT"), None),
        (calendar("METHOD:", *EVENT), None),
        (calendar("METHOD:REQUEST; charset=x", *EVENT), None),
        (calendar("METHOD:REQUEST", *EVENT) + calendar("METHOD:CANCEL", *EVENT), None),
    ],
)
def test_a_calendar_carries_its_method_and_its_character_set(data: bytes, method: str | None) -> None:
    expected = f"text/calendar; method={method}" if method else "text/calendar"
    assert content_type(data, "invite.ics") == f"{expected}; charset=utf-8"
    assert content_type(data, "invite.txt") == TEXT


def test_a_calendar_in_another_character_set_says_so_or_nothing() -> None:
    text = calendar("METHOD:REQUEST", *EVENT).decode()
    assert content_type(text.encode("utf-16"), "a.ics") == "text/calendar; method=REQUEST; charset=utf-16"
    assert content_type(text.encode("latin-1"), "a.ics") == "text/calendar; method=REQUEST"


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.ics", "a.json", "a"]))
def test_whatever_the_bytes_there_is_one_type_that_no_browser_runs(data: bytes, name: str) -> None:
    kind = content_type(data, name)
    assert kind.partition("/")[0] in ("application", "audio", "font", "image", "text", "video")
    assert kind.partition(";")[0] not in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml")


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
