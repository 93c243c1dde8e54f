"""A destination is the address as it was written, but for what an HTTP header cannot hold."""

import pytest

from lib.rewrite.links import LONGEST, destination


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com",
        "http://example.com/",
        "HTTPS://Example.COM/Path",
        "https://example.com:8443/x",
        "https://example.com:/x",
        "https://example.com./x",
        "https://under_score.example.com/",
        "https://r3---sn-.example.com/",
        "https://localhost/x",
        "http://192.0.2.7:8080/x",
        "https://[2001:db8::1]:8443/x",
        "https://xn--mnchen-3ya.de/",
        "https://example.com?x=1",
        "https://example.com#top",
        "https://example.com/a,b;c='d'|e+f%20g%2Fh~(i)[j]{k}^`l`!$*@:\"<>",
        "https://example.com/?b=1&copy=2&amp=3&lt",
        "https://example.com/?sig=AbC%2Bd%2F%3D%3D&se=2026-01-01T00%3A00%3A00Z&url=https://other.example/?a=1#b",
        "https://example.com/100%/50%zz",
        "https://example.com/a/../b/./c//d",
        "https://example.com/#/route?x=1#y",
    ],
)
def test_an_ascii_address_is_kept_byte_for_byte(address: str) -> None:
    assert destination(address) == address


def test_white_space_around_an_address_is_dropped() -> None:
    assert destination("\r\n\t https://example.com/a \f\n") == "https://example.com/a"


def test_spaces_inside_an_address_become_percent_escapes() -> None:
    assert destination("https://example.com/a b?c d#e f") == "https://example.com/a%20b?c%20d#e%20f"


def test_non_ascii_characters_after_the_host_become_utf_8_percent_escapes() -> None:
    assert destination("https://example.com/straße?q=日#😀") == (
        "https://example.com/stra%C3%9Fe?q=%E6%97%A5#%F0%9F%98%80"
    )


@pytest.mark.parametrize(
    ("host", "ascii_host"),
    [
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("日本。jp", "xn--wgv71a.jp"),
        ("☃.net", "xn--n3h.net"),
        ("💩.la", "xn--ls8h.la"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("exa\u00admple.com", "example.com"),
        ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
        ("क्\u200dष.example", "xn--11b2ezcw70k.example"),
    ],
)
def test_an_international_host_gets_the_ascii_name_that_browsers_give_it(host: str, ascii_host: str) -> None:
    assert destination(f"https://{host}:8443/x") == f"https://{ascii_host}:8443/x"


def test_an_address_of_the_greatest_length_is_taken() -> None:
    address = "https://example.com/".ljust(LONGEST, "x")
    assert destination(address) == address
