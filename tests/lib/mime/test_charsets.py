"""Text is decoded as its writer saw it, by the label that browsers know, or by a good guess."""

import pytest

from lib.mime.charsets import decode_text, html_label


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("Grüße".encode(), "utf8", "Grüße"),
        ("“quotes”".encode("cp1252"), "iso-8859-1", "“quotes”"),  # which the standard reads as Windows-1252
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode("cp1252"), "us-ascii", "Grüße"),
        ("Grüße".encode("cp1252"), None, "Grüße"),
        ("Grüße".encode("cp1252"), "no-such", "Grüße"),
        ("中文".encode("gb18030"), "gb2312", "中文"),
        ("㌔①".encode("cp932"), "shift_jis", "㌔①"),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp", "日本語"),
        ("한국".encode("iso2022_kr"), "iso-2022-kr", "한국"),
        ("Größe".encode("utf-7"), "utf-7", "Größe"),
        (b"a+2D0-b", "utf-7", "a\ufffdb"),
        (b"a+3gDYPQ-b", "utf-7", "a\ufffdb"),
        ("a😀b".encode("utf-7"), "utf-7", "a😀b"),
        ("привет".encode("koi8-r"), "koi8", "привет"),
        (b"\xef\xbb\xbfHi", "iso-8859-1", "Hi"),
        ("Hi".encode("utf-16"), None, "Hi"),
        (b"a\xff\xff\xffb", "utf-8", "a\ufffdb"),
        (b"\\u0041", "unicode_escape", "\\u0041"),
        (b"xn--a", "idna", "xn--a"),
        (b"x", "\x00", "x"),
    ],
)
def test_text_is_decoded(data: bytes, label: str | None, text: str) -> None:
    assert decode_text(data, label) == text


@pytest.mark.parametrize(
    ("html", "label"),
    [
        (b'<html><head><meta charset="koi8-r">', "koi8-r"),
        (b"<META http-equiv=Content-Type content='text/html; charset=Windows-1251'>", "windows-1251"),
        (b"<meta charset=utf-16>", None),
        (b"<p>charset=koi8-r</p>", None),
        (b"<meta " * 5_000, None),
    ],
)
def test_html_may_name_its_character_set(html: bytes, label: str | None) -> None:
    assert html_label(html) == label
